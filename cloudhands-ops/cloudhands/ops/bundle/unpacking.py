"""Unpacks a bundle's tar file: one folder of plain files, and nothing that leads out of it."""

import os
import shutil
import tarfile
from pathlib import Path
from typing import IO

from cloudhands.common.errors import BundleError
from cloudhands.ops.bundle import disk
from cloudhands.ops.bundle.manifest import PREFIX
from cloudhands.ops.bundle.sums import AGAIN, leads_out

_END = bytes(2 * tarfile.BLOCKSIZE)


def unpack(file: Path, to: Path) -> Path:
    """Unpack a tar file.

    :param to: an empty folder.
    :returns: the bundle's own folder in it.
    :raises BundleError: if it is cut short, is none, or holds anything but a bundle.
    :raises OSError: if it cannot be written, as where the disk is full.
    """
    try:
        opened = file.open("rb")
    except OSError as error:
        raise BundleError(f"{file} cannot be read: {error.strerror}") from error
    with opened:
        return to / _members(file, opened, to)


def _members(file: Path, opened: IO[bytes], to: Path) -> str:
    top = ""
    try:
        with tarfile.open(fileobj=opened, mode="r:") as tar:
            for member in tar:
                top = _checked(file, member, top)
                _write(tar, member, to)
        _check_end(opened)
    except (tarfile.TarError, EOFError) as error:
        raise BundleError(f"{file} is not a whole tar file ({error}): {AGAIN}") from error
    if not top:
        raise BundleError(f"{file} is empty: {AGAIN}")
    return top


def _check_end(opened: IO[bytes]) -> None:
    """Refuse a file without the two empty blocks that end a tar file."""
    size = opened.seek(0, os.SEEK_END)
    opened.seek(max(0, size - len(_END)))
    if size % tarfile.BLOCKSIZE or opened.read() != _END:
        raise tarfile.ReadError("it has no end")


def _checked(file: Path, member: tarfile.TarInfo, top: str) -> str:
    """The one folder that everything is in."""
    if leads_out(member.name):
        raise BundleError(f"{file}: {member.name!r} leads out of the bundle: do not use it")
    if not (member.isfile() or member.isdir()):
        raise BundleError(
            f"{file}: {member.name} is a link or a device, and a bundle holds none: do not use it"
        )
    first = member.name.partition("/")[0]
    if not first.startswith(PREFIX) or top not in ("", first):
        raise BundleError(f"{file}: {member.name} is not in the bundle's folder: do not use it")
    return first


def _write(tar: tarfile.TarFile, member: tarfile.TarInfo, to: Path) -> None:
    path = to / member.name
    if member.isdir():
        path.mkdir(parents=True, exist_ok=True)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    source = tar.extractfile(member)
    if source is None:
        raise tarfile.ReadError(f"{member.name} cannot be read")
    try:
        target = path.open("xb")
    except FileExistsError:
        raise tarfile.ReadError(f"{member.name} is in it twice") from None
    with source, disk.naming(path), target:
        shutil.copyfileobj(source, target)
    path.chmod(0o755 if member.mode & 0o100 else 0o644)
