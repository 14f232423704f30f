"""What deployments keep on a host, all of it under one folder.

::

    releases/<version>/   venv/, bundle/ (what was installed from), complete, before
    current               a link to the release that is used
    supervisor/           supervisord's environment, which outlives releases
    deploy/               the configuration of supervisord and nginx
    cloudhands.toml       the site's settings, or a link to them
    allowed_signers       whose bundles are installed
    backups/              of the database, each from before a deployment
    deployments.log       a JSON object a line for each that ended
    under-way.json        what was not ended yet
"""

import errno
import fcntl
import json
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from cloudhands.common.errors import ConfigurationError, Conflict, NotFound
from cloudhands.ops.bundle import disk, versions
from cloudhands.ops.bundle.manifest import Manifest

DEFAULT = Path("/srv/cloudhands")
RELEASES = "releases"
BUNDLE = "bundle"
VENV = "venv"
STAMP = "complete"


@dataclass(frozen=True)
class Release:
    """One release on the host.

    :param folder: `releases/<version>`.
    """

    folder: Path

    @property
    def version(self) -> str:
        """Its version."""
        return self.folder.name

    @property
    def venv(self) -> Path:
        """Its virtual environment."""
        return self.folder / VENV

    @property
    def programs(self) -> Path:
        """Its commands."""
        return self.venv / "bin"

    @property
    def bundle(self) -> Path:
        """What it was installed from: the signed files, and the wheels of this host."""
        return self.folder / BUNDLE

    @property
    def stamp(self) -> Path:
        """Written when all of it is there: without it, it was never finished."""
        return self.folder / STAMP

    @property
    def is_complete(self) -> bool:
        """Whether its installation was finished."""
        return self.stamp.is_file()

    @property
    def manifest(self) -> Manifest:
        """What its bundle says of itself.

        :raises BundleError: if it cannot be read.
        """
        return Manifest.read(self.bundle)

    @property
    def before(self) -> str | None:
        """The version of the release that it took the place of."""
        try:
            return (self.folder / "before").read_text(encoding="utf-8").strip() or None
        except FileNotFoundError:
            return None

    def follow(self, before: str | None) -> None:
        """Keep which release it takes the place of."""
        write(self.folder / "before", f"{before or ''}\n")


@dataclass(frozen=True)
class Host:
    """The folder of one installation.

    :param folder: without a link in its path.
    """

    folder: Path

    @property
    def current(self) -> Path:
        """The link to the release that is used."""
        return self.folder / "current"

    @property
    def programs(self) -> Path:
        """Where supervisord finds the programs, whatever the release."""
        return self.current / VENV / "bin"

    @property
    def supervisor(self) -> Path:
        """The folder with supervisord's environment."""
        return self.folder / "supervisor"

    @property
    def deploy(self) -> Path:
        """The configuration of supervisord and nginx."""
        return self.folder / "deploy"

    @property
    def settings(self) -> Path:
        """The settings file that the programs read."""
        return self.folder / "cloudhands.toml"

    @property
    def settings_before(self) -> Path:
        """What they were before that which is under way; they themselves, if they are the same."""
        return self.folder / str(self.journal.read().get("settings", self.settings))

    @property
    def signers(self) -> Path:
        """Whose bundles are installed, as ssh-keygen reads it."""
        return self.folder / "allowed_signers"

    @property
    def backups(self) -> Path:
        """The folder of backups."""
        return self.folder / "backups"

    @property
    def log(self) -> Path:
        """The log of deployments."""
        return self.folder / "deployments.log"

    @property
    def incoming(self) -> Path:
        """Where a tar file is unpacked; what is left there was interrupted."""
        return self.folder / "incoming"

    @property
    def journal(self) -> "Journal":
        """What is under way."""
        return Journal(self.folder / "under-way.json")

    def release(self, version: str) -> Release:
        """A release, whether it is there or not."""
        return Release(self.folder / RELEASES / version)

    def releases(self) -> list[Release]:
        """Every one, oldest first, also what was never finished; what else lies there is none."""
        folder = self.folder / RELEASES
        found = folder.iterdir() if folder.is_dir() else ()
        ours = (one for one in found if versions.is_one(one.name))
        return sorted(
            (Release(one) for one in ours if one.is_dir() and not one.is_symlink()),
            key=lambda one: versions.key(one.version),
        )

    def running(self) -> Release | None:
        """The release that `current` leads to; None before the first one.

        :raises ConfigurationError: if it is no link.
        """
        try:
            return Release(self.folder / self.current.readlink())
        except FileNotFoundError:
            return None
        except OSError as error:
            if error.errno != errno.EINVAL:
                raise
            raise ConfigurationError(
                f"{self.current} is to be a link to the release in use, and is none: move it away"
            ) from None

    def finished(self, version: str) -> Release:
        """A release that can be used.

        :raises NotFound: if it is not there, or was never finished.
        """
        known = {one.version: one for one in self.releases() if one.is_complete}
        if version not in known:
            raise NotFound(
                f"release {version} is not installed in {self.folder}; "
                + (f"these are: {', '.join(known)}" if known else "none is")
            )
        return known[version]

    def whole(self, version: str | None) -> Release | None:
        """A release by its version; None if there is none, or it was never finished."""
        found = self.release(version) if version else None
        return found if found and found.is_complete else None

    def switch(self, release: Release) -> None:
        """Let `current` lead to a release: at any moment it leads to one of the two."""
        link(self.current, Path(RELEASES, release.version))

    def give_back_settings(self) -> None:
        """Let their link lead where it did before that which is under way."""
        if self.settings_before != self.settings:
            link(self.settings, self.settings_before)

    def record(self, entry: Mapping[str, Any]) -> None:
        """Add a line to the log of deployments."""
        with self.log.open("ab", buffering=0) as log:
            length = log.seek(0, os.SEEK_END)
            try:
                _write_all(log, f"{json.dumps(entry, ensure_ascii=False)}\n".encode())
                os.fsync(log.fileno())
            except OSError:
                # The next line would go on in the midst of this one.
                log.truncate(length)
                raise

    def last(self) -> Mapping[str, Any]:
        """The last line of it; empty if there is none."""
        try:
            text = self.log.read_text(encoding="utf-8")
            found = json.loads(text.splitlines()[-1])
        except (FileNotFoundError, IndexError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keep other deployments out for a `with` block; the kernel lets go when we are killed.

        :raises Conflict: if another one is under way.
        """
        file = self.folder / ".lock"
        with file.open("a+", encoding="ascii") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                lock.seek(0)
                raise Conflict(
                    f"another deployment is under way in {self.folder} (process "
                    f"{lock.read().strip() or 'unknown'}): wait until it has ended"
                ) from None
            lock.truncate(0)
            lock.write(f"{os.getpid()}\n")
            lock.flush()
            yield


@dataclass(frozen=True)
class Journal:
    """What is under way, for whoever comes after an interruption.

    ::

        action, from, to    install or rollback, and the versions that it leads from and to
        settings            what the link to the settings led to, if it leads elsewhere now
        nginx               whether it has yet to read its configuration again
        up, failing         the programs that were up when it began, and those that failed then
        restarting          the program in hand

    :param file: there while something is.
    """

    file: Path

    def read(self) -> Mapping[str, Any]:
        """What is under way; empty if nothing is.

        :raises ConfigurationError: if it is not as it was written.
        """
        try:
            found = json.loads(self.file.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise ConfigurationError(
                f"{self.file} is damaged, which says what was interrupted: remove it, and install "
                "the release that is to be used again"
            )
        return found

    def note(self, **entries: Any) -> None:
        """Add something to it, over what stands there by the same name."""
        write(self.file, json.dumps({**self.read(), **entries}) + "\n")

    def end(self) -> None:
        """It is done."""
        with suppress(FileNotFoundError):
            self.file.unlink()
            settle(self.file.parent)


def own() -> Path | None:
    """The folder whose release this code runs from; None if it runs from elsewhere."""
    release = Path(sys.prefix).parent
    return release.parent.parent if release.parent.name == RELEASES else None


def default() -> Path:
    """The folder whose release this code runs from, or else the usual one."""
    return own() or DEFAULT


def write(file: Path, text: str) -> None:
    """Write a file as a whole: another text is never seen, not even after a power cut."""
    part = file.with_name(f".{file.name}.part")
    try:
        with disk.naming(file), part.open("wb", buffering=0) as opened:
            _write_all(opened, text.encode())
            os.fsync(opened.fileno())
        part.replace(file)
    except OSError:
        with suppress(OSError):
            part.unlink()
        raise
    settle(file.parent)


def _write_all(opened: IO[bytes], content: bytes) -> None:
    while content:
        content = content[opened.write(content) :]


def link(place: Path, target: Path) -> None:
    """Make a symbolic link, or let it lead elsewhere, in one step."""
    part = place.with_name(f".{place.name}.part")
    part.unlink(missing_ok=True)
    part.symlink_to(target)
    part.replace(place)
    settle(place.parent)


def settle(folder: Path) -> None:
    """Wait until a folder's list of files is on the disk."""
    number = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
