"""The version, on its own so that ``graven --version`` imports nothing else."""

__version__ = "0.1.0"
