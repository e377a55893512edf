"""Local stores in the ways of systems with and without folder handles."""

import os

import pytest

from graven.backends.local import LocalBackend


class WithoutHandles(LocalBackend):
    """A store on a system like Windows: paths are checked, there is no swap."""

    handles = False


@pytest.fixture
def store(tmp_path):
    backend = LocalBackend(tmp_path / "store")
    yield backend
    backend.close()


@pytest.fixture(params=[LocalBackend, WithoutHandles], ids=["handles", "paths"])
def either(request, tmp_path):
    return request.param(tmp_path / "store")


@pytest.fixture
def refuse(monkeypatch):
    """Makes a call of `os` fail, always or when the arguments are such."""

    def refuse(name, code, when=lambda *_: True, patch=monkeypatch):
        real = getattr(os, name)

        def call(*args, **more):
            if when(*args):
                raise OSError(code, os.strerror(code))
            return real(*args, **more)

        patch.setattr(os, name, call)

    return refuse


@pytest.fixture
def ls():
    """The names in a folder, temporary ones included."""
    return lambda folder: sorted(path.name for path in folder.iterdir())


@pytest.fixture
def bare_environment(monkeypatch, tmp_path):
    """Nothing of whoever runs the tests that clients of buckets look at."""
    elsewhere = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE")
    for name in list(os.environ):
        ours = name.startswith(("AWS_", "FSSPEC_", "GRAVEN_S3_"))
        if ours or name.upper() in (*elsewhere, "SSL_CERT_DIR"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")  # nobody there to ask for a role
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("USERPROFILE", str(home))
