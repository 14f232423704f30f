"""Installs a bundle: from its proof to the programs that run from it.

Until the database is migrated nothing that serves is touched. Each step finds out by itself whether
it was done before, so that after an interruption the same command goes on from there.
"""

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cloudhands.common.errors import ConfigurationError, Conflict, DeploymentError
from cloudhands.ops.bundle import database, environment, fitness, verification
from cloudhands.ops.bundle.configuring import Configuring
from cloudhands.ops.bundle.database import Admin, Standing
from cloudhands.ops.bundle.host import Host, Release, link, write
from cloudhands.ops.bundle.python import Python, look_at
from cloudhands.ops.bundle.supervision import Supervision
from cloudhands.ops.bundle.switching import Switching
from cloudhands.ops.bundle.telling import Tell
from cloudhands.ops.bundle.verification import Bundle


@dataclass(frozen=True)
class Wanted:
    """What an operator asked for.

    :param path: the bundle, a tar file or its folder.
    :param config: the site's settings file; None for the one that the host has.
    :param signers: whose bundles to trust; None for the host's own list.
    :param unsigned: take a bundle without any signature.
    :param accept: migrate also where the release before could then not go on.
    :param downgrade: take an older release than the one that is used.
    :param python: the interpreter; None for the one that runs this.
    :param start: start supervisord where it does not run.
    """

    path: Path
    config: Path | None = None
    signers: Path | None = None
    unsigned: bool = False
    accept: bool = False
    downgrade: bool = False
    python: Path | None = None
    start: bool = True


def install(host: Host, wanted: Wanted, tell: Tell) -> Mapping[str, Any]:
    """Install a bundle and let it serve.

    :returns: what was done.
    :raises ConfigurationError: if the bundle, the host or the settings will not do.
    :raises Conflict: if the state of the host or the database does not allow it.
    :raises DeploymentError: if a step fails; it says what serves then.
    """
    settings = _settings(host, wanted.config)
    fitness.check_programs(settings)
    python = look_at(wanted.python)
    fitness.check_rights(host)
    with host.held():
        shutil.rmtree(host.incoming, ignore_errors=True)
        fitness.check_room_to_unpack(wanted.path, host)
        tell(f"Verifying {wanted.path}.")
        with verification.opened(wanted.path, host.incoming) as folder:
            bundle = verification.verified(
                folder, wanted.signers, host.signers, unsigned=wanted.unsigned
            )
            return _Installation(host, wanted, bundle, python, settings, tell).run()


def _settings(host: Host, given: Path | None) -> Path:
    """The settings file; the programs read the host's, which may be a link to the one given.

    :raises ConfigurationError: if there is none, or the host has one of its own.
    """
    if given is None:
        if host.settings.exists():
            return host.settings
        raise ConfigurationError(
            f"{host.settings} is not there: write the site's settings there, or name the file "
            "with --config FILE"
        )
    own = host.settings.exists() and not host.settings.is_symlink()
    if own and given.resolve() != host.settings:
        raise ConfigurationError(
            f"--config {given}: the programs read {host.settings}, which is a file of its own: "
            "leave out --config, or remove that file"
        )
    return given.absolute()


def _target(place: Path) -> Path | None:
    return place.readlink() if place.is_symlink() else None


@dataclass(frozen=True)
class _Installation:
    host: Host
    wanted: Wanted
    bundle: Bundle
    python: Python
    settings: Path
    tell: Tell

    @property
    def release(self) -> Release:
        return self.host.release(self.bundle.manifest.version)

    @property
    def admin(self) -> Admin:
        return Admin(self.release, self.settings)

    @property
    def _is_settled(self) -> bool:
        """Whether nothing was interrupted, and nothing is to be started or renewed."""
        if self.host.journal.read():
            return False
        if Supervision(self.host).is_running():
            return True
        renewed = environment.has_supervisor(self.bundle, self.host.supervisor)
        return renewed and not self.wanted.start

    def run(self) -> Mapping[str, Any]:
        manifest, running = self.bundle.manifest, self.host.running()
        self.tell(
            f"It is {manifest.version}, revision {manifest.revision[:12]}, {self.bundle.origin}: "
            f"{len(self.bundle.sums)} files are as they were built."
        )
        if os.geteuid() == 0:
            self.tell("warning: root deploys this, and all of it will run as root.")
        fitness.check_python(manifest, self.python)
        fitness.check_age(manifest, self.host, downgrade=self.wanted.downgrade)
        # What `current` leads to may have been removed by hand: then it is made anew.
        if running == self.release and running.is_complete:
            environment.check_same(self.bundle, self.release)
            if self._is_settled:
                self.tell(
                    f"{manifest.version} is installed and used already: nothing is to be done."
                )
                return self._done(running, None, changed=False)
        try:
            self._make_environments()
        except DeploymentError as error:
            serves = f"{running.version} is in use as before" if running else "nothing is in use"
            raise DeploymentError(f"{error}. Nothing was switched: {serves}") from error
        self.tell(f"Trying the settings, {self.settings}, with {manifest.version}.")
        self.admin.check_settings()
        self._try_files()
        served = self._served(running)
        return self._deploy(served, self._standing(served))

    def _make_environments(self) -> None:
        if not self.release.is_complete:
            fitness.check_room(self.bundle, self.host, self.python)
        with verification.place(self.host.incoming) as place:
            bundle = verification.copied(self.bundle, self.python, place)
            environment.install(bundle, self.release, self.python, self.tell)
            environment.install_supervisor(
                bundle,
                self.host.supervisor,
                self.python,
                self.tell,
                is_used=Supervision(self.host).is_running(),
            )

    def _try_files(self) -> None:
        """Refuse settings with which supervisord's and nginx's files would not do.

        :raises ConfigurationError: in the release's or nginx's words.
        """
        try:
            with verification.place(self.host.incoming) as place:
                Configuring(self.host, self.tell).try_out(self.release, self.settings, place)
        except DeploymentError as error:
            raise ConfigurationError(str(error)) from error

    def _served(self, running: Release | None) -> Release | None:
        """What served as a whole last: of an interrupted installation, what that began from."""
        under_way, version = self.host.journal.read(), running.version if running else None
        if (under_way.get("action"), under_way.get("to")) == ("install", version):
            version = under_way.get("from")
        return self.host.whole(version)

    def _standing(self, served: Release | None) -> Standing:
        """How the database stands to the release.

        :raises Conflict: if the release cannot use it, or there would be no way back.
        """
        standing = self.admin.standing()
        database.check(standing, self.release)
        if (why := database.way_back(standing, served)) and not self.wanted.accept:
            raise Conflict(
                f"{why}: it could not be rolled back. Add --accept to do it nevertheless; this "
                "host's programs are then stopped meanwhile, those of other hosts on the database "
                "are yours to stop before, and only a backup leads back"
            )
        return standing

    def _deploy(self, served: Release | None, standing: Standing) -> Mapping[str, Any]:
        """What changes the host's state: from here on it is in the journal."""
        before = served.version if served else None
        if served != self.release:
            self.release.follow(before)
        self.host.journal.note(action="install", to=self.release.version, **{"from": before})
        switching = Switching(self.host, self.release, self.tell, self.wanted.start)
        with switching.or_back():
            self._keep_what_was_given()
            backup = self._back_up(standing, served)
            self._migrate(standing, served, switching)
        switching.switch()
        return self._done(served, backup, changed=True)

    def _migrate(self, standing: Standing, served: Release | None, switching: Switching) -> None:
        if not standing.is_behind:
            return
        if database.way_back(standing, served):
            self.tell(
                "warning: programs of other hosts on this database are to be stopped by now: after "
                "the migration they cannot use it."
            )
            switching.stop()
        self.tell(
            f"Migrating the database from {standing.revision or 'nothing'} to {standing.newest}."
        )
        self.admin.run("db", "upgrade")

    def _keep_what_was_given(self) -> None:
        """The settings file and the list of signers, for the next time."""
        kept = self.host.settings
        if self.settings not in (kept, _target(kept)) and self.settings.resolve() != kept:
            if (before := _target(kept)) and "settings" not in self.host.journal.read():
                self.host.journal.note(settings=str(before))
            link(kept, self.settings)
        if self.wanted.signers and not self.host.signers.exists():
            self.tell(f"Keeping {self.wanted.signers} as {self.host.signers} for the next time.")
            # Whole or not at all: nobody would give it again.
            write(self.host.signers, self.wanted.signers.read_text(encoding="utf-8"))

    def _back_up(self, standing: Standing, served: Release | None) -> Path | None:
        backup = self.host.backups / f"before-{self.release.version}.backup"
        if standing.revision is None:
            return None
        # One from before the migration is worth more than one from after it.
        if not standing.is_behind and (served == self.release or backup.exists()):
            return backup if backup.exists() else None
        self.tell(f"Backing up the database to {backup}.")
        self.host.backups.mkdir(mode=0o700, exist_ok=True)
        self.admin.run("db", "backup", "--to", backup, "--force")
        return backup

    def _done(
        self, before: Release | None, backup: Path | None, *, changed: bool
    ) -> Mapping[str, Any]:
        manifest = self.bundle.manifest
        return {
            "version": manifest.version,
            "revision": manifest.revision,
            "signer": self.bundle.signer,
            "before": before.version if before else None,
            "backup": str(backup) if backup else None,
            "changed": changed,
        }
