"""The settings that hold, and where each of them was set."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import ValidationError

from cloudhands.common.errors import SettingsError
from cloudhands.common.settings import problems, sources
from cloudhands.common.settings.masking import masked
from cloudhands.common.settings.model import Settings
from cloudhands.common.settings.sources import Leaves
from cloudhands.common.settings.toml_lines import Key

_BARE = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)
DEFAULT = "default"
DERIVED = "follows from other settings"


class Entry(NamedTuple):
    """One setting as an operator reads it: a dotted key, a value without secrets, a source."""

    key: str
    value: Any
    source: str


@dataclass(frozen=True)
class Effective:
    """Settings with their sources.

    :param file: the settings file that was read, if any.
    """

    settings: Settings
    file: Path | None
    leaves: Leaves

    def entries(self) -> Sequence[Entry]:
        """Every setting in the model's order, secrets masked."""
        defaults = dict(_flat(Settings().model_dump(mode="json")))
        return [
            Entry(dotted(key), masked(key, value), self._source(key, value, defaults))
            for key, value in _flat(self.settings.model_dump(mode="json"))
        ]

    def _source(self, key: Key, value: Any, defaults: Mapping[Key, Any]) -> str:
        for length in range(len(key), 0, -1):
            leaf = self.leaves.get(key[:length])
            if leaf and (leaf.value != {} or length == len(key)):
                return leaf.source
        # What a model adds to a table that somebody began is its default too.
        return DERIVED if key in defaults and defaults[key] != value else DEFAULT


def read(
    *,
    defaults: Mapping[str, Any] | None = None,
    file: Path | None = None,
    environment: Mapping[str, str] | None = None,
    overrides: Mapping[str, str] | None = None,
) -> Effective:
    """Read every source and validate the result.

    :param defaults: the site's, as nested tables.
    :param file: the settings file; None looks at `CLOUDHANDS_CONFIG`, then at
        `/etc/cloudhands/cloudhands.toml`, and goes without if that is missing.
    :param environment: variables; None means the process's own.
    :param overrides: from the command line, by dotted key.
    :raises SettingsError: naming each wrong key, where it was set, and what to do.
    """
    variables = sources.environment(environment)
    found = sources.settings_file(file, variables)
    leaves = sources.gather(defaults or {}, found, variables, overrides or {})
    try:
        valid = Settings.model_validate(sources.nested(leaves))
    except ValidationError as error:
        raise SettingsError(problems.explain(error, leaves)) from None
    return Effective(valid, found, leaves)


def load(
    *,
    defaults: Mapping[str, Any] | None = None,
    file: Path | None = None,
    environment: Mapping[str, str] | None = None,
    overrides: Mapping[str, str] | None = None,
) -> Settings:
    """The settings alone; see `read`."""
    return read(defaults=defaults, file=file, environment=environment, overrides=overrides).settings


def dotted(key: Key) -> str:
    """A key as TOML writes it."""
    return ".".join(part if _BARE.fullmatch(part) else json.dumps(part) for part in key)


def _flat(table: Mapping[str, Any], prefix: Key = ()) -> Iterator[tuple[Key, Any]]:
    for name, value in table.items():
        if isinstance(value, Mapping) and value:
            yield from _flat(value, (*prefix, name))
        else:
            yield (*prefix, name), value
