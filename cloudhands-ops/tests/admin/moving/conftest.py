"""Databases to move, and to move to."""

import shutil

import pytest

from cloudhands.common import db
from cloudhands.common.testing.databases import short_lived
from cloudhands.ops.testing_move import Source, copied, fill, give_key
from cloudhands.web.testing import portal_on


@pytest.fixture(scope="session")
def filled(sqlite_template, tmp_path_factory):
    """A portal, and a member's cookie."""
    folder = tmp_path_factory.mktemp("filled")
    file = shutil.copy(sqlite_template, folder / "cloudhands.db")
    with short_lived(f"sqlite:///{file}") as database:
        portal = portal_on(database, folder)
        give_key(database, folder)
        with database.writing() as session:
            fill(session, portal.world)
        cookie = portal.cookie("member")
        yield portal, cookie


@pytest.fixture
def source(filled, tmp_path):
    portal, _ = filled
    with copied(portal, tmp_path) as database:
        yield Source(database, portal)


@pytest.fixture
def target_url(postgresql_server):
    name = postgresql_server.create()
    yield postgresql_server.url(name)
    postgresql_server.drop(name)


@pytest.fixture
def target(target_url):
    with db.opened(target_url) as database:
        yield database
