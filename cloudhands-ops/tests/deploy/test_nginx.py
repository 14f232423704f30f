"""nginx's configuration, its log and its user."""

import json
import re
import tempfile
import time
from pathlib import Path

import pytest

from cloudhands.common.errors import ConfigurationError
from cloudhands.common.settings import Portal
from cloudhands.common.testing.nginx import complaints
from cloudhands.common.testing.programs import require
from cloudhands.ops.deploy import files
from cloudhands.ops.deploy.testing import Front, fronted


@pytest.mark.parametrize("more", [{}, {"requests_per_second": 0}])
def test_nginx_has_nothing_against_it(tmp_path, app, more):
    assert complaints(Front(tmp_path, app, **more).write()) == ""


@pytest.mark.parametrize("name", ['a"b', "a$b", "a\\b"])
def test_a_path_that_nginx_would_not_understand_is_refused(tmp_path, app, name):
    require("nginx")
    with pytest.raises(ConfigurationError, match="choose another"):
        Front(tmp_path / name, app).write()


def test_a_path_with_what_shells_and_nginx_know_is_quoted(app):
    with (
        tempfile.TemporaryDirectory(prefix="it's {a;#b}", dir="/tmp") as folder,
        fronted(Path(folder), app) as front,
        front.client() as client,
    ):
        assert client.get("/public").status_code == 200


def test_without_nginx_the_remedy_is_named(tmp_path, app, monkeypatch):
    monkeypatch.setattr("cloudhands.common.testing.programs.find", lambda program: None)
    with pytest.raises(ConfigurationError, match="install the package nginx"):
        Front(tmp_path, app).write()


def test_its_configuration_is_written_only_where_it_is_wanted(tmp_path):
    layout = files.Layout(tmp_path / "cloudhands.toml", tmp_path)
    (only,) = files.write(layout, Portal(), tmp_path)
    assert only.name == files.SUPERVISORD


# --- Logs and users ------------------------------------------------------------------------------


def test_the_log_has_a_json_line_for_each_request_and_no_query(front, client):
    client.get("/long?q=grace")
    log = Path(front.layout.logs / "nginx-access.log")
    deadline = time.monotonic() + 10
    while not log.read_text(encoding="utf-8"):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    lines = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    assert [(line["path"], line["status"], line["cache"]) for line in lines] == [
        ("/long", "200", "MISS")
    ]


@pytest.mark.parametrize("uid", [0, 1000])
def test_a_user_is_named_only_where_nginx_is_started_by_root(tmp_path, app, monkeypatch, uid):
    monkeypatch.setattr("os.geteuid", lambda: uid)
    text = Front(tmp_path, app).write().read_text(encoding="utf-8")
    assert bool(re.search("^user root root;$", text, flags=re.MULTILINE)) == (uid == 0)
