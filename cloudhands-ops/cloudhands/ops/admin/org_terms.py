"""`cloud-admin org terms`: where an organisation's appliances may go, and what they may cost."""

import argparse
from collections.abc import Sequence
from typing import Any, get_args

from sqlalchemy.orm import Session

from cloudhands.common.errors import InvalidInput, NotFound
from cloudhands.common.forms import parse
from cloudhands.common.organisation.queries import by_name
from cloudhands.common.organisation.tables import Organisation
from cloudhands.common.placement import money
from cloudhands.common.placement.commands import Terms, set_terms
from cloudhands.common.placement.queries import budget_of
from cloudhands.common.placement.spending import spent
from cloudhands.common.provider.commands import Overflow
from cloudhands.common.provider.queries import subscription_to, subscriptions_of
from cloudhands.common.settings import Settings
from cloudhands.ops.admin.operation import Operation, answer, operation
from cloudhands.ops.admin.parsing import Commands, amount, command

NAMES = ("overflow", "budget", "locations")
ANYWHERE = "any"
UNCHANGED = object()


def add_command(place: Commands) -> None:
    """Add the command to the group of organisations."""
    parser = command(
        place,
        "terms",
        "Show or set an organisation's consent to overflow, budget and places of data.",
        change_terms,
    )
    parser.add_argument("name", help="the organisation's name in addresses")
    parser.add_argument("--provider", metavar="NAME", help="the one that the consent is for")
    parser.add_argument(
        "--overflow",
        choices=get_args(Overflow),
        default=UNCHANGED,
        help="whether public clouds may be used when the private ones cannot be",
    )
    parser.add_argument(
        "--budget",
        type=amount,
        metavar="N",
        default=UNCHANGED,
        help="most that a calendar month may cost, in whole units of 'currency', or 'none'",
    )
    parser.add_argument(
        "--locations",
        type=_locations,
        metavar="A,B",
        default=UNCHANGED,
        help=f"where data may lie (providers.NAME.location in the settings), or '{ANYWHERE}'",
    )


def _locations(text: str) -> tuple[str, ...]:
    return () if text == ANYWHERE else tuple(text.split(","))


def change_terms(options: argparse.Namespace) -> None:
    """Set terms and show them all; what waits for a cloud is looked at again.

    :raises NotFound: if there is no such organisation, or it does not use the provider.
    :raises InvalidInput: if no provider of the settings is at a location.
    """
    named = {name: getattr(options, name) for name in NAMES}
    wanted = parse(Terms, {name: v for name, v in named.items() if v is not UNCHANGED})
    with operation(options) as work:
        organisation = by_name(work.session, options.name)
        if organisation is None:
            raise NotFound(f"There is no organisation {options.name}.")
        _check(options, work, organisation, wanted)
        provider = options.provider or ""
        set_terms(work.session, work.actor, organisation, wanted, work.now, provider=provider)
        result = _result(work, organisation)
        lines = _lines(result, work.settings)
    answer(options, result, *lines)


def _check(
    options: argparse.Namespace, work: Operation, organisation: Organisation, wanted: Terms
) -> None:
    if options.provider and not subscription_to(work.session, organisation.id, options.provider):
        raise NotFound(f"{organisation.name} does not use a provider {options.provider}.")
    known = {one.location for one in work.settings.providers.values()}
    for location in wanted.locations:
        if location not in known:
            raise InvalidInput(
                {
                    "locations": f"no provider is at {location!r}: set providers.NAME.location in "
                    "the settings, or name another place"
                }
            )


def _result(work: Operation, organisation: Organisation) -> dict[str, Any]:
    budget = budget_of(work.session, organisation.id)
    return {
        "name": organisation.name,
        "overflow": _overflow(work.session, organisation),
        "locations": list(organisation.locations),
        "budget": budget.amount if budget else None,
        "spent": str(spent(budget, work.now).quantize(money.CENT)) if budget else None,
        "currency": work.settings.currency,
    }


def _overflow(session: Session, organisation: Organisation) -> dict[str, str]:
    found = subscriptions_of(session, organisation.id)
    return {subscription.provider.name: subscription.overflow for subscription in found}


def _lines(result: dict[str, Any], settings: Settings) -> Sequence[str]:
    public = [name for name, one in settings.providers.items() if one.public]
    consent = [f"{name} {how}" for name, how in result["overflow"].items() if name in public]
    budget = "none"
    if result["budget"] is not None:
        currency = settings.currency
        budget = f"{money.words(result['budget'], currency)} a month, {result['spent']} spent"
    return [
        f"{result['name']}:",
        f"  overflow: {', '.join(consent) or 'no public cloud'}",
        f"  budget: {budget}",
        f"  data in: {' or '.join(result['locations']) or 'any place'}",
        "What runs stays where it is; new terms hold for what is launched from now on.",
    ]
