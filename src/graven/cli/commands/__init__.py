"""One command a file, each with a click command named ``command``; see `graven.cli.registry`."""
