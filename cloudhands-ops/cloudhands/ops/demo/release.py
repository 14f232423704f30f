"""Which code a demonstration was set up by: what runs is of no use to a checkout that has changed.

Unlike `cloudhands.web.release`, it covers every program and the deployment files' templates.
"""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import cloudhands
from cloudhands.ops.demo.place import Place


def digest() -> str:
    """The digest of the files of every installed package of ours."""
    found = hashlib.sha256()
    for file in _files():
        found.update(bytes(file) + b"\0" + file.read_bytes())
    return found.hexdigest()


def _files() -> Iterator[Path]:
    for folder in sorted(cloudhands.__path__):
        for file in sorted(Path(folder).rglob("*")):
            if file.is_file() and file.parent.name != "__pycache__":
                yield file


def record(place: Place) -> None:
    """Note that this code set the demonstration up."""
    place.release.write_text(digest() + "\n", encoding="ascii")


def is_current(place: Place) -> bool:
    """Whether this code set it up; not where nothing was noted."""
    try:
        return place.release.read_text(encoding="utf-8").strip() == digest()
    except (FileNotFoundError, UnicodeDecodeError):
        return False
