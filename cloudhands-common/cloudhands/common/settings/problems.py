"""Says what is wrong with settings, and what would be right, in a sentence for each."""

import difflib
import types
import typing
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel, ValidationError

from cloudhands.common.settings.model import Settings
from cloudhands.common.settings.sources import Leaves
from cloudhands.common.settings.toml_lines import Key

ANY_NAME = "NAME"
"""Stands in a key for a name that the operator chooses."""


def explain(error: ValidationError, leaves: Leaves) -> str:
    """A line for each wrong setting: the key, where it was set, and what to do."""
    return "\n".join(_sentences(error, leaves))


def known_keys(model: type[BaseModel] = Settings, prefix: Key = ()) -> Iterator[Key]:
    """Every key that there is, tables too."""
    for name, field in model.model_fields.items():
        key = (*prefix, name)
        yield key
        for inner, more in _tables(field.annotation):
            yield from known_keys(inner, (*key, *more))


def _tables(annotation: Any) -> Iterator[tuple[type[BaseModel], Key]]:
    """The tables that a field may hold, and what stands between the field's name and theirs."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation, ()
    elif isinstance(annotation, types.UnionType):
        for one in typing.get_args(annotation):
            yield from _tables(one)
    elif typing.get_origin(annotation) is Mapping:
        for inner, more in _tables(typing.get_args(annotation)[1]):
            yield inner, (ANY_NAME, *more)


def _sentences(error: ValidationError, leaves: Leaves) -> Iterator[str]:
    for problem in error.errors(include_url=False, include_input=False):
        key = tuple(str(part) for part in problem["loc"])
        source = _source(key, leaves)
        remedy = {
            "extra_forbidden": f"there is no such setting: {_nearest(key)}",
            "missing": "is required: set it in the settings file",
        }.get(problem["type"], problem["msg"].removeprefix("Value error, "))
        yield f"{'.'.join(key)}{f' ({source})' if source else ''}: {remedy}"


def _nearest(key: Key) -> str:
    """What was meant, perhaps."""
    known = {".".join(one) for one in known_keys()}
    elsewhere = sorted(one for one in known if one.rpartition(".")[2] == key[-1])
    if elsewhere:
        return f"did you mean {' or '.join(elsewhere)}?"
    # What the operator named (a provider) is as right as any.
    for one in (key, *_with_any_name(key)):
        if close := difflib.get_close_matches(".".join(one), known, n=1, cutoff=0.75):
            return f"did you mean {_named(close[0], key)}?"
    return "remove it; 'cloud-admin config show' lists what there is"


def _with_any_name(key: Key) -> Iterator[Key]:
    for place in range(1, len(key) - 1):
        yield (*key[:place], ANY_NAME, *key[place + 1 :])


def _named(known: str, key: Key) -> str:
    """A known key with the operator's name put back."""
    parts = known.split(".")
    if ANY_NAME in parts and len(key) == len(parts):
        parts[parts.index(ANY_NAME)] = key[parts.index(ANY_NAME)]
    return ".".join(parts)


def _source(key: Key, leaves: Leaves) -> str:
    if key in leaves:
        return leaves[key].source
    # A missing key was set nowhere: what its table's other keys came from is where to look.
    for length in range(len(key), 0, -1):
        for leaf, (_, where) in leaves.items():
            if leaf[:length] == key[:length]:
                return where
    return ""
