"""Which room may do what: the rules that the import contract in pyproject.toml cannot say.

Every exception stands here by name, with its reason. One that is no longer needed
fails the test too, so that the lists stay as short as the truth.
"""

import ast
import fnmatch
import re
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[2] / "src" / "graven"
FILES = sorted(path.relative_to(SOURCE).as_posix() for path in SOURCE.rglob("*.py"))

MAX_FILE_LINES = 450
MAX_FUNCTION_LINES = 55  # for 95 of 100 functions

LONG: dict[str, str] = {}  # file: why it is not split

# Imports inside functions. Anywhere: modules that cost more than the whole of a small command.
LAZY_ANYWHERE = {
    "blake3": "compiled, 2 ms; what only asks the catalog never hashes",
    "pyfastcdc": "only for what is over 1 MiB",
    "sqlite3": "`--version` and the reading of one run need no catalog",
    "zstandard": "compiled, 5 ms; what only asks the catalog unpacks nothing",
    "numpy": "a tenth of a second; only where arrays are handed over or asked for",
    "ml_dtypes": "only for dtypes that numpy does not have",
    "matplotlib": "an extra, and half a second; only what draws needs it",
    "mimetypes": "tables of some milliseconds; only where a type is guessed from a name",
    "rich": "only where something is shown on a terminal",
    "subprocess": "only where git is asked",
    "importlib.metadata": "reads the folders of all installed packages",
    "urllib.parse": "only for names that are not plain",
    "urllib.request": "a big module for one function, needed for file:// URLs alone",
}

# Those of one place: (file, module) with the reason.
LAZY = {
    ("__init__.py", "importlib"): "names of the package load when they are first used",
    ("backends/__init__.py", "graven.backends.memory"): "only the backend that was asked for",
    ("backends/__init__.py", "graven.backends.wrappers"): "only the backend that was asked for",
    (
        "backends/__init__.py",
        "graven.backends.archive.backend",
    ): "only the backend that was asked for",
    ("backends/__init__.py", "graven.backends.anyfs.chains"): "only for URLs in several links",
    ("backends/__init__.py", "graven.backends.local"): "only the backend that was asked for",
    ("backends/__init__.py", "graven.backends.remote"): "only the backend that was asked for",
    ("backends/direct.py", "fcntl"): "not there on Windows, where nothing is written that way",
    ("backends/anyfs/driver.py", "aiohttp"): "half a second, for http alone",
    ("testing/servers/*", "azure.storage.blob"): "only the server that was asked for",
    ("testing/servers/*", "botocore.*"): "only the server that was asked for",
    ("userdirs.py", "platformdirs"): "only remote stores keep something beside themselves",
    ("backends/server_clock.py", "email.utils"): "only where a client shows its answers' headers",
    ("backends/server_clock.py", "http.client"): "only where it does not, and time matters",
    ("clock.py", "datetime"): "a name that is needed on one path",
    ("formats/guarded.py", "graven.formats.envelope"): "only for values that were replaced",
    ("catalog/rankings.py", "graven.catalog.keyed"): "only where somebody has asked for an order",
    ("porcelain/log.py", "graven.query"): "only with --where",
    ("query/spelling.py", "difflib"): "only for what is misspelt",
    ("store/*", "graven.query"): "start-up: only questions in the language need it",
    ("store/*", "graven.model.machine"): "start-up: only questions about machines need it",
    ("store/*", "graven.catalog.*"): "start-up: a question loads what answers it, no more",
    ("store/*", "graven.formats.*"): "start-up: a question loads what answers it, no more",
    ("store/*", "graven.catalog"): "start-up: a question loads what answers it, no more",
    ("store/*", "graven.model.trend"): "start-up: a question loads what answers it, no more",
    ("store/*", "graven.model.reading"): "start-up: only what keeps records checks them",
    ("store/*", "graven.objects.*"): "start-up: a question loads what answers it, no more",
    ("store/*", "graven.refs.guarded"): "start-up: a question loads what answers it, no more",
    ("store/*", "graven.client.*"): "start-up: only a remote store keeps things on this machine",
    ("store/*", "graven.store.*"): "start-up: what writes is loaded by the first write",
    ("store/tables.py", "pyarrow.parquet"): "an extra, and 100 ms: only tables need it",
    ("testing/simulation/keeping.py", "pyarrow"): "an extra: all but tables does without",
    ("store/*", "graven.views"): "start-up: what writes is loaded by the first write",
    ("store/*", "graven.ingest"): "the store's ingest() is a thin door to a room above it",
    ("store/*", "graven.ingest.*"): "the store's ingest() is a thin door to a room above it",
    ("store/*", "graven.frames.*"): "the store's to_arrow() is a thin door to a room above it",
    ("store/*", "graven.sql.*"): "the store's sql() is a thin door to a room above it",
    ("export/tables.py", "graven.export.delta"): "only for the one format that needs its library",
    ("porcelain/sql.py", "graven.sql.*"): "libraries of an extra, told by name if missing",
    ("porcelain/sql.py", "pyarrow.parquet"): "an extra, and 100 ms: only where a file is written",
    ("*/*.py", "graven.model.html"): "only where a notebook shows an answer",
    ("sql/*", "duckdb"): "an extra, and 50 ms: only a statement that is asked needs it",
    ("store/*", "graven.export"): "the store's export_asv() is a thin door to a room above it",
    ("store/*", "graven.export.*"): "the store's export_asv() is a thin door to a room above it",
    ("store/*", "graven.upkeep.*"): "the store's gc() and repack() are thin doors to a room above",
    ("porcelain/report_files.py", "graven.report"): "only the form that was asked for",
    ("porcelain/report_files.py", "graven.report.*"): "only the form that was asked for",
    ("porcelain/repack.py", "graven.upkeep.*"): "asked after each command that wrote",
    ("analysis/*.py", "graven.analysis.statistics.*"): "numpy; only for samples and histories",
    ("cli/*", "*"): "a command loads what it needs, so that the others start fast",
    ("__main__.py", "*"): "--version is answered before click is imported",
}

# `except Exception` and wider that do not raise again.
BROAD = {
    ("backends/anyfs/driver.py", "Exception"): "filesystems of other packages may raise anything",
    ("backends/interruptible.py", "BaseException"): "hands the error to the thread that waits",
    ("backends/parallel.py", "BaseException"): "hands the error to the thread that waits",
    ("ingest/registry.py", "Exception"): "formats of other packages may raise anything",
    ("objects/intake.py", "BaseException"): "hands the error to the thread that waits",
    ("store/writebehind.py", "BaseException"): "hands the error to the call that follows",
    ("store/session.py", "BaseException"): "hands the error to every request of one commit",
    ("testing/simulation/fibers.py", "BaseException"): "hands the error to who waits for the fiber",
    ("cli/start.py", "BaseException"): "the last handler: every error gets its exit code",
}

ENVIRONMENT = {
    "backends/s3/opening.py": "credentials, endpoint and region come as all tools for S3 take them",
    "cli/*": "flags and variables meet there",
    "__main__.py": "flags and variables meet there",
    "userdirs.py": "where the person wants caches and state",
    "testing/servers/*": "starts real servers with an environment of their own",
    "export/asv/git.py": "git runs in the person's environment, less what would lead it astray",
    "ingest/gitfacts.py": "git runs in the person's environment, less what would lead it astray",
    "porcelain/worktree.py": "what is measured runs in the person's environment",
}
OUTPUT = {
    "cli/*": "it speaks to people",
    "__main__.py": "it speaks to people",
}
TIME_AND_CHANCE = {
    "clock.py": "the only reader of time",
    "ids.py": "the only source of random bits",
    "testing/protocol/*": "draws from a seed",
    "testing/simulation/*": "draws from a seed",
}
PROCESSES = {
    "cli/tending.py": "repacks in the background",
    "export/asv/git.py": "asks git for the order of commits",
    "export/asv/synthetic.py": "lets git make the repository that stands in for the real one",
    "ingest/capture.py": "asks sysctl for the processor (macOS)",
    "ingest/gitfacts.py": "asks git for commit and branch",
    "porcelain/worktree.py": "checks commits out, and runs what is to be measured",
    "testing/servers/*": "starts real servers",
}

CHANCE = {"time", "random", "secrets", "uuid"}
RUNS_DATA_AS_CODE = {"pickle", "marshal", "shelve", "dill", "cloudpickle"}
READS_TIME = {"now", "utcnow", "today"}
NOTE = re.compile(r"#\s*(?:noqa(?::\s*[A-Z0-9, ]+)?|type:\s*ignore(?:\[[^\]]*\])?)(?P<reason>.*)")


def tree_of(name):
    return ast.parse((SOURCE / name).read_text(encoding="utf-8"), name)


def nodes(kind):
    for name in FILES:
        for node in ast.walk(tree_of(name)):
            if isinstance(node, kind):
                yield name, node


def at(name, node):
    return f"src/graven/{name}:{node.lineno}"


def allowed(name, places):
    return any(fnmatch.fnmatch(name, place) for place in places)


def modules_of(node):
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if node.module == "graven":  # "from graven import clock" is an import of graven.clock
        return [f"graven.{alias.name}" for alias in node.names]
    return [node.module or "."]


def dotted(node):
    """``os.environ`` as text, for a chain of names; else ''."""
    if isinstance(node, ast.Attribute):
        inner = dotted(node.value)
        return f"{inner}.{node.attr}" if inner else ""
    return node.id if isinstance(node, ast.Name) else ""


def functions(name):
    for node in ast.walk(tree_of(name)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield node


def lazy_imports(name):
    seen = set()
    for function in functions(name):
        for node in ast.walk(function):
            if isinstance(node, (ast.Import, ast.ImportFrom)) and node not in seen:
                seen.add(node)
                yield from ((node, module) for module in modules_of(node))


def report(found, rule, how):
    if found:
        pytest.fail(rule + ":\n  " + "\n  ".join(found) + "\n" + how, pytrace=False)


def test_there_is_something_to_check():
    assert len(FILES) > 30


def test_imports_inside_functions_are_listed():
    found = [
        f"{at(name, node)} imports {module!r}"
        for name in FILES
        for node, module in lazy_imports(name)
        if not any(module == top or module.startswith(f"{top}.") for top in LAZY_ANYWHERE)
        and not any(
            fnmatch.fnmatch(name, place) and fnmatch.fnmatch(module, what) for place, what in LAZY
        )
    ]
    report(
        found,
        "imports inside functions",
        "move them to the top, or give the reason in LAZY of tests/contract/test_rooms.py",
    )


def test_relative_imports_are_not_used():
    found = [at(name, node) for name, node in nodes(ast.ImportFrom) if node.level]
    report(found, "relative imports", "write graven.<room>.<file>, as the import contract does")


def test_only_some_places_read_the_environment():
    found = [
        at(name, node)
        for name, node in nodes(ast.Attribute)
        if dotted(node) in ("os.environ", "os.getenv", "os.environb")
        and not allowed(name, ENVIRONMENT)
    ]
    report(found, "reads the environment", "hand the value in from graven.cli as an argument")


def test_only_the_command_line_prints():
    found = [
        at(name, node)
        for name, node in nodes((ast.Call, ast.Attribute))
        if (
            (isinstance(node, ast.Call) and dotted(node.func) in ("print", "input"))
            or dotted(node) in ("sys.stdout", "sys.stderr", "sys.stdin")
        )
        and not allowed(name, OUTPUT)
    ]
    report(found, "prints or reads a terminal", "return a value; graven.cli shows it")


def test_only_the_clock_reads_time_and_only_ids_draws_bits():
    found = []
    for name, node in nodes((ast.Import, ast.ImportFrom)):
        tops = {module.split(".")[0] for module in modules_of(node)}
        if tops & CHANCE and not allowed(name, TIME_AND_CHANCE):
            found.append(f"{at(name, node)} imports {', '.join(sorted(tops & CHANCE))}")
    for name, node in nodes(ast.Attribute):
        text = dotted(node)
        first, _, last = text.rpartition(".")
        reads = last in READS_TIME and first.split(".")[-1] in ("datetime", "date")
        draws = text in ("os.urandom", "os.getrandom")
        if (reads or draws) and not allowed(name, TIME_AND_CHANCE):
            found.append(f"{at(name, node)} uses {text}")
    report(found, "reads time or draws random bits", "take it from graven.clock or graven.ids")


def test_data_is_never_run_as_code():
    found = []
    for name, node in nodes((ast.Import, ast.ImportFrom)):
        bad = {module.split(".")[0] for module in modules_of(node)} & RUNS_DATA_AS_CODE
        found += [f"{at(name, node)} imports {module}" for module in sorted(bad)]
    for name, node in nodes(ast.Call):
        if dotted(node.func) in ("eval", "exec", "os.system", "os.popen", "__import__"):
            found.append(f"{at(name, node)} calls {dotted(node.func)}")
    report(found, "runs data as code", "nothing read from a store may run code")


def test_only_some_places_start_processes():
    found = [
        at(name, node)
        for name, node in nodes((ast.Import, ast.ImportFrom))
        if "subprocess" in modules_of(node) and not allowed(name, PROCESSES)
    ]
    report(found, "starts processes", "list it in PROCESSES of tests/contract/test_rooms.py")


def test_checks_are_not_asserts():
    found = [at(name, node) for name, node in nodes(ast.Assert) if not name.startswith("testing/")]
    report(found, "assert in the program", "python -O drops it; raise an error of graven.errors")


def broad_handlers():
    for name, node in nodes(ast.ExceptHandler):
        kinds = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]
        for kind in kinds:
            caught = dotted(kind) if kind is not None else "BaseException"
            last = node.body[-1]
            raises_again = isinstance(last, ast.Raise) and last.exc is None
            if caught in ("Exception", "BaseException") and not raises_again:
                yield name, node, caught


def test_broad_handlers_raise_again_or_are_listed():
    found = [
        f"{at(name, node)} catches {caught}"
        for name, node, caught in broad_handlers()
        if not any(fnmatch.fnmatch(name, place) and caught == what for place, what in BROAD)
    ]
    report(found, "broad handlers", "name the errors, end with a bare raise, or list it in BROAD")


def test_silenced_warnings_give_their_reason():
    found = []
    for name in FILES:
        for number, line in enumerate((SOURCE / name).read_text("utf-8").splitlines(), 1):
            note = NOTE.search(line)
            if note and not re.search(r"[a-z]{2,} [\w\"'`]", note["reason"]):
                found.append(f"src/graven/{name}:{number} {note[0].strip()}")
    report(found, "silenced without a reason", "say why behind it, on the line")


def test_files_are_short():
    lengths = {name: len((SOURCE / name).read_text("utf-8").splitlines()) for name in FILES}
    found = [
        f"{name}: {count} lines"
        for name, count in lengths.items()
        if count > MAX_FILE_LINES and name not in LONG
    ]
    report(found, f"files of over {MAX_FILE_LINES} lines", "split them by purpose")


def test_functions_are_short():
    lengths = sorted(
        (node.end_lineno - node.lineno + 1, at(name, node), node.name)
        for name in FILES
        for node in functions(name)
    )
    limit = lengths[len(lengths) * 95 // 100][0]
    longest = [f"{where} {name}: {count} lines" for count, where, name in lengths[-10:]]
    if limit > MAX_FUNCTION_LINES:
        report(longest, f"95 of 100 functions have up to {limit} lines", "split the longest")


def room_exists(place):
    return any(fnmatch.fnmatch(name, place) for name in FILES)


def test_no_exception_outlives_its_need():
    lazy = [(name, module) for name in FILES for _, module in lazy_imports(name)]
    broad = [(name, caught) for name, _, caught in broad_handlers()]
    stale = [
        f"{listing}: {place} {what}"
        for listing, pairs, used in (("LAZY", LAZY, lazy), ("BROAD", BROAD, broad))
        for place, what in pairs
        if room_exists(place)
        and "*" not in place + what
        and not any(
            fnmatch.fnmatch(name, place) and fnmatch.fnmatch(used_what, what)
            for name, used_what in used
        )
    ]
    stale += [
        f"{place}: no such file"
        for places in (ENVIRONMENT, OUTPUT, TIME_AND_CHANCE, PROCESSES, LONG)
        for place in places
        if "*" not in place and place != "__main__.py" and not room_exists(place)
    ]
    report(stale, "exceptions that nothing needs", "remove them from tests/contract/test_rooms.py")
