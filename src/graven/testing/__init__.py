"""For those who write backends for graven, or test programs that use it.

`graven.testing.suites` needs pytest; nothing else of graven imports this package.
"""
