"""A report as strict JSON."""

from __future__ import annotations

import json

from graven.report.strict_json import render


def refuse(word):
    raise ValueError(word)


def read(report):
    text = "".join(render(report))
    assert text.isascii()
    return json.loads(text, parse_constant=refuse)


def test_the_document_has_all_that_the_report_has(plain_report):
    document = read(plain_report)
    assert document["schema"] == "graven.report/1"
    assert document == {
        **json.loads(json.dumps(plain_report.to_dict())),
        "schema": "graven.report/1",
    }
    assert document["series"][0]["points"][0] == {
        "run": "r0", "value": 1.0, "lower": 0.9, "upper": 1.1
    }  # fmt: skip


def test_what_is_no_number_is_null(evil_report):
    document = read(evil_report)
    assert [point["value"] for point in document["series"][1]["points"]] == [3.0, None, None]
    assert document["comparison"]["rows"][1]["baseline"] is None


def test_an_empty_report(empty_report):
    assert read(empty_report)["series"] == []
