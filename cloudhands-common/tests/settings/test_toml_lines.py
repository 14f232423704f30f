"""On which line a key stands, whatever TOML is written like."""

import tomllib

import pytest

from cloudhands.common.settings.toml_lines import lines

TEXT = """\
# A comment = 1

state = "/srv"   # and another
database.url = "sqlite:///x"

[portal]
port = 1
  "host" = '''
port = 2
[index]
'''
threads = 3

[ providers . "a.b" ]   # spaces, and a dot in a name
kind = "x"
options = { capacity = 1, sizes = [
    "small",
    "port = 9",
], deep = { er = 1 } }

[[many]]
one = 1
[[many]]
one = 2
"""


@pytest.mark.parametrize(
    ("key", "number"),
    [
        (("state",), 3),
        (("database",), 4),
        (("database", "url"), 4),
        (("portal",), 6),
        (("portal", "port"), 7),
        (("portal", "host"), 8),
        (("portal", "threads"), 12),
        (("providers", "a.b"), 14),
        (("providers", "a.b", "kind"), 15),
        (("providers", "a.b", "options"), 16),
        (("providers", "a.b", "options", "deep", "er"), 16),
        (("many",), 21),
        (("many", "one"), 22),
    ],
)
def test_each_key_has_the_line_on_which_it_begins(key, number):
    assert lines(TEXT)[key] == number


def test_what_only_looks_like_a_key_has_none():
    found = lines(TEXT)
    assert ("index",) not in found
    assert ("A comment",) not in found
    assert all(isinstance(part, str) and part for key in found for part in key)


def test_windows_line_ends_change_nothing():
    text = TEXT.replace("\n", "\r\n")
    tomllib.loads(text)
    assert lines(text) == lines(TEXT)


def test_a_last_line_without_an_end():
    assert lines("[portal]\nport = 1") == {("portal",): 1, ("portal", "port"): 2}


def test_nothing_has_no_lines():
    assert lines("") == lines("\n\n# nothing\n") == {}
