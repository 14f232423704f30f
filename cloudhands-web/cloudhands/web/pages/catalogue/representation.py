"""The representations of the catalogue and of an item."""

from collections.abc import Sequence

from cloudhands.common.appliance.commands import Launch
from cloudhands.common.catalogue.tables import CatalogueItem
from cloudhands.common.organisation.queries import About
from cloudhands.web.http.creation import of_last_creation
from cloudhands.web.pages.catalogue.preflight import Told
from cloudhands.web.representation import Link, Option, Representation, options
from cloudhands.web.request import PortalRequest
from cloudhands.web.sizes import described


def of_catalogue(
    request: PortalRequest, organisation: About, items: Sequence[CatalogueItem]
) -> Representation:
    """Everything that can be launched."""
    uuid = organisation.uuid
    return Representation(
        title="Catalogue",
        info={"organisation": organisation.title},
        nav=[
            Link("self", request.route_path("catalogue", organisation=uuid), "Catalogue"),
            Link("up", request.route_path("organisation", organisation=uuid), organisation.title),
        ],
        items={"item": [of_item(request, organisation, item) for item in items]},
    )


def of_item(
    request: PortalRequest, organisation: About, item: CatalogueItem, placement: Told | None = None
) -> Representation:
    """One item; whoever sees it may launch it.

    :param placement: what a launch would meet now; None as one of a list.
    """
    uuid = organisation.uuid
    path = request.route_path("launch", organisation=uuid, item=item.uuid)
    return Representation(
        title=item.title,
        info={
            "name": item.name,
            "summary": item.summary,
            "description": item.definition["description"],
            "organisation": organisation.title,
            **({} if placement is None else {"placement": placement}),
        },
        nav=[
            Link("self", path, item.title),
            Link("up", request.route_path("catalogue", organisation=uuid), "Catalogue"),
        ],
        options=options(_launch(request, path, item)),
    )


def _launch(request: PortalRequest, path: str, item: CatalogueItem) -> Option:
    sizes = [(name, described(size)) for name, size in item.definition["sizes"].items()]
    values = {"label": item.title, "size": item.definition["default_size"]}
    key = str(of_last_creation(request))
    return Option("launch", "Launch", path, Launch, values, {"size": sizes}, idempotency_key=key)
