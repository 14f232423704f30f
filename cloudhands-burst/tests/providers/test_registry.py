from importlib.metadata import EntryPoint, EntryPoints
from pathlib import Path
from typing import Any

import pytest

from cloudhands.burst import providers
from cloudhands.burst.providers.simulated import ADAPTER
from cloudhands.burst.unusable import Unusable
from cloudhands.common import plugins
from cloudhands.common.cloud import Denied
from cloudhands.common.errors import PluginError, SettingsError
from cloudhands.common.settings import Settings, load

OPTIONS = {"file": "private.db", "images": ["debian-12"], "sizes": ["m1.small"]}


def settings(folder: Path, kind: str = "simulated", **options: Any) -> Settings:
    provider = {"kind": kind, "label": "Private cloud", "options": {**OPTIONS, **options}}
    defaults = {"state": str(folder), "providers": {"private": provider}}
    return load(defaults=defaults, environment={})


def test_every_provider_of_the_settings_is_connected(tmp_path: Path) -> None:
    clouds = providers.connect(settings(tmp_path))
    assert list(clouds) == ["private"]
    assert list(tmp_path.iterdir()) == [], "connecting makes no call"


def test_a_wrong_option_is_named_by_its_whole_key(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as caught:
        providers.connect(settings(tmp_path, capacity="many", colour="red", images=[]))
    lines = str(caught.value).splitlines()
    assert lines[0].startswith("providers.private.options.capacity: Input should be a valid int")
    assert lines[1].startswith("providers.private.options.images: Tuple should have at least 1")
    assert lines[2] == (
        "providers.private.options.colour: there is no such option: mend the spelling or remove it"
    )


def test_a_missing_option_is_named(tmp_path: Path) -> None:
    wrong = settings(tmp_path)
    provider = wrong.providers["private"].model_copy(update={"options": {}})
    wrong = wrong.model_copy(update={"providers": {"private": provider}})
    with pytest.raises(SettingsError, match=r"private\.options\.file: is required: set it"):
        providers.connect(wrong)


def test_an_unknown_kind_names_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as caught:
        providers.connect(settings(tmp_path, kind="simulate"))
    assert str(caught.value) == (
        "providers.private.kind: there is no kind of cloud 'simulate'; "
        f"write one of: {', '.join(providers.kinds())}"
    )


def test_one_that_is_wrong_leaves_the_others(tmp_path: Path) -> None:
    right = settings(tmp_path)
    fine = right.providers["private"]
    wrong = fine.model_copy(update={"options": {"file": "x.db", "colour": "red"}})
    several = right.model_copy(update={"providers": {"wrong": wrong, "private": fine}})
    clouds, told = providers.usable(several)
    assert list(clouds) == ["private"]
    assert told == {
        "wrong": [
            "providers.wrong.options.images: is required: set it in the settings file",
            "providers.wrong.options.sizes: is required: set it in the settings file",
            "providers.wrong.options.colour: there is no such option: mend the spelling or "
            "remove it",
        ]
    }
    with pytest.raises(Denied, match=r"options\.images: is required.* \(the log has 2 more\)"):
        Unusable(told["wrong"]).standing((), ())
    alone = right.model_copy(update={"providers": {"wrong": wrong}})
    with pytest.raises(SettingsError, match=r"providers\.wrong\.options\.images: is required"):
        providers.usable(alone)


def plug_in(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    entries = EntryPoints([EntryPoint("theirs", value, providers.GROUP)])
    for module in (plugins, providers):
        monkeypatch.setattr(module, "entry_points", entries.select)


def test_a_third_partys_adapter_is_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    plug_in(monkeypatch, "cloudhands.burst.providers.simulated:ADAPTER")
    assert providers.kinds() == sorted([*providers.own(), "theirs"])
    assert providers.find("private", "theirs") is ADAPTER
    assert list(providers.connect(settings(tmp_path, kind="theirs"))) == ["private"]


def test_one_that_cannot_be_loaded_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    plug_in(monkeypatch, "no.such.module:ADAPTER")
    with pytest.raises(PluginError, match="plugin 'theirs' of group"):
        providers.find("private", "theirs")
