"""Whether a bundle can be installed on this host at all: asked before anything is changed."""

import os
import re
import shutil
import tomllib
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from cloudhands.common.errors import BundleError, ConfigurationError, Conflict
from cloudhands.ops.bundle import disk, versions, wheels
from cloudhands.ops.bundle.host import RELEASES, Host
from cloudhands.ops.bundle.manifest import Manifest
from cloudhands.ops.bundle.python import Python
from cloudhands.ops.bundle.verification import Bundle

# Daemons live there, and it is not in everyone's PATH.
SYSTEM_FOLDERS = ("/usr/local/sbin", "/usr/sbin", "/sbin")
# Where Debian keeps PostgreSQL's programs.
POSTGRESQL = Path("/usr/lib/postgresql")
# Compiled modules beside their source.
COMPILED = 1.9
SPARE_BYTES = 50_000_000


def check_programs(settings: Path) -> None:
    """Refuse a host that lacks a system package, all of them in one line.

    :param settings: the site's settings file, which says what else is needed.
    :raises ConfigurationError: naming the packages.
    """
    missing = sorted(set(_missing(_table(settings))))
    if missing:
        raise ConfigurationError(
            f"missing system packages: {', '.join(missing)} (as root: apt-get install "
            f"{' '.join(missing)})"
        )


def _missing(table: Mapping[str, Any]) -> Iterator[str]:
    wanted = {"ssh-keygen": "openssh-client", "setpriv": "util-linux"}
    portal, database = table.get("portal"), table.get("database")
    if isinstance(portal, Mapping) and portal.get("nginx") is True:
        wanted["nginx"] = "nginx"
    if isinstance(database, Mapping) and str(database.get("url")).startswith("postgresql"):
        wanted["pg_dump"] = "postgresql-client"
    folders = [os.environ.get("PATH", os.defpath), *SYSTEM_FOLDERS]
    folders += map(str, POSTGRESQL.glob("*/bin"))
    for program, package in wanted.items():
        if shutil.which(program, path=os.pathsep.join(folders)) is None:
            yield package


def _table(settings: Path) -> Mapping[str, Any]:
    try:
        return tomllib.loads(settings.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigurationError(
            f"{settings} is not there: write the site's settings, and give them with --config FILE"
        ) from None
    except OSError as error:
        raise ConfigurationError(disk.told(error, settings)) from error
    except ValueError as error:
        raise ConfigurationError(f"{settings} cannot be read: {error}") from error


def check_rights(host: Host) -> None:
    """Refuse a folder that this user cannot write, and make one that is not there.

    :raises ConfigurationError: if it cannot be.
    """
    folder = host.folder
    try:
        folder.mkdir(mode=0o755, parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigurationError(
            f"{folder} cannot be made ({error.strerror}): as root: "
            f"install -d -o {os.geteuid()} {folder}"
        ) from error
    folders = (folder, folder / RELEASES, host.supervisor, host.deploy, host.backups)
    for place in (*folders, host.log, *host.deploy.glob("*")):
        needed = os.W_OK | (os.X_OK if place.is_dir() else 0)
        if place.exists() and not os.access(place, needed):
            if os.statvfs(place).f_flag & os.ST_RDONLY:
                raise ConfigurationError(f"{place} is on a disk mounted for reading only")
            raise ConfigurationError(
                f"{place} cannot be written by this user (number {os.geteuid()}): deploy as the "
                "one whose it is"
            )


def check_python(manifest: Manifest, python: Python) -> None:
    """Refuse a Python, a machine or a C library that the bundle has no wheels for.

    :raises BundleError: saying which it has.
    """
    here = f"{python.program} is Python {python.version}"
    if python.implementation != "cpython" or python.version not in manifest.pythons:
        raise BundleError(
            f"{here} ({python.implementation}), and the bundle is for CPython "
            f"{', '.join(manifest.pythons)}: give one of these with --python PYTHON"
        )
    if python.machine not in manifest.platforms:
        raise BundleError(
            f"this host is {python.machine}, and the bundle is for "
            f"{', '.join(manifest.platforms)}: get the bundle for this platform"
        )
    if _numbers(python.glibc) < _numbers(manifest.glibc):
        raise BundleError(
            f"the C library of this host is {python.glibc or 'not glibc'}, and the bundle needs "
            f"glibc {manifest.glibc} at least: use a newer system"
        )


def _numbers(version: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", version)]


def check_age(manifest: Manifest, host: Host, *, downgrade: bool) -> None:
    """Refuse what is older than the release that is used.

    :raises Conflict: unless `downgrade`.
    """
    running = host.running()
    if running is None or downgrade or not versions.is_newer(running.version, manifest.version):
        return
    raise Conflict(
        f"{running.version} is installed, which is newer than {manifest.version}: to go back to "
        "the release before, use rollback; to install the older one, add --downgrade"
    )


def check_room(bundle: Bundle, host: Host, python: Python) -> None:
    """Refuse a disk that is too full for the release.

    :raises ConfigurationError: telling how much is missing.
    """
    fitting = wheels.fitting(bundle.wheels, python.version, python.machine)
    needed = SPARE_BYTES + sum(_size(wheel.file) for wheel in fitting)
    free = shutil.disk_usage(host.folder).free
    if free < needed:
        raise ConfigurationError(
            f"{host.folder} has {free / 1e6:,.0f} MB free, and the release needs "
            f"{needed / 1e6:,.0f} MB: make room, for example by removing an old release below "
            f"{host.folder / 'releases'}"
        )


def check_room_to_unpack(file: Path, host: Host) -> None:
    """Refuse a disk that is too full for the bundle's tar file.

    :raises ConfigurationError: telling how much is missing.
    """
    if file.is_dir() or not file.exists():
        return
    needed, free = file.stat().st_size + SPARE_BYTES, shutil.disk_usage(host.folder).free
    if free < needed:
        raise ConfigurationError(
            f"{host.folder} has {free / 1e6:,.0f} MB free, and {file} alone needs "
            f"{needed / 1e6:,.0f} MB: make room"
        )


def _size(wheel: Path) -> int:
    """What a wheel takes installed, and kept."""
    try:
        with zipfile.ZipFile(wheel) as opened:
            inside = sum(member.file_size for member in opened.infolist())
    except zipfile.BadZipFile as error:
        raise BundleError(f"{wheel} is not a wheel: {error}") from error
    # Kept, and meanwhile beside it what is installed from.
    return int(inside * COMPILED) + 2 * wheel.stat().st_size
