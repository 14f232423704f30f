import tomllib

import pytest

from cloudhands.common import settings, site
from cloudhands.common.catalogue.commands import read_definitions
from cloudhands.jasmin.site import SITE

DEFINITIONS = read_definitions(SITE.catalogue)
PROVIDERS = SITE.settings["providers"]


def test_the_site_is_the_one_that_is_installed():
    assert site.installed() is SITE


def test_its_settings_are_valid_without_a_file():
    loaded = settings.load(defaults=SITE.settings, environment={})
    assert loaded.directory.attributes.id == "entryUUID"
    assert {name: provider.public for name, provider in loaded.providers.items()} == {
        "private": False,
        "public": True,
    }


def test_the_private_cloud_is_tried_first():
    loaded = settings.load(defaults=SITE.settings, environment={})
    assert loaded.providers["private"].priority < loaded.providers["public"].priority


def test_a_settings_file_replaces_one_key_and_keeps_the_others(tmp_path):
    file = tmp_path / "cloudhands.toml"
    file.write_text("[providers.private.options]\ncapacity = 4\n", encoding="utf-8")
    options = settings.load(defaults=SITE.settings, file=file, environment={}).providers["private"]
    assert options.options == {**PROVIDERS["private"]["options"], "capacity": 4}


def test_there_are_three_catalogue_items():
    assert [item.name for item in DEFINITIONS] == [
        "analysis-desktop",
        "notebook-server",
        "ssh-gateway",
    ]


@pytest.mark.parametrize("item", DEFINITIONS, ids=lambda item: item.name)
@pytest.mark.parametrize("provider", PROVIDERS)
def test_each_item_can_be_launched_on_each_provider(item, provider):
    options = PROVIDERS[provider]["options"]
    assert item.images[provider] in options["images"]
    for size in item.sizes.values():
        assert size.on[provider] in options["sizes"]


@pytest.mark.parametrize("item", DEFINITIONS, ids=lambda item: item.name)
def test_an_item_names_no_provider_that_is_not_there(item):
    named = {*item.images, *(name for size in item.sizes.values() for name in size.on)}
    assert named == set(PROVIDERS)


@pytest.mark.parametrize("item", DEFINITIONS, ids=lambda item: item.name)
def test_user_data_is_what_cloud_init_takes_for_its_configuration(item):
    assert item.user_data.startswith("#cloud-config\n")


def test_each_file_is_named_for_its_item():
    for file in SITE.catalogue.iterdir():
        item = tomllib.loads(file.read_text(encoding="utf-8"))
        assert file.name == f"{item['name']}.toml"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_there_is_an_accent_for_each_colour_scheme(scheme):
    assert SITE.accent[scheme].startswith("#")
