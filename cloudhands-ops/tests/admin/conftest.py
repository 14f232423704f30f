"""`cloud-admin` as an operator calls it, with a state folder of its own for each test."""

import io

import pytest

from cloudhands.common import db
from cloudhands.ops.admin.main import main
from cloudhands.ops.testing_admin import PI


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


@pytest.fixture
def upgraded(admin, capsys):
    assert admin("db", "upgrade") == 0
    capsys.readouterr()
    return admin


@pytest.fixture
def with_pi(upgraded, capsys):
    assert upgraded(*PI) == 0
    capsys.readouterr()
    return upgraded


@pytest.fixture
def reading(tmp_path):
    with db.opened(f"sqlite:///{tmp_path}/cloudhands.db") as database:
        yield database.reading
