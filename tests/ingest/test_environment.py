from __future__ import annotations

import pytest

from graven.ingest import capture_environment, fingerprint
from graven.ingest.environment import describe, ram_bytes

BASE = {"cpu": "AMD EPYC", "cores": 2, "arch": "x86_64", "os": "Linux 6.1.0", "ram": 16 << 30}


@pytest.mark.parametrize(
    "same",
    [
        {"machine": "another"},
        {"os": "Linux-6.18.0-x86_64"},
        {"os": "linux (Fedora 20)"},
        {"arch": "AMD64"},
        {"cpu": " AMD(R)  EPYC "},
        {"ram": 15.6 * 2**30},
        {"ram": "16G"},
        {"cores": "2"},
        {"python": "3.13"},
    ],
)
def test_equal_machines_have_equal_fingerprints(same):
    assert fingerprint(BASE | same) == fingerprint(BASE)


@pytest.mark.parametrize(
    "other",
    [{"cpu": "AMD EPYC 2"}, {"cores": 4}, {"arch": "arm64"}, {"os": "Windows"}, {"ram": 8 << 30}],
)
def test_other_machines_have_others(other):
    assert fingerprint(BASE | other) != fingerprint(BASE)


def test_a_fingerprint_is_pinned_since_stores_compare_by_it():
    assert fingerprint(BASE) == "07098e0b1f73f936"


@pytest.mark.parametrize(
    "unknown", [{}, {"cores": 2}, {"cpu": ""}, {"cpu": 5}, {"machine": "ubuntu-latest"}]
)
def test_without_a_cpu_there_is_none(unknown):
    assert fingerprint(unknown) is None


@pytest.mark.parametrize("value", [[], {}, None, "x", float("nan"), -1, 2**80, True])
def test_odd_values_do_not_break_it(value):
    odd = {"cpu": "x", "cores": value, "arch": value, "os": value, "ram": value}
    assert len(fingerprint(odd)) == 16


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("17179869184", 17179869184),
        ("8.2G", 8804682957),
        (8804682956.8, 8804682957),
        ("16GiB", 16 << 30),
        ("16309248kB", 16309248 << 10),
        ("lots", None),
        (None, None),
        (True, None),
        (float("inf"), None),
    ],
)
def test_ram_in_all_its_spellings(value, expected):
    assert ram_bytes(value) == expected


def test_describe_leaves_out_what_says_nothing():
    assert describe(machine=" a ", cpu="", cores="x", arch=None, ram="?") == {"machine": "a"}


def test_this_machine_is_captured_in_the_same_keys():
    captured = capture_environment()
    assert set(captured) <= {"machine", "cpu", "cores", "arch", "os", "ram", "python"}
    assert captured["python"].startswith("3.")
    assert captured["cores"] >= 1
