"""nginx with the rendered configuration, in front of an application that tells what it is asked."""

import pytest

from cloudhands.ops.deploy.testing import fronted
from cloudhands.ops.deploy.testing_app import App


@pytest.fixture
def app():
    return App()


@pytest.fixture
def front(tmp_path, app):
    with fronted(tmp_path, app) as made:
        yield made


@pytest.fixture
def client(front):
    with front.client() as made:
        yield made
