"""Every command, once: help, completion and the reference in docs/cli.md come from here.

Plumbing is for programs: its output never changes shape. Porcelain is for people and may
become friendlier any day; programs use ``--json``. Maintenance repairs and rebuilds.
"""

PORCELAIN = "porcelain"
MAINTENANCE = "maintenance"
PLUMBING = "plumbing"

CLASSES = (PORCELAIN, MAINTENANCE, PLUMBING)

# name: (module under graven.cli.commands, class, one line of help)
COMMANDS: dict[str, tuple[str, str, str]] = {
    "init": ("init", PORCELAIN, "Make a new, empty store"),
    "clone": ("clone", PORCELAIN, "Copy another store, or a part of it, to this machine"),
    "ingest": ("ingest", PORCELAIN, "Read result files of benchmark tools into the store"),
    "log": ("log", PORCELAIN, "List runs, newest first"),
    "query": ("query", PORCELAIN, "Choose runs by a query, and show fields of them"),
    "show": ("show", PORCELAIN, "Show one run with its points and metrics"),
    "compare": ("compare", PORCELAIN, "Compare two runs, metric by metric"),
    "check": ("check", PORCELAIN, "Fail if the latest run is worse than a baseline"),
    "baseline": ("baseline", PORCELAIN, "List, set and remove baselines"),
    "tag": ("tag", PORCELAIN, "List, make and remove tags"),
    "trend": ("trend", PORCELAIN, "Show a metric over the runs"),
    "steps": ("steps", PORCELAIN, "List the runs at which a metric changed its level"),
    "rank": ("rank", PORCELAIN, "Order runs by several metrics"),
    "aggregate": ("aggregate", PORCELAIN, "Sum up a comparison, or runs by a label"),
    "report": ("report", PORCELAIN, "Write a report: a page, tables, a workbook"),
    "plot": ("plot", PORCELAIN, "Draw a metric over the runs"),
    "bisect": ("bisect", PORCELAIN, "Find the commit that moved a metric"),
    "sql": ("sql", PORCELAIN, "Ask the tables of the store in SQL, read-only"),
    "export-tables": ("export_tables", PORCELAIN, "Write tables as Parquet, Delta, CSV or JSON"),
    "export-asv": ("export_asv", PORCELAIN, "Write a result folder for airspeed velocity"),
    "attach": ("attach", PORCELAIN, "Keep files and folders beside a run"),
    "ls": ("ls", PORCELAIN, "List what is kept beside a run, or what a folder of it holds"),
    "cat": ("cat", PORCELAIN, "Write what is kept beside a run"),
    "export": ("export", PORCELAIN, "Write what is kept beside a run into a folder"),
    "detach": ("detach", PORCELAIN, "Take away what is kept beside a run"),
    "rm": ("rm", PORCELAIN, "Remove runs"),
    "prune": ("prune", PORCELAIN, "Remove runs by age, number and rank"),
    "restore": ("restore", PORCELAIN, "Bring removed runs back"),
    "relabel": ("relabel", PORCELAIN, "Change the labels of a run"),
    "remote": ("remote", PORCELAIN, "List, add and remove names of other stores"),
    "push": ("push", PORCELAIN, "Send runs, baselines and tags to another store"),
    "pull": ("pull", PORCELAIN, "Take in what another store has"),
    "bundle": ("bundle", PORCELAIN, "Make, check and list archives: a store in one file"),
    "status": ("status", PORCELAIN, "Say which store is used and what it holds"),
    "config": ("config", PORCELAIN, "Read and change the settings of the store"),
    "stats": ("stats", MAINTENANCE, "Count objects, packs and bytes"),
    "fsck": ("fsck", MAINTENANCE, "Check the store for damage"),
    "gc": ("gc", MAINTENANCE, "Delete what nobody needs, in two visits"),
    "repack": ("repack", MAINTENANCE, "Merge small packs into large ones"),
    "doctor": ("doctor", MAINTENANCE, "Say whether a place is good for a store"),
    "reindex": ("reindex", MAINTENANCE, "Rebuild the catalog from the packs"),
    "views": ("views", MAINTENANCE, "Write the readable files in runs/ again"),
    "hash-object": ("hash_object", PLUMBING, "Print the object id of bytes, and store them"),
    "cat-object": ("cat_object", PLUMBING, "Write an object's bytes"),
    "ls-objects": ("ls_objects", PLUMBING, "List the objects of the store"),
    "show-pack": ("show_pack", PLUMBING, "List what a pack holds"),
    "rev-parse": ("rev_parse", PLUMBING, "Resolve a revision to a run and an object"),
    "show-ref": ("show_ref", PLUMBING, "List refs and what they point to"),
    "update-ref": ("update_ref", PLUMBING, "Move a baseline or tag, compare-and-swap"),
    "write-run": ("write_run", PLUMBING, "Save runs given as JSON"),
}

# What an exit code means, for help and docs; the numbers belong to graven.errors.
EXIT_CODES: dict[int, str] = {
    0: "done",
    1: "the answer is no: a regression, a difference, damage found",
    2: "bad input or usage",
    3: "not found",
    4: "conflict: somebody else changed it, or a rule forbids it without --force",
    5: "corrupt: stored bytes are not what their name says",
    6: "the storage is not available: full, read-only, out of reach",
    7: "the store needs a newer graven",
    70: "an error of graven's own",
    130: "interrupted",
    141: "whoever read the output went away",
}
"""Codes beyond 128 are 128 plus the signal's number, as shells have it."""
