"""`cloud-admin` as an operator calls it, with a state folder of its own for each test."""

import io
import shutil

import pytest

from cloudhands.common import db
from cloudhands.ops.admin.main import main
from cloudhands.ops.testing_admin import PI, UPGRADE


@pytest.fixture(autouse=True)
def no_terminal(monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO())
    monkeypatch.delenv("CLOUDHANDS_CONFIG", raising=False)


@pytest.fixture
def config(tmp_path):
    file = tmp_path / "cloudhands.toml"
    file.write_text(f'state = "{tmp_path}"\n', encoding="utf-8")
    return file


@pytest.fixture
def admin(config):
    def run(*argv):
        return main(["--config", str(config), *map(str, argv)])

    return run


@pytest.fixture(scope="session")
def states(tmp_path_factory):
    """State folders as commands leave them, to be copied: each is made once."""
    made = {}

    def after(*commands):
        if commands not in made:
            folder = made[commands] = tmp_path_factory.mktemp("state")
            for command in commands:
                assert main(["--set", f"state={folder}", *command]) == 0
        return made[commands]

    return after


@pytest.fixture
def admin_after(admin, states, tmp_path, capsys):
    """`cloud-admin` where these commands were given before."""

    def after(*commands):
        shutil.copytree(states(*commands), tmp_path, dirs_exist_ok=True)
        capsys.readouterr()
        return admin

    return after


@pytest.fixture
def upgraded(admin_after):
    return admin_after(UPGRADE)


@pytest.fixture
def with_pi(admin_after):
    return admin_after(UPGRADE, PI)


@pytest.fixture
def reading(tmp_path):
    with db.opened(f"sqlite:///{tmp_path}/cloudhands.db") as database:
        yield database.reading
