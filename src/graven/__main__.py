"""``python -m graven`` and the ``graven`` command.

The version is answered here, before anything is imported: it is what shells, scripts and
bug reports ask for.
"""

import sys


def main() -> int:
    """Run the command line; the exit code is returned."""
    words = sys.argv[1:]
    if words in (["--version"], ["-V"]):
        from graven._version import __version__

        sys.stdout.write(f"graven {__version__}\n")
        return 0
    from graven.cli.start import run

    return run(words)


if __name__ == "__main__":
    sys.exit(main())
