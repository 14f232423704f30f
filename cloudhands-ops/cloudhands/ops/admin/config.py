"""`cloud-admin config`: the settings that hold, and whether what they name is there."""

import argparse
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from cloudhands.common import service
from cloudhands.common.errors import SettingsError
from cloudhands.common.settings import Effective, Settings
from cloudhands.common.settings.effective import Entry, dotted
from cloudhands.ops.admin.operation import answer
from cloudhands.ops.admin.parsing import Commands, command, group


def add_commands(groups: Commands) -> None:
    """Add this group."""
    place = group(groups, "config", "the settings")
    shown = command(
        place, "show", "Show what holds and where each setting was set; secrets are hidden.", show
    )
    shown.add_argument(
        "key", nargs="?", default="", metavar="KEY", help="this setting or table only: portal"
    )
    command(place, "check", "Check every setting, and the files and folders that they name.", check)


def show(options: argparse.Namespace) -> None:
    """Print every setting in the form of the settings file, each with its source.

    :raises SettingsError: if a setting is wrong, or there is none of that key.
    """
    found = service.read_effective(options)
    entries = [entry for entry in found.entries() if _is_asked_for(entry, options.key)]
    if not entries:
        raise SettingsError(
            f"{options.key}: there is no such setting; 'cloud-admin config show' lists them all"
        )
    answer(
        options,
        {
            "file": str(found.file) if found.file else None,
            "settings": {one.key: {"value": one.value, "source": one.source} for one in entries},
        },
        *(_line(entry, _width(entries)) for entry in entries),
    )


def _is_asked_for(entry: Entry, key: str) -> bool:
    return not key or entry.key == key or entry.key.startswith(f"{key}.")


def _width(entries: list[Entry]) -> int:
    """How wide the first column is; the few settings that are longer push their sources aside."""
    return min(60, max(len(_assignment(entry)) for entry in entries))


def _line(entry: Entry, width: int) -> str:
    return f"{_assignment(entry):{width}}  # {entry.source}"


def _assignment(entry: Entry) -> str:
    # TOML has no null: what is not set cannot be written, only left out.
    if entry.value is None:
        return f"# {entry.key} is not set"
    return f"{entry.key} = {_toml(entry.value)}"


def _toml(value: Any) -> str:
    """A value as a settings file has it: JSON, but for tables and for one character."""
    if isinstance(value, Mapping):
        inner = (f"{dotted((name,))} = {_toml(one)}" for name, one in value.items())
        return f"{{ {', '.join(inner)} }}" if value else "{}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_toml, value))}]"
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def check(options: argparse.Namespace) -> None:
    """Read the settings as every program does, and look for what they name.

    :raises SettingsError: with a line for each thing that is wrong.
    """
    found = service.read_effective(options)
    wrong = list(_missing(found))
    if wrong:
        raise SettingsError("\n".join(wrong))
    count = sum(entry.source != "default" for entry in found.entries())
    where = f"The settings file is {found.file}." if found.file else "There is no settings file."
    answer(
        options,
        {"file": str(found.file) if found.file else None, "set": count},
        f"{where} All settings are right; {count} are not the defaults.",
        "Next: cloud-admin db upgrade; cloud-admin deploy-files --to DIR.",
    )


def _missing(found: Effective) -> Iterator[str]:
    sources = {entry.key: entry.source for entry in found.entries()}
    for key, path in _files(found.settings):
        if why := _unreadable(path):
            yield f"{key} ({sources[key]}): {path} {why}"
    if why := _unwritable(found.settings.state):
        yield f"state ({sources['state']}): {found.settings.state} {why}"


def _files(settings: Settings) -> Iterator[tuple[str, Path]]:
    """The files that an operator has to provide; what the programs make themselves is not here."""
    named = {
        "portal.tls_certificate": settings.portal.tls_certificate,
        "portal.tls_key": settings.portal.tls_key,
    }
    if settings.directory:
        named["directory.ca_file"] = settings.directory.ca_file
        named["directory.password_file"] = settings.directory.password_file
    for key, path in named.items():
        if path:
            yield key, settings.path(path)


def _unreadable(path: Path) -> str:
    if not path.exists():
        return "is not there"
    if not path.is_file():
        return "is not a file"
    return "" if os.access(path, os.R_OK) else "cannot be read by this user"


def _unwritable(folder: Path) -> str:
    """What keeps the programs from writing there; they make the folder if its parent lets them."""
    existing = next(one for one in (folder.absolute(), *folder.absolute().parents) if one.exists())
    if not existing.is_dir():
        return f"cannot be a folder: {existing} is none"
    if not os.access(existing, os.W_OK | os.X_OK):
        return f"cannot be written by this user: give them {existing}, or set state"
    return ""
