"""Runs written in the forms of other tools. Works on `Run` values, never on a store."""
