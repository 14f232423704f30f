"""`cloud-admin burst`: what an operator sees of cloud-burst, and tells it."""

import argparse
from uuid import UUID

import structlog

from cloudhands.common import observing, permissions, work
from cloudhands.common.actor.queries import roles_of
from cloudhands.common.appliance.queries import by_uuid
from cloudhands.common.appliance.tables import Appliance
from cloudhands.common.errors import Conflict, InvalidInput, NotFound
from cloudhands.common.provider import commands, pausing
from cloudhands.common.provider.queries import by_name
from cloudhands.common.provider.tables import Provider
from cloudhands.ops.admin.operation import Operation, answer, look, operation
from cloudhands.ops.admin.parsing import Commands, command, group
from cloudhands.ops.burst_status import lines, read

log = structlog.get_logger("cloudhands.ops.burst")


def add_commands(groups: Commands) -> None:
    """Add this group."""
    place = group(groups, "burst", "cloud-burst")
    command(place, "status", "Show its processes, what is due, and each provider.", status)
    parser = command(place, "pause", "Let nothing at a provider be called until resumed.", pause)
    parser.add_argument("provider", help="its name in the settings")
    parser.add_argument(
        "--reason",
        default="by an operator",
        metavar="TEXT",
        help="shown to people whose appliances wait for it",
    )
    parser = command(
        place,
        "resume",
        "Let a paused provider be called again; without one, let cloud-burst work again, which "
        "only observes after a restore.",
        resume,
    )
    parser.add_argument("provider", nargs="?", help="its name in the settings")
    parser = command(
        place, "retry", "Look at an appliance again at once, whatever it waits for.", retry
    )
    parser.add_argument("appliance", nargs="?", metavar="UUID", help="the appliance's uuid")
    parser.add_argument("--all", action="store_true", help="all that wait for another try")


def status(options: argparse.Namespace) -> None:
    """Show workers, what is due, providers, and whether it only observes."""
    with look(options) as seen:
        found = read(seen.session, seen.settings, seen.now)
    answer(options, found, *lines(found))


def pause(options: argparse.Namespace) -> None:
    """Pause a provider until an operator resumes it.

    :raises NotFound: if there is no such provider.
    """
    with operation(options) as done:
        provider = _provider(done, options.provider)
        paused = pausing.pause(done.session, done.actor, provider, options.reason, done.now)
        reason = provider.problem
    told = "is paused" if paused else "was paused already, and nothing was changed"
    answer(
        options,
        {"provider": options.provider, "paused": paused, "reason": reason},
        f"{options.provider} {told}: {reason}.",
        f"Next: 'cloud-admin burst resume {options.provider}' when it may be called again.",
    )


def resume(options: argparse.Namespace) -> None:
    """Resume a provider; without one end observing. Harmless when it works.

    :raises NotFound: if there is no such provider.
    """
    if options.provider is None:
        _end_observing(options)
        return
    with operation(options) as done:
        provider = _provider(done, options.provider)
        why = "resumed by an operator"
        resumed = pausing.resume(done.session, done.actor, provider, why, done.now)
        provider.attempt = 0
    told = "is called again" if resumed else "was not paused; nothing was changed"
    answer(
        options,
        {"provider": options.provider, "resumed": resumed},
        f"{options.provider} {told}.",
    )


def _end_observing(options: argparse.Namespace) -> None:
    with operation(options) as done:
        was_observing = observing.end(done.session)
    told = "works again" if was_observing else "was at work; nothing changed"
    answer(options, {"was_observing": was_observing}, f"cloud-burst {told}.")


def _provider(done: Operation, name: str) -> Provider:
    known = by_name(done.session, name, lock=True)
    if known is None and name not in done.settings.providers:
        names = ", ".join(sorted(done.settings.providers)) or "none"
        raise NotFound(f"There is no provider {name}; the settings define: {names}.")
    return known or commands.provider(done.session, name, done.now)


def retry(options: argparse.Namespace) -> None:
    """Make an appliance due at once, or all that wait for another try.

    :raises InvalidInput: if neither, both or no uuid is given.
    :raises NotFound: if there is no such appliance.
    :raises Conflict: if it has been deleted, or waits for a person.
    """
    if options.all == (options.appliance is not None):
        raise InvalidInput({"appliance": "give one appliance's uuid, or --all"})
    with operation(options) as done:
        permissions.require("work.hasten", roles_of(done.actor))
        where = (
            (Appliance.due_at > done.now,)
            if options.all
            else (Appliance.id == _appliance(done, options.appliance).id,)
        )
        number = work.wake_all(done.session, Appliance, done.now, *where)
    log.info("made due", appliance=options.appliance or "all", number=number)
    answer(options, {"due": number}, f"Due now: {number}. cloud-burst looks at them at once.")


def _appliance(done: Operation, text: str) -> Appliance:
    try:
        uuid = UUID(text)
    except ValueError:
        raise InvalidInput({"appliance": f"{text!r} is no uuid"}) from None
    found = by_uuid(done.session, uuid)
    if found is None:
        raise NotFound(f"There is no appliance {uuid}.")
    if found.state == "deleted":
        raise Conflict(f"The appliance {uuid} has been deleted.")
    if found.state == "failed" and found.goal != "deleted":
        raise Conflict(
            f"The appliance {uuid} has failed: its owner or an administrator retries or deletes it."
        )
    return found
