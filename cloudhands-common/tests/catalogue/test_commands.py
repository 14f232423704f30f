import pytest

from cloudhands.common.catalogue.commands import load, read_definitions
from cloudhands.common.catalogue.queries import every
from cloudhands.common.errors import ConfigurationError
from cloudhands.common.testing.factories import ITEM, NOON, Factory

TEXT = """
name = "desktop"
title = "Desktop"
summary = "A desktop."
default_size = "small"
images = {private = "debian-12"}
[sizes.small]
title = "Small"
vcpus = 1
memory_mb = 1024
disk_gb = 10
on = {private = "m1.small"}
"""
WITH_USER_DATA = '\nuser_data = """\n#cloud-config\n{{ size } }\n"""\n' + TEXT


def test_reading_a_folder(tmp_path):
    (tmp_path / "desktop.toml").write_text(TEXT)
    (tmp_path / "notes.txt").write_text("not an item")
    (found,) = read_definitions(tmp_path)
    assert found.name == "desktop"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (TEXT + "colour = 'red'", "sizes.small.colour: There is no such field"),
        (TEXT.replace('default_size = "small"', 'default_size = "big"'), "not among the sizes"),
        (TEXT.replace("vcpus = 1", "vcpus = 0"), "sizes.small.vcpus"),
        (TEXT.replace('title = "Desktop"', ""), "title: This is required"),
        ("name = ", "desktop.toml"),
        (WITH_USER_DATA, "desktop.toml, line 4: user_data: line 2: unexpected '}'"),
        (WITH_USER_DATA.replace('"""\n#', '"""#'), "desktop.toml, line 3: user_data: line 2: "),
        ('user_data = "{{ label }}"\n' + TEXT, "user_data: line 1: cloud-init wants it to begin"),
        ('user_data = "#!/bin/sh {{ x }}"\n' + TEXT, "desktop.toml, line 1: user_data: line 1: "),
        ('account = "root"\n' + TEXT, "account: root is a machine's own account"),
        ('account = "two words"\n' + TEXT, "account: This has characters"),
    ],
)
def test_a_wrong_file_is_named_with_its_field(tmp_path, text, sentence):
    (tmp_path / "desktop.toml").write_text(text)
    with pytest.raises(ConfigurationError) as caught:
        read_definitions(tmp_path)
    assert "desktop.toml" in str(caught.value)
    assert sentence in str(caught.value)


def test_an_empty_folder(tmp_path):
    with pytest.raises(ConfigurationError, match="no catalogue items"):
        read_definitions(tmp_path)


def test_loading_twice_changes_nothing(database):
    changed = ITEM.model_copy(update={"title": "New title"})
    with database.writing() as session:
        operator = Factory(session).operator
        assert load(session, operator, [ITEM], NOON) == {ITEM.name: "added"}
        assert load(session, operator, [ITEM], NOON) == {ITEM.name: "unchanged"}
        assert load(session, operator, [changed], NOON) == {ITEM.name: "changed"}
        session.flush()
        (item,) = every(session)
        assert (item.title, item.version) == ("New title", 2)
