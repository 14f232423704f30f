"""On which line of a TOML file each key stands; `tomllib` does not tell."""

import tomllib
from collections.abc import Iterator, Mapping
from typing import Any

Key = tuple[str, ...]


def lines(text: str) -> Mapping[Key, int]:
    """The number of the line on which each table and each key begins, from 1.

    :param text: of a file that `tomllib` has read: each of its statements is one, too.
    """
    found: dict[Key, int] = {}
    table: Key = ()
    for number, statement in _statements(text):
        keys = list(_keys(tomllib.loads(statement)))
        if statement.lstrip().startswith("["):
            # [a.b] or [[a.b]]: the longest of a, a.b
            table = max(keys, key=len)
            keys = [key[len(table) :] for key in keys if key == table]
        for key in keys:
            found.setdefault((*table, *key), number)
    return found


def _statements(text: str) -> Iterator[tuple[int, str]]:
    """Headers and assignments, some of which go over several lines, and the first line of each."""
    begun, statement = 1, ""
    for number, line in enumerate(text.split("\n"), 1):
        if not statement:
            begun = number
        statement += f"{line}\n"
        if _is_whole(statement):
            if tomllib.loads(statement):  # neither blank nor a comment
                yield begun, statement
            statement = ""


def _is_whole(statement: str) -> bool:
    try:
        tomllib.loads(statement)
    except tomllib.TOMLDecodeError:
        return False
    return True


def _keys(table: Mapping[str, Any], prefix: Key = ()) -> Iterator[Key]:
    for name, value in table.items():
        yield (*prefix, name)
        if isinstance(value, list) and value == [{}]:
            continue  # [[table]]
        if isinstance(value, Mapping):
            yield from _keys(value, (*prefix, name))
