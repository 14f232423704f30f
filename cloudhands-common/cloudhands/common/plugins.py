"""Finds what is plugged in by entry point: the site, and clouds of third parties.

An editable install does not see a new entry point until it is installed again, so the packages'
own pages and adapters are found by `pkgutil` (`submodules`), not by entry point.
"""

import importlib
import pkgutil
from collections.abc import Iterator
from importlib.metadata import EntryPoint, entry_points
from types import ModuleType
from typing import Any

from cloudhands.common.errors import PluginError


def only(group: str) -> Any:
    """The one object that is plugged in at a group.

    :raises PluginError: if none or several are installed, or it cannot be imported.
    """
    found = {entry.name: entry for entry in entry_points(group=group)}
    if not found:
        raise PluginError(
            f"nothing is installed for the entry point group {group!r}: "
            "install a site package, for example 'pip install cloudhands-jasmin'"
        )
    if len(found) > 1:
        raise PluginError(
            f"several plugins are installed for {group!r}: {', '.join(sorted(found))}. "
            "Uninstall all but one"
        )
    return load(*found.values())


def named(group: str, name: str) -> Any | None:
    """The object plugged in at a group under a name, or None.

    :raises PluginError: if it cannot be imported.
    """
    for entry in entry_points(group=group, name=name):
        return load(entry)
    return None


def load(entry: EntryPoint) -> Any:
    """Import what an entry point names.

    :raises PluginError: naming plugin, group, distribution and remedy.
    """
    try:
        return entry.load()
    except (ImportError, AttributeError) as error:
        home = entry.dist.name if entry.dist else "an unknown distribution"
        raise PluginError(
            f"plugin {entry.name!r} of group {entry.group!r} ({entry.value}, from {home}) "
            f"cannot be loaded: {error}. Install that distribution again, or remove it"
        ) from error


def submodules(package: ModuleType) -> Iterator[ModuleType]:
    """Every direct submodule of a package, imported, in sorted order."""
    for found in sorted(pkgutil.iter_modules(package.__path__), key=lambda module: module.name):
        yield importlib.import_module(f"{package.__name__}.{found.name}")
