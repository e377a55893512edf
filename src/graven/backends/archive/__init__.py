"""A store in one zip file, read in place.

backend     the members as keys        directory   the zip's own table, read strictly
writer      makes such a file
"""
