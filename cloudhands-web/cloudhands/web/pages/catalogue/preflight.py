"""What a launch would meet now, as the item's page tells it: for each size the cloud, and why."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from cloudhands.common.catalogue.tables import CatalogueItem
from cloudhands.common.placement import Verdict, money
from cloudhands.common.placement.queries import Preflight, preflight
from cloudhands.web.request import PortalRequest

Told = Sequence[Mapping[str, Any]]


def look_ahead(request: PortalRequest, organisation_id: int, item: CatalogueItem) -> Told:
    """For each of an item's sizes what a launch would meet now."""
    services = request.services
    found = preflight(
        request.db, services.settings, organisation_id, item.definition, services.clock()
    )
    return [_of_size(one, item.definition, services.settings.currency) for one in found]


def _of_size(found: Preflight, definition: Mapping[str, Any], currency: str) -> Mapping[str, Any]:
    chosen = found.chosen
    # Why which cloud comes first is no answer to who may not launch at all.
    verdicts = [] if found.refused else found.choice.verdicts
    return {
        "size": found.size,
        "title": definition["sizes"][found.size]["title"],
        "cloud": chosen.candidate.label if chosen else "",
        "sentence": found.sentence,
        "price": _price(chosen.candidate.price, currency) if chosen else "",
        "candidates": [_candidate(verdict, currency) for verdict in verdicts],
    }


def _candidate(verdict: Verdict, currency: str) -> Mapping[str, Any]:
    return {
        "provider": verdict.candidate.provider,
        "label": verdict.candidate.label,
        "chosen": verdict.chosen,
        "reason": verdict.reason,
        "price": _price(verdict.candidate.price, currency),
    }


def _price(price: Decimal | None, currency: str) -> str:
    return "" if price is None else money.an_hour(price, currency)
