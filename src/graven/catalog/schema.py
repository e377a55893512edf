"""Tables of the catalog. Changing anything here means a new `SCHEMA_VERSION`, no migration."""

SCHEMA_VERSION = 5
# Of the run objects that values were read from (a test holds it against the formats', which
# are not loaded for this): a graven that reads newer ones measures anew what this one left.
RUN_VERSION = 1

# pack.problem: why the pack could not be read whole; NULL for a good one.
# run: one row a run id, deleted ones too (object NULL): a tombstone is kept for good.
#   ts: microseconds since 1970 UTC. commit_hash: raw bytes of a full hash, else text.
#   status, origin: NULL for "ok" and "measured", which nearly all runs are.
# past: updates that lost to a later one; `restore` and history read it.
#   pack, frame, start, length: where the object lies, for a run that was never replaced:
#   an entry in `object` would hold the 32 bytes of its id a second time. NULL otherwise.
#   d: number of the run's definitions; NULL while its values are not in `measured`.
# loose: files of loose objects, as refs name them and listings show them. One that is gone
#   may still stand here: who must know looks at the file.
# measured: the value column of run `n` as planes of float64, in the order of its
#   definitions. The values stand last, so that reading the others touches no overflow page.
#   facts, in one number for the bytes that it saves a run: bounds = 1 if the run object has
#   lower or upper bounds, dirty: NULL, 0, 1, environment: number of the run's.
#   params: JSON, NULL for none.
# environment: fingerprint is NULL until somebody asks for machines, and empty where the
#   environment names none.
TABLES = """
CREATE TABLE meta(key TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE writer(n INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE);
CREATE TABLE pack(n INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, size INTEGER, problem TEXT);
CREATE TABLE frame(pack INTEGER, start INTEGER, codec INTEGER, count INTEGER, raw INTEGER,
    stored INTEGER, PRIMARY KEY(pack, start)) WITHOUT ROWID;
CREATE TABLE object(id BLOB, pack INTEGER, frame INTEGER, start INTEGER, length INTEGER,
    kind INTEGER, PRIMARY KEY(id, pack)) WITHOUT ROWID;
CREATE TABLE loose(id BLOB, key TEXT, size INTEGER NOT NULL, PRIMARY KEY(id, key)) WITHOUT ROWID;
CREATE TABLE run(n INTEGER PRIMARY KEY, run_id TEXT NOT NULL UNIQUE, object BLOB,
    stamp INTEGER NOT NULL, writer INTEGER NOT NULL, floor INTEGER NOT NULL, ts INTEGER,
    branch TEXT, commit_hash, experiment TEXT, status TEXT, origin TEXT, points INTEGER,
    grp TEXT, note TEXT, pack INTEGER, frame INTEGER, start INTEGER, length INTEGER, d INTEGER);
CREATE TABLE ref(name TEXT PRIMARY KEY, run_id TEXT, target BLOB, stamp INTEGER NOT NULL,
    writer INTEGER NOT NULL, floor INTEGER NOT NULL, note TEXT) WITHOUT ROWID;
CREATE INDEX ref_by_run ON ref(run_id);
CREATE INDEX ref_by_table ON ref(substr(name, length(run_id) + 7))
    WHERE substr(name, length(run_id) + 7, 7) = 'tables/';
CREATE INDEX ref_by_annotation ON ref(substr(name, length(run_id) + 7))
    WHERE substr(name, length(run_id) + 7, 18) = 'annotations/steps/';
CREATE TABLE past(name TEXT, stamp INTEGER, writer INTEGER, target BLOB, header TEXT, note TEXT,
    PRIMARY KEY(name, stamp, writer, target)) WITHOUT ROWID;
CREATE TABLE definitions(d INTEGER PRIMARY KEY, object BLOB NOT NULL UNIQUE, width INTEGER);
CREATE TABLE shape(d INTEGER, point INTEGER, name TEXT, scenario TEXT, tags TEXT, metrics TEXT,
    start INTEGER, PRIMARY KEY(d, point)) WITHOUT ROWID;
CREATE INDEX shape_by_name ON shape(name);
CREATE TABLE shape_tag(key TEXT, value TEXT, d INTEGER, point INTEGER,
    PRIMARY KEY(key, value, d, point)) WITHOUT ROWID;
CREATE TABLE measured(n INTEGER PRIMARY KEY, facts INTEGER NOT NULL, params TEXT,
    vals BLOB NOT NULL, bounds INTEGER AS (facts & 1),
    dirty INTEGER AS (CASE WHEN facts & 2 THEN (facts & 4) / 4 END),
    environment INTEGER AS (facts >> 3));
CREATE TABLE environment(e INTEGER PRIMARY KEY, object BLOB NOT NULL UNIQUE, fingerprint TEXT);
"""

# Made when a question first needs them: an empty table is a page too.
# ranking, ranked: the values by which runs were ordered or chosen (`metric.time`,
#   `param.lr`, `derived.sharpe`), of each run that has one; see `catalog.rankings`.
# derived: records under derived/ that were read, as JSON; derived_stale: runs whose derived
#   values in `ranked` may be old.
RANKING_TABLES = (
    "CREATE TABLE IF NOT EXISTS ranked(m INTEGER, n INTEGER, value, PRIMARY KEY(m, n))"
    " WITHOUT ROWID",
    "CREATE INDEX IF NOT EXISTS ranked_by_value ON ranked(m, value)",
    "CREATE TABLE IF NOT EXISTS derived(object BLOB PRIMARY KEY, record TEXT NOT NULL)"
    " WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS derived_stale(run_id TEXT PRIMARY KEY) WITHOUT ROWID",
    "CREATE INDEX IF NOT EXISTS ref_by_derived ON ref(substr(name, length(run_id) + 7))"
    " WHERE substr(name, length(run_id) + 7, 8) = 'derived/'",
    "CREATE TABLE IF NOT EXISTS ranking(m INTEGER PRIMARY KEY, field TEXT NOT NULL UNIQUE)",
)

# Kept apart: a first fill makes them last, which is faster and leaves full pages.
HEADER_INDEXES = {
    "run_by_object": "ON run(substr(object, 1, 4)) WHERE pack IS NOT NULL",
    "run_by_time": "ON run(ts) WHERE object IS NOT NULL",
    "run_by_branch": "ON run(branch, ts) WHERE object IS NOT NULL AND branch IS NOT NULL",
    "run_by_experiment": (
        "ON run(experiment, ts) WHERE object IS NOT NULL AND experiment IS NOT NULL"
    ),
}
VALUE_INDEXES = {
    "run_waiting": "ON run(n) WHERE d IS NULL AND object IS NOT NULL",
    "run_by_definitions": "ON run(d, ts) WHERE d IS NOT NULL",
}
WAITING = "d IS NULL AND object IS NOT NULL"
