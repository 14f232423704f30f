"""Goes back to the release before, which has to be able to use the database as it is now."""

from collections.abc import Mapping
from typing import Any

from cloudhands.common.errors import Conflict, NotFound
from cloudhands.ops.bundle import fitness
from cloudhands.ops.bundle.database import Admin, too_new
from cloudhands.ops.bundle.host import Host, Release
from cloudhands.ops.bundle.supervision import Supervision
from cloudhands.ops.bundle.switching import Switching
from cloudhands.ops.bundle.telling import Tell


def rollback(host: Host, to: str | None, tell: Tell, *, start: bool = True) -> Mapping[str, Any]:
    """Let the release before serve, or another that is installed.

    :param to: its version; None for the one before.
    :param start: start supervisord where it does not run.
    :returns: what was done.
    :raises NotFound: if there is none.
    :raises Conflict: if its code cannot use the database.
    :raises DeploymentError: if it is not well; it says what serves then.
    """
    running = host.running()
    if running is None:
        raise NotFound(f"nothing is installed in {host.folder}: there is nothing to go back from")
    fitness.check_rights(host)
    with host.held():
        release = host.finished(_before(host, running) if to is None else to)
        if release == running and not host.journal.read() and Supervision(host).is_running():
            tell(
                f"{release.version} is used already: nothing is to be done. To go back further, "
                "name a release with --to VERSION."
            )
            return _done(running, release, changed=False)
        _check_database(host, release)
        began = running.version
        if host.journal.read().get("action") == "rollback":
            began = host.journal.read().get("from", began)
        host.journal.note(action="rollback", to=release.version, **{"from": began})
        host.give_back_settings()
        Switching(host, release, tell, start).switch()
        return _done(running, release, changed=True)


def _before(host: Host, running: Release) -> str:
    """What was used before; what was interrupted is gone on with, or taken back.

    After a rollback, or an installation that was taken back, it is the release in use: whoever does
    not know how one ended may repeat it, or go back to be sure.

    :raises NotFound: if nothing was.
    """
    under_way = host.journal.read()
    found = {
        "rollback": under_way.get("to"),
        "install": _began_from(under_way) or running.before,
    }.get(under_way.get("action", ""), running.before)
    if not under_way and _led_back(host.last()) == running.version:
        found = running.version
    if not found:
        raise NotFound(
            f"no release was used in {host.folder} before {running.version}: name one that is "
            "installed with --to VERSION (the command list shows them)"
        )
    return str(found)


def _led_back(last: Mapping[str, Any]) -> str | None:
    """Where the last deployment led back to; None if it led on."""
    if last.get("action") == "rollback":
        return last.get("to")
    return last.get("from") if last.get("outcome") == "put back" else None


def _began_from(under_way: Mapping[str, Any]) -> str | None:
    found = under_way.get("from")
    return None if found == under_way.get("to") else found


def _check_database(host: Host, release: Release) -> None:
    standing = Admin(release, host.settings_before).standing()
    if standing.usable:
        return
    if standing.is_behind:
        raise Conflict(
            f"{release.version} would have to migrate the database from "
            f"{standing.revision or 'nothing'} to {standing.newest}: install its bundle"
        )
    raise Conflict(
        f"{too_new(standing, release)}: restore a backup from {host.backups} with it, or stay"
    )


def _done(before: Release, release: Release, *, changed: bool) -> Mapping[str, Any]:
    return {"version": release.version, "before": before.version, "changed": changed}
