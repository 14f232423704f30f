"""Every static file of the portal, in memory, and the digest that is part of their names."""

import functools
import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import resources
from importlib.resources.abc import Traversable

from pyramid.request import Request

from cloudhands.web.pages.static.theme import style_sheet

# Not the system's table: what it says of .js differs from machine to machine. What has another
# ending (licences, notes on where a file is from) is not served.
TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
THEME = "theme.css"
FOLDER = "/static"


@dataclass(frozen=True)
class Files:
    """The files' contents by name, for example `vendor/pico/pico.min.css`."""

    contents: Mapping[str, bytes]

    @functools.cached_property
    def digest(self) -> str:
        """16 hexadecimal digits over every name and content."""
        whole = hashlib.sha256()
        for name, content in sorted(self.contents.items()):
            whole.update(f"{name} {len(content)}\n".encode())
            whole.update(content)
        return whole.hexdigest()[:16]


def of_request(request: Request) -> Files:
    """The portal's files; the same ones for every request."""
    return _files(tuple(sorted(request.services.site.accent.items())))


def static_path(request: Request, file: str) -> str:
    """The path of a file, with the digest.

    :raises KeyError: if there is no such file.
    """
    files = of_request(request)
    _ = files.contents[file]
    return f"{request.script_name}{FOLDER}/{files.digest}/{file}"


def media_type(file: str) -> str | None:
    """What a file is, by its name's ending; None if it is not to be served."""
    return TYPES.get("." + file.rpartition(".")[2])


@functools.cache
def _files(accent: tuple[tuple[str, str], ...]) -> Files:
    folder = resources.files("cloudhands.web") / "static"
    theme = style_sheet(dict(accent)).encode()
    return Files(dict(_read(folder, "")) | {THEME: theme})


def _read(folder: Traversable, prefix: str) -> Iterator[tuple[str, bytes]]:
    for entry in folder.iterdir():
        if entry.is_dir():
            yield from _read(entry, f"{prefix}{entry.name}/")
        elif media_type(entry.name):
            yield prefix + entry.name, entry.read_bytes()
