"""`cloud-admin pool`: the addresses that are allotted here and not by a cloud."""

import argparse

from cloudhands.common.address import queries
from cloudhands.common.address.commands import define_pool
from cloudhands.common.address.queries import PoolUse
from cloudhands.common.errors import InvalidInput
from cloudhands.common.provider.commands import provider
from cloudhands.ops.admin.operation import Operation, answer, look, operation
from cloudhands.ops.admin.parsing import Commands, command, group


def add_commands(groups: Commands) -> None:
    """Add this group."""
    place = group(groups, "pool", "pools of addresses")
    parser = command(
        place,
        "define",
        "Say which addresses of a provider's network are allotted here, or add some.",
        define,
    )
    parser.add_argument("provider", metavar="PROVIDER", help="its name in the settings")
    parser.add_argument("network", metavar="NETWORK", help="its name at the provider")
    parser.add_argument(
        "addresses",
        metavar="ADDRESSES",
        help="a network (192.0.2.0/24), or a first and a last address (192.0.2.10-192.0.2.99)",
    )
    command(place, "list", "Show every pool, and how many of its addresses are free.", show)


def define(options: argparse.Namespace) -> None:
    """Add addresses to a pool, which is made if there is none.

    :raises Refused: if the settings define no such provider, or an argument is wrong.
    """
    with operation(options) as work:
        _require_provider(options.provider, work)
        row = provider(work.session, options.provider, work.now)
        pool = define_pool(
            work.session, work.actor, row, options.network, options.addresses, work.now
        )
        use = queries.use(work.session, pool)
    answer(options, use._asdict(), f"The pool {_line(use)}.")


def show(options: argparse.Namespace) -> None:
    """Print every pool."""
    with look(options) as seen:
        uses = queries.every_use(seen.session)
    lines = [_line(use) for use in uses] or [
        "There are no pools. Define one: cloud-admin pool define PROVIDER NETWORK ADDRESSES"
    ]
    answer(options, {"pools": [use._asdict() for use in uses]}, *lines)


def _require_provider(name: str, work: Operation) -> None:
    known = sorted(work.settings.providers)
    if name not in known:
        defined = f"They define {', '.join(known)}." if known else "They define none."
        raise InvalidInput({"PROVIDER": f"There is no provider {name} in the settings. {defined}"})


def _line(use: PoolUse) -> str:
    return f"{use.network} at {use.provider}: {use.free} free, {use.held} held"
