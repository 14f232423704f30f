"""`cloud-admin deploy-files`."""

import json
import sys

import pytest

from cloudhands.common.testing.programs import require
from cloudhands.ops.admin.main import main


def test_deploy_files_are_written_for_the_settings_in_use(admin, config, tmp_path, capsys):
    assert admin("deploy-files", "--to", tmp_path / "deploy", "--json") == 0
    (file,) = json.loads(capsys.readouterr().out)["files"]
    text = (tmp_path / "deploy" / "supervisord.conf").read_text(encoding="utf-8")
    assert file == str(tmp_path / "deploy" / "supervisord.conf")
    assert f"cloud-serve --config {config}" in text


def test_programs_may_be_elsewhere(admin, tmp_path):
    folders = ("--programs", "/srv/current/bin", "--supervisor", "/srv/supervisor/bin")
    assert admin("deploy-files", "--to", tmp_path / "deploy", *folders) == 0
    text = (tmp_path / "deploy" / "supervisord.conf").read_text(encoding="utf-8")
    assert "TERM /srv/current/bin/cloud-serve --config" in text
    assert ";   start    /srv/supervisor/bin/supervisord -c" in text
    assert not list((tmp_path / "deploy").glob(".*"))


def test_a_deployed_release_writes_its_installations_files(admin, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "releases" / "0.2.0" / "venv"))
    assert admin("deploy-files") == 0
    text = (tmp_path / "deploy" / "supervisord.conf").read_text(encoding="utf-8")
    # The link, and not the release that happens to write it: another one is to follow.
    assert f"TERM {tmp_path}/current/venv/bin/cloud-serve --config" in text
    control = f"{tmp_path}/supervisor/venv/bin/supervisor"
    assert f";   start    {control}d -c" in text
    # What comes next is another step where supervisord runs.
    assert f"{control}d -c {tmp_path}/deploy/supervisord.conf\n" in capsys.readouterr().out
    (tmp_path / "run" / "supervisor.sock").touch()
    assert admin("deploy-files") == 0
    assert f"{control}ctl -c {tmp_path}/deploy/supervisord.conf update\n" in capsys.readouterr().out


def test_with_nginx_in_front_its_configuration_is_written_too(config, tmp_path, capsys):
    require("nginx")
    with config.open("a", encoding="utf-8") as file:
        file.write("[portal]\nnginx = true\nport = 8443\n")
    assert main(["--config", str(config), "deploy-files", "--to", str(tmp_path / "deploy")]) == 0
    said = capsys.readouterr().out
    for name in ("nginx.conf", "nginx.sh", "supervisord.conf"):
        assert f"Wrote {tmp_path / 'deploy' / name}." in said
    assert f"nginx -e stderr -t -c {tmp_path / 'deploy' / 'nginx.conf'}" in said
    assert "http://127.0.0.1:8443/" in said


def test_the_settings_file_may_be_named_by_the_environment(config, tmp_path, monkeypatch):
    monkeypatch.setenv("CLOUDHANDS_CONFIG", str(config))
    assert main(["deploy-files", "--to", str(tmp_path)]) == 0
    assert f"--config {config}" in (tmp_path / "supervisord.conf").read_text(encoding="utf-8")


def test_elsewhere_the_folder_has_to_be_named(admin, capsys):
    assert admin("deploy-files") == 2
    assert "--to DIR is missing: name the folder" in capsys.readouterr().err


def test_a_folder_that_cannot_be_made_is_named(admin, config, capsys):
    assert admin("deploy-files", "--to", config / "below-a-file") == 2
    assert "below-a-file: Not a directory. Name another folder" in capsys.readouterr().err


def test_a_state_folder_too_deep_for_a_socket_is_refused(config, tmp_path, capsys):
    config.write_text(f'state = "{tmp_path / ("deep" * 30)}"\n', encoding="utf-8")
    assert main(["--config", str(config), "deploy-files", "--to", str(tmp_path)]) == 2
    assert "too long for a socket" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["a #b", "a ;b", "100%"])
def test_a_path_that_supervisord_would_not_understand_is_refused(config, tmp_path, capsys, name):
    config.write_text(f'state = "{tmp_path}/{name}"\n', encoding="utf-8")
    assert main(["--config", str(config), "deploy-files", "--to", str(tmp_path)]) == 2
    assert "choose another" in capsys.readouterr().err
