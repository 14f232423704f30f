from collections.abc import Callable, Iterator
from typing import Any

import pytest

from cloudhands.burst.providers.ec2 import ADAPTER
from cloudhands.burst.providers.ec2.adapter import Ec2Cloud
from cloudhands.common.testing.ec2 import Ec2, ec2

Connect = Callable[..., Ec2Cloud]


@pytest.fixture(scope="session")
def ec2_server() -> Iterator[Ec2]:
    with ec2() as server:
        yield server


@pytest.fixture
def server(ec2_server: Ec2) -> Iterator[Ec2]:
    """The server, without a fault before and after."""
    ec2_server.mend()
    yield ec2_server
    ec2_server.mend()


@pytest.fixture(scope="session")
def connect(ec2_server: Ec2, tmp_path_factory: pytest.TempPathFactory) -> Connect:
    """Connects the server's cloud, with any options besides; patient, where they do not say."""

    def connected(**others: Any) -> Ec2Cloud:
        folder = tmp_path_factory.mktemp("ec2")
        told = ec2_server.options(folder, **{"limit": 60, "timeout": 30, **others})
        return ADAPTER.connect("public", ADAPTER.Options.model_validate(told), folder)

    return connected


@pytest.fixture(scope="session")
def common_cloud(connect: Connect) -> Ec2Cloud:
    return connect()


@pytest.fixture
def cloud(common_cloud: Ec2Cloud, server: Ec2) -> Ec2Cloud:
    """The server's cloud, which many tests use: to connect anew costs a third of a second."""
    return common_cloud
