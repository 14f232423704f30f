"""The reference of the settings, from the model that reads them.

`.. settings-reference::` has a section for each table of the settings file: its docstring, then
each key with what it takes, its default and its environment variable. Options of clouds follow,
from the options' model of each adapter of ours.
"""

import inspect
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from docutils import nodes
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from cloudhands.burst import providers
from cloudhands.common.settings import ENVIRONMENT_PREFIX, Settings
from extensions.kinds import is_one_value, tables_in, words
from extensions.text import indented, literal_names, parsed, title

ANY_NAME = "NAME"
OPTIONS = ("providers", ANY_NAME, "options")


class Table(NamedTuple):
    """A table of the settings file.

    :param key: its own, in parts; those in upper case are the operator's to choose.
    :param repeated: whether there may be several, each in double brackets.
    """

    key: Sequence[str]
    model: type[BaseModel]
    title: str
    repeated: bool = False


def tables() -> Iterator[Table]:
    """Every table: those of the settings, then the options of each kind of cloud."""
    yield from _below(Table((), Settings, "Outside of any table"))
    for kind, adapter in sorted(providers.own().items()):
        name = f"[{'.'.join(OPTIONS)}] of the kind {kind}"
        yield from _below(Table(OPTIONS, adapter.Options, name))


def _below(table: Table) -> Iterator[Table]:
    yield table
    for name, field in table.model.model_fields.items():
        for model, more, repeated in tables_in(field.annotation):
            key = (*table.key, name, *([ANY_NAME] if more else []))
            dotted = ".".join(key)
            heading = f"[[{dotted}]]" if repeated else f"[{dotted}]"
            yield from _below(Table(key, model, heading, repeated))


def keys(table: Table) -> Mapping[str, FieldInfo]:
    """The keys of a table that are not tables themselves."""
    return {
        name: field
        for name, field in table.model.model_fields.items()
        if not list(tables_in(field.annotation))
    }


def page() -> Iterator[str]:
    """The whole reference."""
    for table in tables():
        yield from title(table.title, 1)
        yield from (literal_names(inspect.getdoc(table.model) or ""), "")
        for name, field in keys(table).items():
            yield from _setting(table, name, field)


def _setting(table: Table, name: str, field: FieldInfo) -> Iterator[str]:
    dotted = ".".join((*table.key, name))
    # An option of one kind of cloud may have the same key as another kind's.
    yield from (f".. confval:: {dotted}", *_no_index(table), "")
    told = [f":Takes: {words(field)}", f":Default: {default(field)}"]
    if is_one_value(field.annotation) and not table.repeated:
        variable = ENVIRONMENT_PREFIX + "__".join((*table.key, name)).upper()
        told.append(f":Environment: ``{variable}``")
    yield from indented([*told, ""])


def _no_index(table: Table) -> Sequence[str]:
    return ["   :no-index:"] if table.key[: len(OPTIONS)] == OPTIONS else []


def default(field: FieldInfo) -> str:
    """What holds where nothing is set."""
    if field.is_required():
        return "none: it is required"
    value = field.get_default(call_default_factory=True)
    if value is None:
        return "not set"
    return f"``{json.dumps(_as_toml(value))}``"


def _as_toml(value: Any) -> Any:
    if isinstance(value, Path):
        return str(value)
    return value if isinstance(value, bool | int | float | list | tuple | dict) else str(value)


class SettingsReference(SphinxDirective):
    """`.. settings-reference::`, below a page's title."""

    def run(self) -> list[nodes.Node]:
        """The page's content."""
        return parsed(self, page())


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the directive."""
    app.add_directive("settings-reference", SettingsReference)
    return {"parallel_read_safe": True}
