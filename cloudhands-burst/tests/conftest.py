from pathlib import Path

import pytest

from cloudhands.burst.testing import World
from cloudhands.burst.testing_capable import CapableWorld
from cloudhands.common.db import Database


@pytest.fixture
def world(database: Database, tmp_path: Path) -> World:
    return World(database, tmp_path)


@pytest.fixture
def capable(database: Database, tmp_path: Path) -> CapableWorld:
    return CapableWorld(database, tmp_path)
