"""The conformance suite: both clients of S3, on both servers."""

import hashlib

import aiobotocore.session
import obstore
import pytest
from obstore.store import S3Store

from graven.backends import open_backend
from graven.testing.suites import BackendSuite


@pytest.fixture(scope="module")
def ministack_bucket(ministack, new_bucket):
    bucket = new_bucket(ministack)
    control = ministack.client()
    yield bucket, control
    control.close()


@pytest.fixture(scope="module")
def seaweedfs_bucket(seaweedfs, new_bucket):
    bucket = new_bucket(seaweedfs)
    control = seaweedfs.client()
    yield bucket, control
    control.close()


class S3Suite(BackendSuite):
    """On one bucket, each test in a folder of its own with a name that is not plain."""

    client = ""
    server = ""

    @pytest.fixture(autouse=True)
    def place(self, request, monkeypatch, bare_environment):
        monkeypatch.setenv("GRAVEN_S3_CLIENT", self.client)
        self.bucket, self.control = request.getfixturevalue(f"{self.server}_bucket")

    def root(self, tmp_path):
        return f"a b%41/{hashlib.md5(str(tmp_path).encode()).hexdigest()}"

    def options(self):
        return self.bucket.storage_options

    def open(self, tmp_path):
        backend = open_backend(
            f"{self.bucket.url}/{self.root(tmp_path)}/", storage_options=self.options()
        )
        self.roots = {**getattr(self, "roots", {}), id(backend): self.root(tmp_path)}
        return backend

    def fill(self, tmp_path, bodies):
        if len(bodies) < 100:
            return super().fill(tmp_path, bodies)
        options = self.bucket.storage_options
        store = S3Store(  # ten times as fast as botocore, and these keys are plain ones
            self.bucket.name,
            access_key_id=options["key"],
            secret_access_key=options["secret"],
            endpoint=options["endpoint_url"],
            region="us-east-1",
            client_options={"allow_http": True},
        )
        for key, body in bodies.items():
            obstore.put(store, f"{self.root(tmp_path)}/{key}", body)
        return self.open(tmp_path)

    def poke(self, backend, key, data):
        name = f"{self.roots[id(backend)]}/{key}"
        self.control.put_object(Bucket=self.bucket.name, Key=name, Body=data)

    def peek(self, backend, key):
        name = f"{self.roots[id(backend)]}/{key}"
        try:
            return self.control.get_object(Bucket=self.bucket.name, Key=name)["Body"].read()
        except self.control.exceptions.NoSuchKey:
            return None


class WithS3fs(S3Suite):
    client = "s3fs"

    # Its loader keeps what botocore reads from files: 0.3 s for each new session.
    session = aiobotocore.session.AioSession()

    def options(self):
        return {**super().options(), "session": self.session}


class WithObstore(S3Suite):
    client = "obstore"


class OnMinistack:
    server = "ministack"


class OnSeaweedfs:
    server = "seaweedfs"
    racers = 6
    rounds = 2  # a hot key takes about 2 s a round


class TestS3fsOnMinistack(OnMinistack, WithS3fs):
    pass


class TestS3fsOnSeaweedfs(OnSeaweedfs, WithS3fs):
    pass


class TestObstoreOnMinistack(OnMinistack, WithObstore):
    pass


class TestObstoreOnSeaweedfs(OnSeaweedfs, WithObstore):
    pass
