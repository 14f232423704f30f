"""Tar files whose bytes depend on their members' names, content and rights alone."""

import gzip
import subprocess
import tarfile
from collections.abc import Iterable
from pathlib import Path

from building.saying import in_words
from cloudhands.common.errors import ConfigurationError


def write(folder: Path, file: Path, epoch: int) -> None:
    """Put a folder, under its own name, into a tar file."""
    members = [folder, *sorted(folder.rglob("*"))]
    with tarfile.open(file, "w", format=tarfile.GNU_FORMAT) as archive:
        for member in members:
            name = member.relative_to(folder.parent).as_posix()
            _add(archive, archive.gettarinfo(member, name), member, epoch)


def repack(source: Path, destination: Path, epoch: int) -> None:
    """Write a source distribution again, the same on every build.

    setuptools keeps the times and the owners of the files, and tells the time in gzip's header.
    """
    with (
        tarfile.open(source) as old,
        destination.open("wb") as stream,
        gzip.GzipFile("", "wb", 9, stream, mtime=epoch) as compressed,
        tarfile.open(mode="w", fileobj=compressed, format=tarfile.GNU_FORMAT) as new,
    ):
        for member in _sorted(old):
            content = old.extractfile(member) if member.isfile() else None
            new.addfile(_plain(member, epoch), content)


def unpack(file: Path, folder: Path) -> None:
    """Unpack a tar file of ours into a folder.

    With tar: the filter of Python's own tarfile is not in every 3.11.

    :raises ConfigurationError: if it cannot be unpacked.
    """
    done = subprocess.run(
        ["tar", "-x", "--no-same-owner", "-f", file, "-C", folder],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise ConfigurationError(f"{file.name} cannot be unpacked: {in_words(done.stderr)}")


def _sorted(archive: tarfile.TarFile) -> Iterable[tarfile.TarInfo]:
    return sorted(archive.getmembers(), key=lambda member: member.name)


def _add(archive: tarfile.TarFile, member: tarfile.TarInfo, file: Path, epoch: int) -> None:
    _plain(member, epoch)
    if member.isfile():
        with file.open("rb") as content:
            archive.addfile(member, content)
    else:
        archive.addfile(member)


def _plain(member: tarfile.TarInfo, epoch: int) -> tarfile.TarInfo:
    executable = member.isdir() or member.mode & 0o100
    member.mode = 0o755 if executable else 0o644
    member.mtime = epoch
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    member.pax_headers = {}
    return member
