"""Test servers, one of each kind for a test process, started by the first test that asks.

A server that is not installed skips its tests by name. Every test takes a bucket of its own:

    def test_x(s3_bucket): ...             # on ministack, then on seaweedfs
    def test_y(any_bucket): ...            # on all that know conditional writes
    def test_z(rclone, new_bucket): bucket = new_bucket(rclone)
"""

import itertools
import os

import pytest

from graven.testing.proxy import Proxy
from graven.testing.servers import Azurite, FakeGCS, Ministack, Rclone, SeaweedFS
from graven.testing.servers.base import installed_root

# gcsfs looks at it when it is imported; without it a bucket costs a minute.
os.environ.setdefault("GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT", "false")

# Found now: the test that starts a server first may have a home of its own.
os.environ.setdefault("GRAVEN_SERVERS_DIR", str(installed_root()))

S3 = ["ministack", "seaweedfs"]
ALL = [*S3, "fake_gcs", "azurite"]


def running(kind):
    found = kind.find()
    if not found.path:
        pytest.skip(f"{kind.name} is not installed: {found.why}")
    with kind() as server:
        yield server


@pytest.fixture(scope="session")
def ministack():
    yield from running(Ministack)


@pytest.fixture(scope="session")
def seaweedfs():
    yield from running(SeaweedFS)


@pytest.fixture(scope="session")
def rclone():
    yield from running(Rclone)


@pytest.fixture(scope="session")
def fake_gcs():
    yield from running(FakeGCS)


@pytest.fixture(scope="session")
def azurite():
    yield from running(Azurite)


@pytest.fixture(params=S3)
def s3_server(request):
    return request.getfixturevalue(request.param)


@pytest.fixture(params=ALL)
def any_server(request):
    return request.getfixturevalue(request.param)


@pytest.fixture(scope="session")
def new_bucket():
    """Makes a bucket that no other test uses: ``new_bucket(server)``."""
    numbers = itertools.count(1)
    return lambda server: server.make_bucket(f"test-{next(numbers)}")


@pytest.fixture
def s3_bucket(s3_server, new_bucket):
    return new_bucket(s3_server)


@pytest.fixture
def any_bucket(any_server, new_bucket):
    return new_bucket(any_server)


@pytest.fixture
def new_proxy():
    """Starts a proxy before a server: ``new_proxy(server, delay_ms=50)``."""
    proxies = []

    def start(server, delay_ms=0):
        proxies.append(Proxy(server.endpoint, delay_ms, dialect=server.protocol).start())
        return proxies[-1]

    yield start
    for proxy in proxies:
        proxy.stop()
