"""``graven remote``."""

from __future__ import annotations


def test_names_are_added_listed_and_removed(call, store, tmp_path):
    assert call("remote").err == "no remotes; 'graven remote add NAME URL' makes one\n"
    assert call("remote", "add", "origin", "s3://bench/p").err == "origin is s3://bench/p\n"
    call("remote", "add", "lab", "../lab")
    expected = f"lab\t{tmp_path.parent / 'lab'}\t\norigin\ts3://bench/p\t\n"
    assert call("remote").out == call("remote", "list").out == expected
    assert call("remote", "rm", "lab").code == 0
    assert call("remote", "remove", "origin").err == "origin was s3://bench/p\n"
    assert call("remote", "remove", "origin").code == 3
    assert call("remote").out == ""


def test_json(call, store):
    added = call("remote", "add", "o", "s3://b", "-o", "anon=true", "--json")
    assert added.records() == call("remote", "--json").records()
    assert added.records() == [
        {
            "schema": "graven.remote/1",
            "name": "o",
            "url": "s3://b",
            "storage_options": {"anon": True},
        }
    ]


def test_a_name_is_replaced_only_by_force(call, store):
    call("remote", "add", "origin", "s3://one")
    assert call("remote", "add", "origin", "s3://two").code == 4
    assert call("remote", "add", "origin", "s3://two", "--force").code == 0
    assert call("remote").rows()[0][1] == "s3://two"


def test_options_are_maps_and_values(call, store):
    words = ("client_kwargs.region_name=eu", "client_kwargs.verify=false", "profile=team")
    options = [word for option in words for word in ("-o", option)]
    call("remote", "add", "o", "s3://b", *options)
    assert call("remote", "--json").records()[0]["storage_options"] == {
        "client_kwargs": {"region_name": "eu", "verify": False},
        "profile": "team",
    }
    for bad in (
        ("-o", "x"),
        ("-o", "=x"),
        ("-o", "a=1", "-o", "a.b=2"),
        ("-o", "a=1", "-o", "a=2"),
    ):
        assert call("remote", "add", "p", "s3://b", *bad).code == 2


def test_a_secret_is_refused_and_not_repeated(call, store):
    for words in (("s3://b", "-o", "secret=hunter2"), ("https://ann:hunter2@host/x",)):
        answer = call("remote", "add", "o", *words)
        assert answer.code == 2
        assert "secret" in answer.err
        assert "hunter2" not in answer.out + answer.err
    assert call("remote").out == ""


def test_a_bucket_names_no_others(call):
    assert call("init", "memory://named").code == 0
    answer = call("-C", "memory://named", "remote", "add", "o", "s3://b")
    assert answer.code == 2
    assert "no local store" in answer.err


def test_status_names_them_also_where_one_is_a_part(call, store, tmp_path):
    call("clone", ".", "part", "--branch", "main", "--since", "2026-01-02T14:30:00+00:00")
    rows = call("-C", "part/.graven", "status").rows()
    told = f"{tmp_path}/.graven  only branch main, since 2026-01-02 14:30"
    assert ["remote origin", told] in rows
    record = call("-C", "part/.graven", "status", "--json").records()[0]
    assert record["remotes"][0]["partial"]["branch"] == "main"


def test_a_damaged_list_of_names_does_not_hide_the_store(call, store):
    (store.path / "local.json").write_text("{")
    answer = call("status")
    assert (answer.code, dict(answer.rows())["runs"]) == (0, "3")
    assert answer.err.startswith("warning: local.json is damaged")
    assert call("remote").code == 5
