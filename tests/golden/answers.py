"""Everything that can be asked of a store, as JSON: what the golden store must always answer."""

import math
import struct

from graven.ids import hash_bytes

_LONG = 64  # longer lists of numbers stand as their count and the hash of their bytes


def answers(store):
    """The answers of an open store. Nothing in them depends on how well packs are compressed."""
    return strict(
        {
            "store": {"id": store.store_id, "grace_seconds": store.grace_seconds},
            "config": store.config.to_dict(),
            "metric_defs": {name: d.to_dict() for name, d in store.metric_defs.items()},
            "headers": [h.to_dict() for h in store.headers()],
            "deleted": _deleted(store),
            "filters": _filters(store),
            "runs": {run.id: run.to_dict() for run in store.list_runs()},
            "orders": _orders(store),
            "queries": _queries(store),
            "trends": list(_trends(store)),
            "pointers": {
                pointers.space: {
                    name: {
                        "run": pointers[name].id,
                        "history": [value.to_dict() for value in pointers.history(name)],
                    }
                    for name in pointers
                }
                for pointers in (store.baselines, store.tags)
            },
            "attachments": {h.run_id: _attachments(store, h.run_id) for h in store.headers()},
            "records": list(_records(store)),
            "revisions": {rev: list(store.resolve(rev)) for rev in _revisions(store)},
            "objects": [[o.id, o.kind, o.size] for o in store.iter_objects()],
            "refs": [ref._asdict() for ref in store.iter_refs()],
            "fsck": _fsck(store),
            "stats": _stats(store),
        }
    )


_COUNTED = (
    "attachments",
    "baselines",
    "by_kind",
    "copies",
    "damaged_packs",
    "deleted_runs",
    "objects",
    "packs",
    "raw_bytes",
    "runs",
    "tags",
)


def strict(value):
    """``value`` as strict JSON can hold it."""
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, dict):
        return {key: strict(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        if len(value) > _LONG and all(isinstance(item, float) for item in value):
            packed = struct.pack(f">{len(value)}d", *value)
            return {"count": len(value), "blake3": hash_bytes(packed).hex()}
        return [strict(item) for item in value]
    return value


def _deleted(store):
    """By id: where in a listing they stand is no fact of the store."""
    found = [h.to_dict() for h in store.headers(include_deleted=True) if h.deleted]
    return sorted(found, key=lambda header: header["run_id"])


def _filters(store):
    middle = store.headers()[10].timestamp
    asked = (
        {"branch": "dev"},
        {"commit": "9fceb02"},
        {"commit": "v1.0-ä"},
        {"experiment": "sorting"},
        {"status": "failed"},
        {"origin": "simulated"},
        {"group": "shard-group"},
        {"since": middle},
        {"until": middle},
        {"limit": 3},
    )
    return [
        [{k: str(v) for k, v in question.items()}, [h.run_id for h in store.headers(**question)]]
        for question in asked
    ]


def _orders(store):
    branches = sorted({h.branch for h in store.headers() if h.branch})
    return {
        "all": [run.id for run in store.list_runs()],
        "latest": store.latest().id,
        **{f"branch {b}": [run.id for run in store.list_runs(b)] for b in branches},
        **{f"latest of {b}": store.latest(b).id for b in branches},
    }


def _queries(store):
    asked = (
        {},
        {"size": "1000"},
        {"size": "1000", "dtype": "float32"},
        {"ключ": "значение"},
        {"size": None},
        {"size": "no such"},
    )
    return [[question, [run.id for run in store.query(**question)]] for question in asked]


def _trends(store):
    for name in store.series():
        series = store.extract_trend(name.metric, name.name, name.tags, scenario=name.scenario)
        yield {
            "series": name._asdict(),
            "points": [
                [p.run_id, p.timestamp.isoformat(), p.value, p.lower, p.upper, p.commit]
                for p in series.points
            ],
        }
    newest = store.extract_trend("time", "sort/quick", {}, n_runs=2, branch="main")
    yield {"newest": [[p.run_id, p.value] for p in newest.points]}


def _attachments(store, run_id):
    return [
        [
            a.name,
            a.object_id,
            a.size,
            a.stamp,
            a.kind,
            a.media_type,
            _content(store, run_id, a),
        ]
        for a in store.attachments(run_id)
    ]


def _content(store, run_id, attachment):
    if attachment.kind == "folder":
        return [
            [
                entry.name,
                entry.size,
                entry.executable,
                entry.object_id and entry.object_id.hex(),
                entry.target,
                _file_in(store, run_id, attachment.name, entry),
            ]
            for entry in store.list_folder(run_id, attachment.name)
        ]
    if attachment.kind == "file":
        return hash_bytes(store.read_attachment(run_id, attachment.name)).hex()
    return attachment.kind


def _file_in(store, run_id, name, entry):
    if entry.object_id is None:
        return None
    return hash_bytes(store.read_attachment(run_id, name, path=entry.name)).hex()


def _records(store):
    yield [[r.data, r.dtype, r.shape, r.metadata] for r in [store.get_result("main-1", "curve")]]
    yield store.get_derived("main-1")
    yield [[e.experiment, e.runs, e.manifests] for e in store.list_experiments()]
    yield [m.record for m in store.manifests("exp:1.0")], store.get_manifest("exp_1.0")
    yield store.tensors.get("main-1", 7, "layer/0", "activations").tolist()
    for entry in store.tensors.appended("main-1"):
        yield entry.metadata, entry.get("layer/0", "activations").tolist()


def _revisions(store):
    yield from ("latest", "latest~3", "latest@dev", "commit:9fceb02", "commit:v1.0-ä")
    for pointers in (store.baselines, store.tags):
        for name in pointers:
            yield f"{pointers.space}/{name}"
            if pointers.entry(name).seq > 1:
                yield f"{name}~1"
    for header in store.headers(limit=2):
        yield header.object_id[:12]


def _fsck(store):
    out = {}
    for level, canonical in (("quick", False), ("full", False), ("full", True)):
        report = store.fsck(level, strict=canonical).to_dict()
        for of_the_day in ("bytes_read", "coverage", "loose"):
            del report[of_the_day]
        out[f"{level}{' strict' if canonical else ''}"] = report
    return out


def _stats(store):
    stats = store.stats().to_dict()
    return {name: stats[name] for name in _COUNTED}  # bytes on the disk depend on compression
