"""The verbs a person thinks in: one a file, each a function that takes an open store and
plain arguments and returns a value. Nothing here prints, reads the environment, or asks.
"""
