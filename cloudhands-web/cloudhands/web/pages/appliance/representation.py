"""The representations of an appliance: whole, and as one of a list."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from cloudhands.common import history, permissions
from cloudhands.common.appliance import queries, setup
from cloudhands.common.appliance.commands import Rename, can_retry, possible_goals
from cloudhands.common.appliance.queries import Listed
from cloudhands.common.appliance.server_commands import (
    Resize,
    can_reboot,
    can_resize,
    sizes_there,
)
from cloudhands.common.appliance.tables import Appliance
from cloudhands.common.expiry.commands import can_extend
from cloudhands.common.history import Event
from cloudhands.common.permissions import Role
from cloudhands.common.placement.queries import waiting_for
from cloudhands.web.http import etag
from cloudhands.web.representation import NOTHING, Link, Option, Representation, options
from cloudhands.web.request import PortalRequest
from cloudhands.web.sizes import described

DELETING = "The machine and everything on its disk will be gone. There is no way back."


def summary(
    request: PortalRequest, appliance: Listed, addresses: Sequence[str], terms: str = ""
) -> Representation:
    """An appliance as one of a list.

    :param terms: what the viewer is asked to approve for it; empty if nothing.
    """
    return Representation(
        title=appliance.label,
        info=_info(request, appliance, appliance.provider, appliance.owner, addresses),
        nav=[Link("self", _path(request, "appliance", appliance.uuid), appliance.label)],
        options=options(approval(request, appliance.uuid, terms)) if terms else NOTHING,
    )


def approval(request: PortalRequest, appliance: UUID, terms: str) -> Option | None:
    """The approval of what an appliance waits for, if it waits for any."""
    if not terms:
        return None
    return Option("approve", f"Approve {terms}", _path(request, "approve", appliance))


def of_appliance(
    request: PortalRequest, appliance: Appliance, roles: Collection[Role], silent_since: datetime
) -> Representation:
    """An appliance with where it runs and why, its history, and what can be done now.

    :param silent_since: see `setup.silence`.
    """
    organisation = appliance.organisation
    addresses = queries.addresses_of(request.connection, appliance.id)
    provider = appliance.provider.name if appliance.provider else None
    return Representation(
        title=appliance.label,
        info={
            **_info(request, appliance, provider, appliance.owner.name, addresses),
            "item": appliance.definition["title"],
            "organisation": organisation.title,
            "expires_at": appliance.expires_at,
            "expired_at": appliance.expired_at,
            "placement": appliance.placement,
            "account": appliance.definition.get("account", ""),
            "setup_at": appliance.setup_at,
            "setup_problem": setup.silence(appliance, silent_since),
            "setup_log": appliance.setup_log,
            # Whether cloud-burst will look at it again.
            "moving": appliance.due_at is not None,
        },
        nav=_nav(request, appliance, roles),
        items={"ch:history": [_event(row) for row in history.latest(request.db, appliance.uuid)]},
        options=_options(request, appliance, roles),
    )


def _nav(request: PortalRequest, appliance: Appliance, roles: Collection[Role]) -> Sequence[Link]:
    organisation = appliance.organisation
    up = request.route_path("organisation", organisation=organisation.uuid)
    nav = [
        Link("self", _path(request, "appliance", appliance.uuid), appliance.label),
        Link("up", up, organisation.title),
    ]
    if appliance.state != "deleted" and permissions.allowed("appliance.rename", roles):
        title = "Change" if _has_other_sizes(appliance) else "Rename"
        nav.append(Link("edit-form", _path(request, "rename", appliance.uuid), title))
    return nav


def of_rename(request: PortalRequest, appliance: Appliance) -> Representation:
    """The form that renames an appliance, and gives it another size where its cloud can."""
    path = _path(request, "rename", appliance.uuid)
    title = f"{'Change' if _has_other_sizes(appliance) else 'Rename'} {appliance.label}"
    return Representation(
        title=title,
        info={"label": appliance.label, "size": appliance.size},
        nav=[
            Link("self", path, title),
            Link("up", _path(request, "appliance", appliance.uuid), appliance.label),
        ],
        options=options(_rename(path, appliance), _resize(request, appliance)),
    )


def _rename(path: str, appliance: Appliance) -> Option | None:
    if appliance.state == "deleted":
        return None
    state = etag.state(appliance.uuid, appliance.wanted_version)
    values = {"label": appliance.label}
    return Option("rename", "Rename", path, Rename, values=values, if_match=state)


def _resize(request: PortalRequest, appliance: Appliance) -> Option | None:
    if not _has_other_sizes(appliance):
        return None
    sizes = appliance.definition["sizes"]
    choices = [(name, described(sizes[name])) for name in sizes_there(appliance)]
    return Option(
        "resize",
        "Resize",
        _path(request, "resize", appliance.uuid),
        Resize,
        values={"size": appliance.size},
        choices={"size": choices},
        if_match=etag.state(appliance.uuid, appliance.wanted_version),
    )


def _has_other_sizes(appliance: Appliance) -> bool:
    return can_resize(appliance) and len(sizes_there(appliance)) > 1


def _path(request: PortalRequest, route: str, appliance: UUID) -> str:
    return request.route_path(route, appliance=appliance)


def _info(
    request: PortalRequest,
    appliance: Appliance | Listed,
    provider: str | None,
    owner: str,
    addresses: Sequence[str],
) -> dict[str, Any]:
    defined = request.services.settings.providers.get(provider or "")
    return {
        "label": appliance.label,
        "state": appliance.state,
        "goal": appliance.goal,
        "problem": appliance.problem,
        "setup": appliance.setup,
        "size": appliance.size,
        "addresses": addresses,
        "created_at": appliance.created_at,
        "provider": provider or "",
        "provider_title": defined.label if defined else provider or "",
        "owner": owner,
    }


def _event(event: Event) -> Representation:
    return Representation(
        title=event.why,
        info={
            "at": event.at,
            "who": event.who,
            "from": event.from_state if event.changed_state else None,
            "to": event.to_state if event.changed_state else None,
            "why": event.why,
        },
    )


def _options(
    request: PortalRequest, appliance: Appliance, roles: Collection[Role]
) -> dict[str, Option]:
    goals = possible_goals(appliance)
    may_approve = appliance.state == "requested" and permissions.allowed("appliance.approve", roles)
    terms = waiting_for(request.connection, appliance.id) if may_approve else ""
    offered = (
        ("start", "Start", "running" in goals, ""),
        ("stop", "Stop", "stopped" in goals, ""),
        ("reboot", "Reboot", can_reboot(appliance), ""),
        ("retry", "Try again", can_retry(appliance), ""),
        ("extend", "Extend", can_extend(appliance), ""),
        ("delete", "Delete", "deleted" in goals, DELETING),
    )
    return dict(
        options(
            approval(request, appliance.uuid, terms),
            *(
                Option(key, title, _path(request, key, appliance.uuid), warning=warning)
                for key, title, possible, warning in offered
                if possible and permissions.allowed(f"appliance.{key}", roles)
            ),
        )
    )
