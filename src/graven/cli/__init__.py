"""The command line: parsing, rendering, exit codes. The only room that prints, reads the
environment, or looks for the store.
"""
