"""Buckets of S3 and of whatever speaks its protocol.

opening           picks a client for a URL        fast     obstore first, s3fs for the rest
place             bucket, folder, endpoint        errors   what an answer of the service means
s3fs_driver       requests through s3fs           s3fs_errors
obstore_driver    requests through obstore        obstore_settings
"""
