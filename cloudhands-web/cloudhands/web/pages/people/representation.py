"""The representation of a search for people."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from cloudhands.common.errors import IndexUnavailable
from cloudhands.common.membership.commands import Invitation
from cloudhands.common.membership.queries import listed
from cloudhands.common.organisation.queries import About
from cloudhands.common.person import Person
from cloudhands.web.representation import ROLES, Link, Option, Representation, options
from cloudhands.web.request import PortalRequest

SHOWN = 20


def of_people(request: PortalRequest, query: str) -> Representation:
    """People who match, for whoever is signed in."""
    path = request.route_path("people")
    return Representation(
        title="People",
        info=_info(request, query, path),
        nav=[
            Link("self", path, "People"),
            Link("search", path + "{?q}", "Search", templated=True),
            Link("up", request.route_path("front"), "Front page"),
        ],
        items={"item": [_person(found) for found in _search(request, query)]},
    )


def of_colleagues(request: PortalRequest, organisation: About, query: str) -> Representation:
    """People who match, each with the way to invite them to an organisation."""
    path = request.route_path("colleagues", organisation=organisation.uuid)
    up = request.route_path("organisation", organisation=organisation.uuid)
    members = listed(request.connection, organisation.id)
    known = {row.directory_id: row.state for row in members}
    return Representation(
        title=f"Invite a colleague to {organisation.title}",
        info={**_info(request, query, path), "organisation": organisation.title},
        nav=[
            Link("self", path, "People"),
            Link("search", path + "{?q}", "Search", templated=True),
            Link("up", up, organisation.title),
        ],
        items={
            "item": [
                _invitable(request, organisation, found, known.get(found.id, ""))
                for found in _search(request, query)
            ]
        },
    )


def stale_since(request: PortalRequest) -> datetime | None:
    """When the index was last known to be true, if that is longer ago than the site allows."""
    services = request.services
    try:
        synced = services.people.synced()
    except IndexUnavailable:
        return None
    allowed = timedelta(minutes=services.settings.index.stale_minutes)
    return synced if services.clock() - synced > allowed else None


def _info(request: PortalRequest, query: str, path: str) -> Mapping[str, Any]:
    since = stale_since(request)
    return {"query": query, "path": path, "shown": SHOWN, "stale_since": since}


def _search(request: PortalRequest, query: str) -> list[Person]:
    """Who matches; each search counts, so that nobody carries the directory away.

    :raises TooManyAttempts: after too many of them.
    """
    if not query.strip():
        return []
    if request.signed_in is not None:
        request.services.throttle.search(request.signed_in.user_id)
    return request.services.people.search(query, SHOWN)


def _person(person: Person, state: str = "", invite: Option | None = None) -> Representation:
    return Representation(
        title=person.name,
        info={
            "id": person.id,
            "uid": person.uid,
            "name": person.name,
            "mail": person.mail,
            "membership": state,
        },
        options=options(invite),
    )


def _invitable(
    request: PortalRequest, organisation: About, person: Person, state: str
) -> Representation:
    if state:
        return _person(person, state)
    invite = Option(
        "invite",
        "Invite",
        request.route_path("invite", organisation=organisation.uuid),
        Invitation,
        values={"person": person.id, "role": "member"},
        choices={"role": ROLES},
        fixed=frozenset({"person"}),
    )
    return _person(person, invite=invite)
