"""The database on the way to another release, asked by the release's own `cloud-admin`.

Nothing of it is imported here: what migrates is the code that is going to use it.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cloudhands.common.errors import ConfigurationError, Conflict, DeploymentError
from cloudhands.ops.bundle.host import Release
from cloudhands.ops.bundle.python import run


@dataclass(frozen=True)
class Standing:
    """How a database stands to a release.

    :param revision: the database's; None if it has no tables.
    :param newest: the newest one that the release knows.
    :param oldest_code: what code has to know at least to use it.
    :param oldest_code_after: the same once the release has migrated it.
    :param usable: whether the release can use it as it is.
    """

    revision: str | None
    newest: str
    oldest_code: str | None
    oldest_code_after: str | None
    usable: bool

    @property
    def is_behind(self) -> bool:
        """Whether the release would migrate it."""
        return self.revision is None or self.revision < self.newest

    @property
    def is_too_new(self) -> bool:
        """Whether only newer code may use it."""
        return not (self.is_behind or self.usable)


class Admin:
    """A release's `cloud-admin`.

    :param settings: the settings file.
    """

    def __init__(self, release: Release, settings: Path) -> None:
        self._release = release
        self._argv = (release.programs / "cloud-admin", "--config", settings)

    def run(self, *arguments: str | Path) -> str:
        """Run one of its commands.

        :raises DeploymentError: if it refuses.
        """
        what = f"{self._release.version}: cloud-admin {' '.join(map(str, arguments[:2]))}"
        return run(what, [*self._argv, *arguments])

    def check_settings(self) -> None:
        """Refuse settings that this release cannot run with.

        :raises ConfigurationError: with its words.
        """
        try:
            self.run("config", "check")
        except DeploymentError as error:
            raise ConfigurationError(str(error)) from error

    def standing(self) -> Standing:
        """How the database stands to it.

        :raises ConfigurationError: if it cannot be reached.
        """
        try:
            told: Mapping[str, Any] = json.loads(self.run("db", "current", "--json"))
            return Standing(
                revision=told["revision"],
                newest=told["newest"],
                oldest_code=told["oldest_code"],
                oldest_code_after=told.get("oldest_code_after", told["oldest_code"]),
                usable=told["usable"],
            )
        except (DeploymentError, ValueError, KeyError) as error:
            raise ConfigurationError(str(error)) from error


def check(standing: Standing, release: Release) -> None:
    """Refuse a database that the release can neither use nor migrate.

    :raises Conflict: saying what it needs.
    """
    if standing.is_too_new:
        raise Conflict(
            f"{too_new(standing, release)}: install a newer release, or restore a backup from "
            "before"
        )


def too_new(standing: Standing, release: Release) -> str:
    """What the database needs that the release is not."""
    return (
        f"the database is at revision {standing.revision} and only code that knows "
        f"{standing.oldest_code or standing.revision} may use it; {release.version} knows "
        f"{standing.newest}"
    )


def way_back(standing: Standing, running: Release | None) -> str:
    """Why the running release could not go on after the migration; empty if it could."""
    if running is None or standing.revision is None or not standing.is_behind:
        return ""
    known, needed = running.manifest.schema, standing.oldest_code_after
    if needed is None or needed <= known:
        return ""
    return (
        f"after the migration from {standing.revision} to {standing.newest} the database needs "
        f"code that knows {needed}, and {running.version} knows {known}"
    )
