"""``[kind, version, body]``: who it is, before what it says."""

import pytest

from graven.errors import Corrupt, FormatTooNew
from graven.formats import canonical
from graven.formats.envelope import KIND_CODES, KINDS_BY_CODE, seal, unseal


def test_kind_numbers_never_change():
    assert KIND_CODES == {
        "blob": 1,
        "file": 2,
        "run": 3,
        "environment": 4,
        "definitions": 5,
        "ref": 6,
        "manifest": 7,
    }
    assert len(KINDS_BY_CODE) == len(KIND_CODES)


def test_golden_bytes():
    assert seal("environment", {"cores": 2}).hex() == "93ab656e7669726f6e6d656e740181a5636f72657302"


def test_a_sealed_body_comes_back():
    assert unseal(seal("manifest", {"a": [1]}), "manifest", strict=True) == (
        "manifest",
        1,
        {"a": [1]},
    )


def test_another_kind_than_expected_is_named():
    with pytest.raises(Corrupt, match="a 'ref' where a 'run' was expected"):
        unseal(seal("ref", {}), "run")


@pytest.mark.parametrize("envelope", [["run", 2, {}], ["sculpture", 1, {}]])
def test_newer_kinds_and_versions_ask_for_a_newer_program(envelope):
    with pytest.raises(FormatTooNew) as caught:
        unseal(canonical.encode(envelope))
    assert caught.value.hint == "needs a newer graven"


@pytest.mark.parametrize(
    "value",
    [None, [], ["run", 1], ["run", 1, {}, 0], [1, 1, {}], ["run", "1", {}], ["run", True, {}], {}],
    ids=repr,
)
def test_what_is_no_envelope_is_refused(value):
    with pytest.raises(Corrupt, match=r"no \[kind, version, body\]"):
        unseal(canonical.encode(value))


@pytest.mark.parametrize("version", [0, -1])
def test_versions_begin_at_one(version):
    with pytest.raises(Corrupt, match=f"has version {version}"):
        unseal(canonical.encode(["run", version, {}]))


def test_strict_reading_wants_canonical_bytes():
    data = bytes.fromhex("93a372656601cc01")  # body 1 as a long int
    assert unseal(data).body == 1
    with pytest.raises(Corrupt):
        unseal(data, strict=True)
