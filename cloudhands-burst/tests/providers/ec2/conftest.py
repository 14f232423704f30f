from collections.abc import Callable, Iterator
from pathlib import Path
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
    """The server, without a fault."""
    ec2_server.mend()
    yield ec2_server
    ec2_server.mend()


@pytest.fixture
def connect(server: Ec2, tmp_path: Path) -> Connect:
    """Connects the server's cloud, with any options besides."""

    def connected(**others: Any) -> Ec2Cloud:
        options = ADAPTER.Options.model_validate(server.options(tmp_path, **others))
        return ADAPTER.connect("public", options, tmp_path)

    return connected


@pytest.fixture
def cloud(connect: Connect) -> Ec2Cloud:
    return connect()
