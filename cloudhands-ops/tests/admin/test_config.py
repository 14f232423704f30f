"""`cloud-admin config`: what holds, where it was set, and what is wrong with it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from cloudhands.common import settings, site
from cloudhands.ops.admin.main import main

CLOUD_ADMIN = Path(sys.executable).with_name("cloud-admin")


def test_each_setting_is_shown_with_its_source(admin, config, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("CLOUDHANDS_PORTAL__THREADS", "3")
    assert admin("--set", "portal.port=9000", "config", "show") == 0
    lines = [line.split("  # ") for line in capsys.readouterr().out.splitlines()]
    shown = {line[0].strip(): line[1] for line in lines if len(line) == 2}
    assert shown[f'state = "{tmp_path}"'] == f"{config}, line 1"
    assert shown["portal.port = 9000"] == "--set"
    assert shown["portal.threads = 3"] == "$CLOUDHANDS_PORTAL__THREADS"
    assert shown['portal.host = "127.0.0.1"'] == "default"
    assert shown['directory.base = "ou=people,dc=example,dc=org"'] == "the site's defaults"
    assert shown["# portal.tls_key is not set"] == "default"


def test_what_is_shown_is_a_settings_file(admin, tmp_path, capsys):
    assert admin("--set", "portal.port=9000", "config", "show") == 0
    again = tmp_path / "again.toml"
    again.write_text(capsys.readouterr().out, encoding="utf-8")
    defaults = site.installed().settings
    overrides = {"state": str(tmp_path), "portal.port": "9000"}
    expected = settings.load(defaults=defaults, environment={}, overrides=overrides)
    assert settings.load(file=again, environment={}) == expected


def test_one_table_or_one_setting(admin, capsys):
    assert admin("config", "show", "index") == 0
    keys = [
        line.removeprefix("# ").partition(" ")[0] for line in capsys.readouterr().out.splitlines()
    ]
    assert keys[:2] == ["index.folder", "index.interval"]
    assert {key.partition(".")[0] for key in keys} == {"index"}
    assert admin("config", "show", "portal.port") == 0
    assert capsys.readouterr().out.startswith("portal.port = 8080 ")
    assert admin("config", "show", "portal.po") == 2
    assert "portal.po: there is no such setting" in capsys.readouterr().err


def test_for_a_script(admin, config, capsys):
    assert admin("config", "show", "--json", "portal.port") == 0
    assert json.loads(capsys.readouterr().out) == {
        "file": str(config),
        "settings": {"portal.port": {"value": 8080, "source": "default"}},
    }
    assert admin("config", "check", "--json") == 0
    assert json.loads(capsys.readouterr().out)["file"] == str(config)


def test_a_secret_is_never_shown(admin, monkeypatch, capsys):
    monkeypatch.setenv("CLOUDHANDS_DATABASE__URL", "postgresql://me:hunter2@127.0.0.1/x")
    monkeypatch.setenv("CLOUDHANDS_PROVIDERS__PRIVATE__OPTIONS__PASSWORD", "hunter2")
    for arguments in (("config", "show"), ("config", "show", "--json"), ("config", "check")):
        assert admin(*arguments) == 0
        told = capsys.readouterr()
        assert "hunter2" not in told.out + told.err


def test_right_settings_are_right(admin, config, capsys):
    assert admin("config", "check") == 0
    told = capsys.readouterr().out
    assert f"The settings file is {config}. All settings are right; " in told
    assert "Next: cloud-admin db upgrade" in told


def test_without_a_file(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr("cloudhands.common.settings.sources.DEFAULT_CONFIG", tmp_path / "none")
    assert main(["--set", f"state={tmp_path}", "config", "check"]) == 0
    assert "There is no settings file." in capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "[portal]\nprot = 1",
            "portal.prot (FILE, line 3): there is no such setting",
        ),
        ("[portal]\nport = 'x'", "portal.port (FILE, line 3): Input should be a valid integer"),
        (
            "[portal]\nnginx = true\ntls_certificate = 'c.pem'\ntls_key = 'server.key'",
            "portal.tls_certificate (FILE, line 4): STATE/c.pem is not there",
        ),
        (
            "[directory]\nca_file = 'folder'",
            "directory.ca_file (FILE, line 3): STATE/folder is not a file",
        ),
    ],
)
def test_what_is_wrong_is_named_with_its_line(admin, config, tmp_path, capsys, text, said):
    (tmp_path / "server.key").write_text("key", encoding="utf-8")
    (tmp_path / "folder").mkdir()
    config.write_text(f'state = "{tmp_path}"\n{text}\n', encoding="utf-8")
    assert admin("config", "check") == 2
    told = capsys.readouterr().err
    assert said in told.replace(str(config), "FILE").replace(str(tmp_path), "STATE")


def test_a_state_folder_that_cannot_be_one_is_named(config, tmp_path, capsys):
    config.write_text(f'state = "{config}/state"\n', encoding="utf-8")
    assert main(["--config", str(config), "config", "check"]) == 2
    assert f"{config} is none" in capsys.readouterr().err


def test_whoever_reads_the_first_lines_only_is_no_error(config):
    reader = subprocess.Popen(["true"], stdin=subprocess.PIPE)
    reader.wait()
    done = subprocess.run(
        [CLOUD_ADMIN, "--config", config, "config", "show"],
        stdout=reader.stdin,
        stderr=subprocess.PIPE,
        text=True,
        timeout=60,
        check=False,
    )
    reader.stdin.close()
    assert (done.returncode, done.stderr) == (141, "")
