"""`cloud-admin reconcile`: what differs between the clouds and the database, and mending it."""

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from cloudhands.burst import providers
from cloudhands.burst.context import Context
from cloudhands.burst.unusable import Unusable
from cloudhands.common import history, observing, permissions, service
from cloudhands.common.actor.commands import component, installation
from cloudhands.common.actor.queries import OPERATOR, roles_of
from cloudhands.common.clock import DatabaseClock
from cloudhands.common.cloud import CloudError
from cloudhands.common.db import explained
from cloudhands.common.errors import NotFound
from cloudhands.common.opening import opened_for
from cloudhands.common.provider.queries import by_name
from cloudhands.ops.admin.parsing import Commands, command
from cloudhands.ops.differences import KINDS, Difference, Differences

OBSERVES = (
    "cloud-burst only observes: what is made due waits for 'cloud-admin burst resume'; "
    "what is deleted here is deleted now."
)


def add_commands(groups: Commands) -> None:
    """Add this command."""
    parser = command(
        groups,
        "reconcile",
        "List what is at the clouds and not here, and the other way round; mend what is confirmed.",
        reconcile,
    )
    parser.add_argument("--provider", metavar="NAME", help="only there; its name in the settings")
    chosen = parser.add_mutually_exclusive_group()
    chosen.add_argument("--dry-run", action="store_true", help="only list")
    chosen.add_argument("--yes", action="store_true", help="mend all of it without asking")


def reconcile(options: argparse.Namespace) -> int:
    """Look at each provider both ways.

    :returns: 0 if nothing differs or all is mended; 1 if differences remain.
    :raises NotFound: if there is no such provider.
    """
    with _context(options) as (context, observes):
        found: list[Difference] = []
        unreached: dict[str, str] = {}
        for name in _names(context, options.provider):
            try:
                found += Differences(context, name).found()
            except CloudError as error:
                unreached[name] = str(error)
        if not options.json:
            _show(found, unreached, observes=observes)
        mended = _mend(context, options, found)
    left = [each for each in found if each not in mended and KINDS[each.kind]]
    if options.json:
        told = {
            "observing": observes,
            "differences": [_as_json(each, mended) for each in found],
            "unreached": unreached,
        }
        print(json.dumps(told, ensure_ascii=False))
    else:
        print(f"Mended: {len(mended)}. Differences that remain: {len(left)}.")
    return 1 if left or unreached else 0


@contextmanager
def _context(options: argparse.Namespace) -> Iterator[tuple[Context, bool]]:
    """What to look with, and whether cloud-burst only observes."""
    settings = service.read_settings(options)
    usable, wrong = providers.usable(settings)
    clouds = {**usable, **{name: Unusable(reasons) for name, reasons in wrong.items()}}
    with opened_for(settings) as database, explained(database):
        clock = DatabaseClock(database)
        with database.writing() as session:
            actor = component(session, OPERATOR, clock())
            permissions.require("provider.reconcile", roles_of(actor))
            uuid, observes = str(installation(session).uuid), observing.is_on(session)
        yield Context(database, settings, clouds, uuid, clock), observes


def _names(context: Context, wanted: str | None) -> Sequence[str]:
    if wanted is None:
        return sorted(context.clouds)
    if wanted not in context.clouds:
        names = ", ".join(sorted(context.clouds)) or "none"
        raise NotFound(f"There is no provider {wanted}; the settings define: {names}.")
    return [wanted]


def _show(found: Sequence[Difference], unreached: dict[str, str], *, observes: bool) -> None:
    if observes:
        print(OBSERVES)
    for each in found:
        print(f"{each.provider}: {each.what}. To mend: {each.remedy}.")
    for name, why in unreached.items():
        print(f"{name}: could not be looked at: {why.rstrip('.')}.")
    if not found and not unreached:
        print("The clouds are as they should be.")


def _mend(
    context: Context, options: argparse.Namespace, found: Sequence[Difference]
) -> Sequence[Difference]:
    """Mend each kind that is confirmed; answer what is mended."""
    mended: list[Difference] = []
    if options.dry_run:
        return mended
    for kind, words in KINDS.items():
        those = [each for each in found if each.kind == kind and each.mend]
        if those and (options.yes or _confirmed(options, words, len(those))):
            mended += [each for each in those if _mended(context, each)]
    return mended


def _confirmed(options: argparse.Namespace, words: str, number: int) -> bool:
    if options.json or not sys.stdin.isatty():
        return False
    try:
        answer = input(f"{words[0].upper()}{words[1:]} ({number})? [y/N] ")
    except EOFError:
        return False
    return answer.strip().lower() in ("y", "yes")


def _mended(context: Context, difference: Difference) -> bool:
    assert difference.mend is not None, "asked for what can be mended"
    try:
        if not difference.mend():
            return False
    except CloudError as error:
        print(f"{difference.provider}: {difference.what}: not mended: {error}", file=sys.stderr)
        return False
    if difference.kind in ("ended", "unknown", "held"):
        _record(context, difference)
    return True


def _record(context: Context, difference: Difference) -> None:
    with context.database.writing() as session:
        now = context.clock()
        provider = by_name(session, difference.provider, lock=True)
        assert provider is not None, "looked at a moment ago"
        actor, state = component(session, OPERATOR, now), provider.state
        why = f"an operator removed there: {difference.what}"
        history.record(session, provider, actor, why, now, from_state=state, to_state=state)


def _as_json(difference: Difference, mended: Sequence[Difference]) -> dict[str, object]:
    return {
        "kind": difference.kind,
        "provider": difference.provider,
        "what": difference.what,
        "remedy": difference.remedy,
        "mended": difference in mended,
    }
