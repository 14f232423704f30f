"""The demonstration's settings file: written from Python values, read back for what it says."""

import json
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from cloudhands.common import settings, site
from cloudhands.common.testing.ports import LOOPBACK
from cloudhands.ops.demo.place import Place

PRIVATE_SERVERS = 4
PUBLIC_SERVERS = 50

# A real cloud takes a minute for what these do while somebody watches.
SPEED = {"boot_seconds": 1.5, "stop_seconds": 0.5, "delete_seconds": 0.5}


def values(
    place: Place, port: int, directory: Mapping[str, Any], *, nginx: bool
) -> Mapping[str, Any]:
    """What the demonstration sets; the rest is the site's and the programs' defaults.

    :param port: the portal's.
    :param directory: the settings' `[directory]`.
    :param nginx: whether it stands in front of the portal.
    """
    return {
        "state": str(place.state),
        "portal": {"host": LOOPBACK, "port": port, "nginx": nginx},
        "directory": directory,
        "index": {"interval": 30},
        # How soon work that a killed cloud-burst held goes on, and how soon a cloud that was full
        # is asked again: so short that the story need not wait for either.
        "burst": {"claim": 5, "full_memory": 1},
        "providers": {
            "private": {"options": {"capacity": PRIVATE_SERVERS, **SPEED}},
            "public": {"options": {"capacity": PUBLIC_SERVERS, **SPEED}},
        },
    }


def write(file: Path, tables: Mapping[str, Any]) -> None:
    """Write values as a settings file."""
    text = "# Made by the demonstration, anew at each start.\n" + "\n".join(_lines(tables)) + "\n"
    file.write_text(text, encoding="utf-8")


def _lines(table: Mapping[str, Any], name: str = "") -> Iterator[str]:
    """TOML: first what belongs to the table itself, then the tables below it."""
    below = {key: value for key, value in table.items() if isinstance(value, Mapping)}
    if name and len(below) < len(table):
        yield f"\n[{name}]"
    for key, value in table.items():
        if key not in below:
            # A JSON string, number or boolean is a TOML one too.
            yield f"{key} = {json.dumps(value)}"
    for key, value in below.items():
        yield from _lines(value, f"{name}.{key}" if name else key)


def read(place: Place) -> settings.Settings:
    """The settings that the demonstration's programs run with."""
    return settings.load(defaults=site.installed().settings, file=place.settings, environment={})


def port(place: Place) -> int | None:
    """The portal's port as last set up, or None if nothing was."""
    if not place.is_made:
        return None
    found: int = tomllib.loads(place.settings.read_text(encoding="utf-8"))["portal"]["port"]
    return found


def address(port: int) -> str:
    """The portal's address."""
    return f"http://{LOOPBACK}:{port}/"
