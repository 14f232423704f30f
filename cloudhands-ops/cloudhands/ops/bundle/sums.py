"""A bundle's files against SHA256SUMS: each of them, as it was, and nothing besides."""

import hashlib
import os
import re
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath

from cloudhands.common.errors import BundleError
from cloudhands.ops.bundle.manifest import FILES, SIGNATURE, SUMS

# As `sha256sum` writes it; an asterisk in place of the second space says that it read bytes.
_LINE = re.compile(r"([0-9a-f]{64}) [ *](.+)")
AGAIN = "get the bundle again"


def read(text: bytes, where: Path) -> Mapping[str, str]:
    """The digest of each file by its path in the bundle.

    :param text: of SHA256SUMS.
    :param where: its place, for errors.
    :raises BundleError: if a line is none of sha256sum's, or leads out of the bundle.
    """
    found: dict[str, str] = {}
    # As sha256sum ends its lines, and at nothing else that Python takes for an end.
    lines = text.decode("utf-8", errors="replace").removesuffix("\n").split("\n")
    for number, line in enumerate(lines, 1):
        match = _LINE.fullmatch(line)
        if match is None:
            raise BundleError(f"{where}, line {number} is not a sum and a file: {AGAIN}")
        if leads_out(match[2]):
            raise BundleError(f"{where}: {match[2]} leads out of the bundle: do not use it")
        if match[2] in found:
            raise BundleError(f"{where} names {match[2]} twice: {AGAIN}")
        found[match[2]] = match[1]
    if missing := sorted({*FILES} - {SUMS} - found.keys()):
        raise BundleError(f"{where} does not name {', '.join(missing)}: {AGAIN}")
    return found


def leads_out(name: str) -> bool:
    """Whether a name is anything but the plain path of a file below a folder."""
    path = PurePosixPath(name)
    return path.is_absolute() or ".." in path.parts or str(path) != name or "\0" in name


def check(folder: Path, sums: Mapping[str, str]) -> None:
    """Refuse a bundle in which a file is missing, added, changed or no plain file.

    :raises BundleError: naming the first of these.
    """
    there = set(_files(folder)) - {SUMS, SIGNATURE}
    if added := sorted(there - sums.keys()):
        raise BundleError(f"{folder / added[0]} is not of the bundle, and was added: do not use it")
    if missing := sorted(sums.keys() - there):
        raise BundleError(f"{folder / missing[0]} is missing: the bundle is not whole, {AGAIN}")
    for name, digest in sums.items():
        if digest_of(folder / name) != digest:
            raise BundleError(f"{folder / name} is not as it was built, it was changed: {AGAIN}")


def _files(folder: Path) -> Iterator[str]:
    for root, folders, files in os.walk(folder):
        for name in (*folders, *files):
            path = Path(root, name)
            mode = path.lstat().st_mode
            if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
                kind = "a symbolic link" if stat.S_ISLNK(mode) else "no plain file"
                raise BundleError(f"{path} is {kind}, and a bundle holds none: do not use it")
        for name in files:
            yield Path(root, name).relative_to(folder).as_posix()


def digest_of(file: Path) -> str:
    """A file's SHA-256, in hexadecimal.

    :raises BundleError: if it cannot be read.
    """
    try:
        with file.open("rb") as opened:
            return hashlib.file_digest(opened, "sha256").hexdigest()
    except OSError as error:
        raise BundleError(f"{file} cannot be read: {error.strerror}") from error
