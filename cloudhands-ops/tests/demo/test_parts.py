import os
import tomllib
from pathlib import Path

import pytest

from cloudhands.common.account.public_keys import PublicKey
from cloudhands.common.errors import ConfigurationError
from cloudhands.ops.demo import configuration, keys, telling
from cloudhands.ops.demo.client import Unexpected
from cloudhands.ops.demo.place import Place
from cloudhands.ops.demo.supervision import Supervision, SupervisionError
from cloudhands.ops.demo.telling import Failed, Teller, expect, until
from cloudhands.ops.deploy import files

# --- place ---------------------------------------------------------------------------------------


def test_a_place_is_made_once_and_removed_once(tmp_path):
    place = Place(tmp_path / "demo")
    place.make()
    place.make()
    (place.state / "something").touch()
    assert place.remove()
    assert not place.remove()
    assert not place.state.exists()


def test_a_folder_without_the_marker_is_never_removed(tmp_path):
    place = Place(tmp_path)
    place.state.mkdir()
    with pytest.raises(ConfigurationError, match="left alone"):
        place.remove()
    assert place.state.exists()


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(ConfigurationError, match="--dir"):
        Place(tmp_path / "file").make()


# --- configuration -------------------------------------------------------------------------------


def test_the_settings_file_says_what_was_written(tmp_path):
    values = {
        "text": 'a "quoted" \\ ünicode\n',
        "table": {"number": 1.5, "flag": True, "list": ["a", "b"], "deeper": {"key": "value"}},
        "only": {"tables": {"here": {"x": 1}}},
    }
    configuration.write(tmp_path / "settings.toml", values)
    assert tomllib.loads((tmp_path / "settings.toml").read_text(encoding="utf-8")) == values


def test_the_demonstrations_settings_are_valid(tmp_path):
    place = Place(tmp_path)
    place.make()
    assert configuration.port(place) is None
    directory = {"url": "ldap://127.0.0.1:1", "base": "dc=example,dc=org"}
    configuration.write(place.settings, configuration.values(place, 8081, directory, nginx=True))
    settings = configuration.read(place)
    assert configuration.port(place) == settings.portal.port == 8081
    assert settings.providers["private"].options["capacity"] == configuration.PRIVATE_SERVERS
    assert settings.providers["private"].options["images"], "the site's options are kept"
    assert settings.state == place.state


# --- keys ----------------------------------------------------------------------------------------


def test_a_new_key_is_one_that_the_portal_takes_and_never_the_same():
    lines = {keys.new_line("somebody") for _ in range(10)}
    assert len(lines) == 10
    assert {len(PublicKey.parse(line).blob) for line in lines} == {51}


# --- telling -------------------------------------------------------------------------------------


def test_a_step_is_told_with_its_details_after_it():
    lines = []
    teller = Teller(lines.append)
    with teller.step("something happens"):
        teller.detail("this way")
    assert lines[0].endswith(" s   1. something happens")
    assert lines[1].strip() == "this way"


def test_a_step_that_fails_is_named_with_the_reason_and_not_told():
    lines = []
    teller = Teller(lines.append)
    with pytest.raises(Failed, match="step 1, it works: it does not"), teller.step("it works"):
        expect(False, "it does not")
    assert lines == []


def test_waiting_ends_with_what_was_seen_last(monkeypatch):
    monkeypatch.setattr(telling, "POLL_SECONDS", 0.001)
    seen = iter(range(1000))
    assert until(lambda: next(seen), lambda number: number == 3, 5, "never three") == 3
    with pytest.raises(Unexpected, match="never so after 0 s: red"):
        until(lambda: "red", lambda colour: colour == "green", 0, "never so")


# --- supervision ---------------------------------------------------------------------------------


@pytest.fixture
def layout(tmp_path):
    return files.Layout(config=tmp_path / "cloudhands.toml", state=tmp_path)


def test_a_supervisord_that_is_not_there_says_nothing_and_is_not_stopped(layout):
    supervision = Supervision(Path("/nowhere.conf"), layout)
    assert not supervision.is_running()
    assert supervision.programs() == []
    assert supervision.stop() is False


@pytest.mark.parametrize("content", ["{ours}", "4194305", "", "no number"])
def test_a_pid_file_of_another_process_stops_nobody(layout, content):
    layout.run.mkdir()
    layout.pid_file.write_text(content.format(ours=os.getpid()), encoding="ascii")
    assert Supervision(Path("/nowhere.conf"), layout).stop() is False


def test_a_supervisord_that_does_not_start_says_why(layout, tmp_path):
    config = tmp_path / "supervisord.conf"
    config.write_text("[supervisord]\nlogfile=/nowhere/at/all.log\n", encoding="utf-8")
    with pytest.raises(SupervisionError, match=r"does not start: .*/nowhere"):
        Supervision(config, layout).start()
