from __future__ import annotations

import pytest

from graven.ingest.secrets import REMOVED, names_a_secret, scrub, scrub_command, scrub_text


@pytest.mark.parametrize(
    "key",
    [
        "PASSWORD",
        "db_password",
        "PGPASSWORD",
        "DbPassword",
        "DB_PWD",
        "GITHUB_TOKEN",
        "accessToken",
        "api_key",
        "apiKey",
        "X-API-KEY",
        "APIKEY",
        "AWS_SECRET_ACCESS_KEY",
        "client_secret",
        "SSH_PRIVATE_KEY",
        "HTTP_AUTH",
        "Authorization",
        "credentials",
    ],
)
def test_names_of_secrets(key):
    assert names_a_secret(key, "hunter2 or so")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("KEYBOARD", "us"),
        ("MONKEY", "banana"),
        ("key_size", 2048),
        ("sort_key", "name"),
        ("key", "value"),
        ("PWD", "/home/ci"),
        ("OLDPWD", "/home/ci"),
        ("max_tokens", 4096),
        ("max_new_tokens", "4096"),
        ("tokens_per_second", 81.5),
        ("pad_token", "<pad>"),
        ("eos_token", "<|endoftext|>"),
        ("tokenizer", "bert-base-uncased"),
        ("author", "A. Person"),
        ("secretary", "B. Person"),
        ("password_policy", "strict"),
        ("token", None),
        ("use_auth", True),
        ("path", "/usr/bin"),
    ],
)
def test_names_that_only_look_like_it(key, value):
    assert not names_a_secret(key, value)
    assert scrub({key: value}) == ({key: value}, [])


def test_an_opaque_value_under_any_key_name():
    assert names_a_secret("STRIPE_KEY", "a8f5f167f44f4964e6c998dee827110c")
    assert not names_a_secret("CACHE_KEY", "linux-py3.11")


@pytest.mark.parametrize(
    "secret",
    [
        "ghp_" + "a1" * 18,
        "github_pat_" + "A1" * 20,
        "glpat-" + "x1" * 10,
        "AKIA" + "ABCD1234" * 2,
        "xoxb-1234567890-abcdef",
        "hf_" + "aB" * 17,
        "npm_" + "a1" * 18,
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJl",
        "-----BEGIN RSA PRIVATE KEY-----\nabc\n-----END RSA PRIVATE KEY-----",
    ],
)
def test_well_known_shapes_anywhere(secret):
    clean, removed = scrub({"note": [f"x {secret} y"]}, "env")
    assert clean == {"note": [f"x {REMOVED} y"]}
    assert removed == ["env.note[0]"]


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("https://user:pw@host/x", f"https://{REMOVED}@host/x"),
        ("https://token@host/x.git", f"https://{REMOVED}@host/x.git"),
        ("postgres://u:p@db:5432/x", f"postgres://{REMOVED}@db:5432/x"),
        ("ssh://git@host/x", "ssh://git@host/x"),
        ("https://host/a@b", "https://host/a@b"),
        ("Bearer abcdef0123456789", f"Bearer {REMOVED}"),
        ("git@host:x.git", "git@host:x.git"),
        ("9495983675a82fd7b6cc62b67da3ca9ac6097b0d2a5cdbd42b7ab8b9140b0148",) * 2,
    ],
)
def test_addresses_and_headers(text, clean):
    assert scrub_text(text) == clean
    assert scrub_text(clean) == clean


@pytest.mark.parametrize(
    ("command", "clean"),
    [
        ("run --token=abc1 x", f"run --token={REMOVED} x"),
        ("run --api-key k3y", f"run --api-key {REMOVED}"),
        ("DB_PASSWORD='a b' run", f"DB_PASSWORD={REMOVED} run"),
        ("sort --key=2 f", "sort --key=2 f"),
        ("count tokens in f", "count tokens in f"),
    ],
)
def test_command_lines(command, clean):
    assert scrub_command(command) == clean
    assert scrub_command(clean) == clean


def test_scrubbing_again_changes_nothing():
    once, removed = scrub({"a": {"TOKEN": "x"}, "b": "https://u:p@h"})
    assert removed == ["a.TOKEN", "b"]
    assert scrub(once) == (once, [])
