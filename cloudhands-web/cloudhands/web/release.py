"""Which code makes the pages: part of every ETag, so that no page outlives a deployment."""

import functools
import hashlib
from collections.abc import Iterator
from importlib import resources
from importlib.resources.abc import Traversable

PACKAGES = ("cloudhands.common", "cloudhands.web")
SUFFIXES = (".py", ".jinja", ".css", ".js", ".svg")


@functools.cache
def digest() -> str:
    """The digest of our own files, since two builds may bear the same version."""
    found = hashlib.sha256()
    for package in PACKAGES:
        for file in _files(resources.files(package)):
            found.update(file.name.encode() + b"\0" + file.read_bytes())
    return found.hexdigest()


def _files(folder: Traversable) -> Iterator[Traversable]:
    for found in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if found.is_dir():
            yield from _files(found)
        elif found.name.endswith(SUFFIXES):
            yield found
