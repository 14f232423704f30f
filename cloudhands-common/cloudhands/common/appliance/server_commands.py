"""What a person may ask of an appliance's server where its cloud can: a reboot, another size."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

from pydantic import Field
from sqlalchemy.orm import Session

from cloudhands.common import history, limits, permissions, work
from cloudhands.common.actor.tables import User
from cloudhands.common.appliance.queries import roles_towards
from cloudhands.common.appliance.tables import Appliance
from cloudhands.common.catalogue.queries import amounts
from cloudhands.common.errors import Conflict, InvalidInput
from cloudhands.common.forms import Form, Slug
from cloudhands.common.organisation.tables import Organisation
from cloudhands.common.provider.queries import subscription
from cloudhands.common.provider.tables import Subscription

RESIZABLE = frozenset({"running", "stopping", "stopped", "starting"})
"""In which states an appliance has a server that can be given another size."""


class Resize(Form):
    """The size that an appliance shall have: one of its item's, where it runs."""

    size: Annotated[Slug, Field(title="Size")]


def reboot(session: Session, actor: User, appliance: Appliance, now: datetime) -> None:
    """Ask for a reboot, which is done at most once; no effect if one is to come already.

    :param appliance: locked by the caller.
    :raises Conflict: if it does not run, or its cloud cannot; the sentence says which.
    """
    permissions.require("appliance.reboot", roles_towards(session, actor, appliance))
    if appliance.reboots_wanted != appliance.reboots_done:
        return
    if not can_reboot(appliance):
        raise Conflict(_not_rebooted(appliance))
    appliance.reboots_wanted += 1
    _wish(session, actor, appliance, "asked to reboot", now)


def can_reboot(appliance: Appliance) -> bool:
    """Whether it runs, shall go on running, and its cloud can reboot it."""
    return _runs(appliance) and not appliance.to_be_resized and _able(appliance, "reboot")


def resize(
    session: Session, actor: User, appliance: Appliance, wanted: Resize, now: datetime
) -> None:
    """Ask for another size; the server is stopped for it. No effect if it has that size.

    What the larger size takes of the limits is reserved at once, and what the smaller one leaves
    is given back when the cloud has done it.

    :param appliance: locked by the caller.
    :raises Conflict: if it has no server now, is resized already, or its cloud cannot.
    :raises InvalidInput: if the item has no such size there.
    :raises LimitReached: if a limit of the organisation, or its limit at the cloud, is used up.
    """
    permissions.require("appliance.resize", roles_towards(session, actor, appliance))
    if not can_resize(appliance):
        raise Conflict(_not_resized(appliance))
    if wanted.size == appliance.size:
        return
    if wanted.size not in sizes_there(appliance):
        raise InvalidInput({"size": f"There is no size {wanted.size!r} where it runs."})
    _reserve(session, appliance, wanted.size)
    why = f"asked to be {wanted.size} instead of {appliance.size}"
    appliance.size = wanted.size
    _wish(session, actor, appliance, why, now)


def can_resize(appliance: Appliance) -> bool:
    """Whether it has a server that its cloud can resize, and that is not being resized."""
    there = appliance.state in RESIZABLE and appliance.goal != "deleted"
    return there and not appliance.to_be_resized and _able(appliance, "resize")


def sizes_there(appliance: Appliance) -> Sequence[str]:
    """The names of the item's sizes that the appliance's cloud has, the smallest first."""
    name = appliance.provider.name if appliance.provider else ""
    definition = appliance.definition
    there = [size for size, about in definition["sizes"].items() if name in about["on"]]
    return sorted(there, key=lambda size: (*amounts(definition, size), size))


def _reserve(session: Session, appliance: Appliance, size: str) -> None:
    more = limits.beyond(amounts(appliance.definition, size), appliance.share)
    if not any(more):
        return
    organisation, provider = appliance.organisation, appliance.provider
    assert provider is not None, "it has a server somewhere"
    # In the order of cloud-burst: two would wait for each other in another one.
    there = subscription(session, organisation.id, provider.id)
    who = f"{organisation.title} at {provider.name}"
    limits.reserve(session, Subscription, there.id, more, who)
    limits.reserve(session, Organisation, organisation.id, more, organisation.title)


def _wish(session: Session, actor: User, appliance: Appliance, why: str, now: datetime) -> None:
    state = appliance.state
    history.record(session, appliance, actor, why, now, from_state=state, to_state=state)
    work.wake(session, appliance, now)


def _able(appliance: Appliance, capability: str) -> bool:
    provider = appliance.provider
    return provider is not None and bool(provider.capabilities.get(capability))


def _runs(appliance: Appliance) -> bool:
    return (appliance.state, appliance.goal) == ("running", "running")


def _not_rebooted(appliance: Appliance) -> str:
    if not _runs(appliance):
        return f"{appliance.label} is not running, or shall not be: it cannot be rebooted."
    if appliance.to_be_resized:
        return f"{appliance.label} is being resized and cannot be rebooted now."
    return f"The cloud of {appliance.label} cannot reboot it. Stop it and start it again."


def _not_resized(appliance: Appliance) -> str:
    if appliance.goal == "deleted" or appliance.state not in RESIZABLE:
        return f"{appliance.label} has no server that could be resized now."
    if appliance.to_be_resized:
        return f"{appliance.label} is being resized already: wait until that is done."
    return f"The cloud of {appliance.label} cannot resize it. Launch another one of that size."
