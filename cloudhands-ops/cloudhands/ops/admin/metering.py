"""`cloud-admin metering`: how long appliances were in use, and what that costs."""

import argparse
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from cloudhands.common.appliance import metering
from cloudhands.common.appliance.metering import Use
from cloudhands.common.errors import InvalidInput, NotFound
from cloudhands.common.organisation.queries import by_name
from cloudhands.common.settings import Settings
from cloudhands.ops.admin.operation import answer, look
from cloudhands.ops.admin.parsing import Commands, command, group

CENT = Decimal("0.01")


def add_commands(groups: Commands) -> None:
    """Add this group."""
    place = group(groups, "metering", "what appliances use and cost")
    parser = command(
        place, "report", "Tell an organisation's hours by appliance, provider and size.", report
    )
    parser.add_argument("name", help="the organisation's name in addresses")
    parser.add_argument(
        "--since", type=_moment, metavar="DATE", help="from this day (default: the month's first)"
    )
    parser.add_argument(
        "--until", type=_moment, metavar="DATE", help="to the beginning of this day (default: now)"
    )


def _moment(text: str) -> datetime:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no day like 2026-03-31") from None
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def report(options: argparse.Namespace) -> None:
    """Report an organisation's use between two days, in UTC.

    :raises NotFound: if there is no such organisation.
    :raises InvalidInput: if the days are the wrong way round.
    """
    with look(options) as seen:
        since, until = _times(options, seen.now)
        organisation = by_name(seen.session, options.name)
        if organisation is None:
            raise NotFound(f"There is no organisation {options.name}.")
        used = metering.use(seen.session, organisation.id, since, until)
        settings = seen.settings
    rows = [_row(each, settings) for each in used]
    result = {
        "organisation": options.name,
        "since": since.isoformat(),
        "until": until.isoformat(),
        "currency": settings.currency,
        "use": rows,
        **_totals(used, settings),
    }
    answer(options, result, *_lines(options.name, since, until, settings.currency, result))


def _times(options: argparse.Namespace, now: datetime) -> tuple[datetime, datetime]:
    """From when to when; what has not happened yet is no use."""
    since = options.since or now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    until = min(options.until or now, now)
    if since >= until:
        raise InvalidInput({"since": f"{since:%Y-%m-%d} is not before {until:%Y-%m-%d %H:%M}."})
    return since, until


def _cost(used: Use, settings: Settings) -> Decimal | None:
    prices = {name: provider.prices for name, provider in settings.providers.items()}
    return metering.cost(used, prices)


def _row(used: Use, settings: Settings) -> dict[str, Any]:
    price = _cost(used, settings)
    return {
        "appliance": str(used.appliance),
        "label": used.label,
        "provider": used.provider,
        "size": used.size,
        "running_hours": _hours(used.running),
        "stopped_hours": _hours(used.stopped),
        "cost": None if price is None else str(price.quantize(CENT)),
    }


def _totals(used: Sequence[Use], settings: Settings) -> dict[str, Any]:
    costs = [_cost(each, settings) for each in used]
    return {
        "running_hours": _hours(sum((each.running for each in used), timedelta())),
        "stopped_hours": _hours(sum((each.stopped for each in used), timedelta())),
        "cost": str(sum((one for one in costs if one is not None), Decimal()).quantize(CENT)),
        "without_price": costs.count(None),
    }


def _hours(lasting: timedelta) -> str:
    return str(metering.hours(lasting).quantize(CENT))


def _lines(
    name: str, since: datetime, until: datetime, currency: str, result: dict[str, Any]
) -> Sequence[str]:
    lines = [f"{name}, {since:%Y-%m-%d %H:%M} to {until:%Y-%m-%d %H:%M} UTC; hours, {currency}"]
    form = "{:30.30} {:12.12} {:12.12} {:>10} {:>10} {:>10}"
    lines.append(form.format("appliance", "provider", "size", "running", "stopped", "cost"))
    for row in result["use"]:
        names = (row["label"], row["provider"] or "?", row["size"] or "?")
        lines.append(form.format(*names, *_figures(row)))
    lines.append(form.format("all", "", "", *_figures(result)))
    if result["without_price"]:
        lines.append(
            f"{result['without_price']} without a price: see providers.NAME.prices in the settings."
        )
    return lines


def _figures(row: dict[str, Any]) -> tuple[str, str, str]:
    return row["running_hours"], row["stopped_hours"], row["cost"] or "-"
