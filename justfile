# Everyday commands; `just` alone lints and tests. Without just: scripts/test does all of it.
set positional-arguments

default: lint test

# Make .venv and install everything the other recipes need
venv:
    scripts/venv '.[test,lint]' asv

# Install the servers that tests of buckets run against, into the user's cache folder
servers:
    scripts/servers

# Tests only: just test -k codec
test *args: venv
    .venv/bin/python -m pytest -q -n 2 "$@"

# Tests with coverage, line by line what is missing
cov *args: venv
    .venv/bin/python -m pytest -q -n 2 --cov --cov-report=term-missing "$@"

# ruff, mypy, the import contract
lint: venv
    .venv/bin/ruff check .
    .venv/bin/ruff format --check .
    .venv/bin/mypy
    .venv/bin/lint-imports

# Let ruff mend what it can
fix: venv
    .venv/bin/ruff check --fix .
    .venv/bin/ruff format .

# Clients on a simulated bucket, and a model of how they share it, looked at for long: just simulate 100x200 50000
simulate size="2000x500" interleavings="1000000": venv
    GRAVEN_SIMULATE={{size}} GRAVEN_INTERLEAVINGS={{interleavings}} .venv/bin/python -m pytest -q -x -n 2 tests/simulation/test_state_machine.py tests/simulation/test_protocol.py

# What CI runs
ci:
    bash .ci/run

# A tour with real result files, kept in demo-out/
demo:
    scripts/demo

# graven beside its peers; the table of docs/benchmarks.md: just bench --runs 10000
bench *args: venv
    .venv/bin/python benchmarks/local.py "$@"

# What a bucket is asked for, beside peers on the same bucket
bench-remote *args: venv servers
    .venv/bin/python benchmarks/remote.py "$@"

# Questions and answers beside their peers: just bench-questions --only asking
bench-questions *args: venv
    .venv/bin/python benchmarks/questions.py "$@"

# Write constraints.txt from what .venv holds
constraints:
    scripts/constraints

# Write the pages that are made from the code
docs: venv
    .venv/bin/python scripts/make_cli_reference.py

# Make the golden store anew, while no release has written its format
golden: venv
    .venv/bin/python tests/golden/make_store.py
