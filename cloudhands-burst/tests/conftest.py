from pathlib import Path

import pytest

from cloudhands.burst.testing import World
from cloudhands.common.db import Database


@pytest.fixture
def world(database: Database, tmp_path: Path) -> World:
    return World(database, tmp_path)
