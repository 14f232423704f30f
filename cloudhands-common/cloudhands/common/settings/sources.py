"""Reads the settings' four sources into single values, each of which knows where it was set."""

import os
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from cloudhands.common.errors import SettingsError
from cloudhands.common.settings import masking
from cloudhands.common.settings.toml_lines import Key, lines

ENVIRONMENT_PREFIX = "CLOUDHANDS_"
CONFIG_VARIABLE = "CLOUDHANDS_CONFIG"
# What 'cloud-admin db move' is told by the environment; no setting.
MOVE_VARIABLE = "CLOUDHANDS_MOVE_TO"
DEFAULT_CONFIG = Path("/etc/cloudhands/cloudhands.toml")


class Leaf(NamedTuple):
    """One value; `source` says in words where it was set."""

    value: Any
    source: str


Leaves = dict[Key, Leaf]


def gather(
    defaults: Mapping[str, Any],
    file: Path | None,
    variables: Mapping[str, str],
    overrides: Mapping[str, str],
) -> Leaves:
    """Every value that is set, the last of those with the same key.

    :param defaults: the site's, as nested tables.
    :param file: the settings file, if there is one.
    :param variables: the environment.
    :param overrides: from the command line, by dotted key.
    :raises SettingsError: if the file cannot be read, or the command line holds a secret.
    """
    return {
        **_leaves(defaults, lambda key: "the site's defaults"),
        **(_from_file(file) if file else {}),
        **_from_environment(variables),
        **_from_command_line(overrides),
    }


def settings_file(named: Path | None, variables: Mapping[str, str]) -> Path | None:
    """The file that is read: the named one, the environment's, or the usual one if it is there."""
    if named:
        return named
    if variable := variables.get(CONFIG_VARIABLE):
        return Path(variable)
    return DEFAULT_CONFIG if DEFAULT_CONFIG.exists() else None


def environment(variables: Mapping[str, str] | None) -> Mapping[str, str]:
    """The given variables; None means the process's own."""
    return os.environ if variables is None else variables


def nested(leaves: Leaves) -> dict[str, Any]:
    """The values as tables within tables.

    :raises SettingsError: if one source has a value where another has a table.
    """
    tree: dict[str, Any] = {}
    for key, (value, source) in leaves.items():
        table = tree
        for part in key[:-1]:
            table = table.setdefault(part, {})
            if not isinstance(table, dict):
                raise SettingsError(f"{'.'.join(key)} ({source}): {part!r} is a value, not a table")
        if value == {}:
            table.setdefault(key[-1], {})  # says nothing of what another source has in it
        elif isinstance(table.get(key[-1]), dict):
            raise SettingsError(f"{'.'.join(key)} ({source}): is a table, not a value")
        else:
            table[key[-1]] = value
    return tree


def _from_file(file: Path) -> Leaves:
    text = _text(file)
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"settings file {file} is not TOML: {error}") from error
    numbers = lines(text)

    def source(key: Key) -> str:
        known = (key[:length] for length in range(len(key), 0, -1))
        number = next((numbers[one] for one in known if one in numbers), None)
        return f"{file}, line {number}" if number else str(file)

    return _leaves(table, source)


def _text(file: Path) -> str:
    try:
        # As tomllib reads it: what ends a line on Windows ends one here.
        return file.read_text(encoding="utf-8").replace("\r\n", "\n")
    except OSError as error:
        raise SettingsError(
            f"settings file {file} cannot be read: {error.strerror}. "
            f"Name another with --config or {CONFIG_VARIABLE}"
        ) from error
    except UnicodeDecodeError as error:
        raise SettingsError(f"settings file {file} is not TOML: {error}") from error


def _leaves(table: Mapping[str, Any], source: Callable[[Key], str], prefix: Key = ()) -> Leaves:
    found: Leaves = {}
    for name, value in table.items():
        key = (*prefix, name)
        if isinstance(value, Mapping) and value:
            found.update(_leaves(value, source, key))
        else:
            found[key] = Leaf(value, source(key))
    return found


def _from_environment(variables: Mapping[str, str]) -> Leaves:
    return {
        tuple(name.removeprefix(ENVIRONMENT_PREFIX).lower().split("__")): Leaf(value, f"${name}")
        for name, value in variables.items()
        if name.startswith(ENVIRONMENT_PREFIX) and name not in (CONFIG_VARIABLE, MOVE_VARIABLE)
    }


def _from_command_line(overrides: Mapping[str, str]) -> Leaves:
    found: Leaves = {}
    for name, value in overrides.items():
        key = tuple(name.split("."))
        if masking.masked(key, value) != value:
            variable = ENVIRONMENT_PREFIX + "__".join(key).upper()
            raise SettingsError(
                f"{name} (--set): everybody on this machine can read a secret on a command line. "
                f"Put it into the settings file or into ${variable}"
            )
        found[key] = Leaf(value, "--set")
    return found
