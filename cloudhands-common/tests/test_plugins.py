from importlib.metadata import EntryPoint

import pytest

from cloudhands.common import plugins, site
from cloudhands.common.errors import PluginError


def install(monkeypatch, *entries):
    monkeypatch.setattr(
        plugins,
        "entry_points",
        lambda group, name=None: [
            entry for entry in entries if entry.group == group and name in (None, entry.name)
        ],
    )


def entry(name, value):
    return EntryPoint(name, value, site.GROUP)


def test_nothing_installed_names_group_and_remedy(monkeypatch):
    install(monkeypatch)
    with pytest.raises(PluginError, match=r"'cloudhands.site'.*pip install cloudhands-jasmin"):
        site.installed()


def test_several_installed_names_them(monkeypatch):
    install(monkeypatch, entry("one", "os:path"), entry("two", "os:path"))
    with pytest.raises(PluginError, match="one, two"):
        site.installed()


@pytest.mark.parametrize("value", ["no.such.module:SITE", "os:no_such_name"])
def test_what_cannot_be_loaded_names_plugin_and_remedy(monkeypatch, value):
    install(monkeypatch, entry("broken", value))
    with pytest.raises(PluginError, match=r"'broken'.*cannot be loaded.*Install"):
        site.installed()


def test_by_name(monkeypatch):
    import os

    install(monkeypatch, entry("path", "os:path"))
    assert plugins.named(site.GROUP, "path") is os.path
    assert plugins.named(site.GROUP, "other") is None
