"""`cloud-admin catalogue load`."""

import json

import pytest

from cloudhands.common.catalogue.queries import every
from cloudhands.ops.admin.main import main


def test_the_sites_catalogue_is_loaded_once(upgraded, reading, capsys):
    assert upgraded("catalogue", "load", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert set(told["items"].values()) == {"added"}
    assert told["warnings"] == []
    assert upgraded("catalogue", "load", "--json") == 0
    assert set(json.loads(capsys.readouterr().out)["items"].values()) == {"unchanged"}
    with reading() as session:
        assert {item.name for item in every(session)} == set(told["items"])


ITEM = """
name = "thing"
title = "A thing"
summary = "Does nothing."
images = { private = "image", elsewhere = "image" }
default_size = "small"
[sizes.small]
title = "Small"
vcpus = 1
memory_mb = 1024
disk_gb = 10
on = { private = "s1" }
"""


def test_an_item_for_an_unknown_provider_is_loaded_with_a_warning(upgraded, tmp_path, capsys):
    (tmp_path / "thing.toml").write_text(ITEM, encoding="utf-8")
    (tmp_path / "cloudhands.toml").rename(tmp_path / "settings")
    config = str(tmp_path / "settings")
    assert main(["--config", config, "catalogue", "load", str(tmp_path)]) == 0
    assert "thing is also for elsewhere" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("content", "status", "said"),
    [
        (ITEM.replace('"small"', '"huge"', 1), 2, "default_size 'huge'"),
        (ITEM.replace("vcpus = 1", "vcpus = 0"), 2, "vcpus"),
        ("name = ", 2, "thing.toml"),
        (None, 2, "has no catalogue items"),
    ],
)
def test_a_wrong_item_is_named_and_nothing_is_loaded(
    upgraded, tmp_path, reading, capsys, content, status, said
):
    folder = tmp_path / "items"
    folder.mkdir()
    (folder / "a-good-one.toml").write_text(ITEM, encoding="utf-8")
    if content is None:
        (folder / "a-good-one.toml").unlink()
    else:
        (folder / "thing.toml").write_text(content, encoding="utf-8")
    assert upgraded("catalogue", "load", folder) == status
    assert said in capsys.readouterr().err
    with reading() as session:
        assert every(session) == []


@pytest.mark.parametrize("name", ["absent", "cloudhands.toml"])
def test_what_is_not_a_folder_is_refused(upgraded, tmp_path, capsys, name):
    assert upgraded("catalogue", "load", tmp_path / name) == 1
    assert "is not a folder" in capsys.readouterr().err
