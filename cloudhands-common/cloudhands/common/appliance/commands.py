"""What a person may ask of an appliance: launch, rename, try again, and what it shall be."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field
from sqlalchemy.orm import Session

from cloudhands.common import history, limits, permissions, work
from cloudhands.common.account import keys
from cloudhands.common.actor.tables import User
from cloudhands.common.appliance.queries import roles_towards
from cloudhands.common.appliance.states import APPLIANCE, GOALS
from cloudhands.common.appliance.tables import Appliance
from cloudhands.common.catalogue.queries import amounts
from cloudhands.common.catalogue.tables import CatalogueItem
from cloudhands.common.errors import Conflict, InvalidInput
from cloudhands.common.expiry.commands import begin
from cloudhands.common.forms import Form, Label, Slug
from cloudhands.common.membership.queries import roles_in
from cloudhands.common.organisation.tables import Organisation

Goal = Literal["running", "stopped", "deleted"]

PERMISSION_FOR = {
    "running": "appliance.start",
    "stopped": "appliance.stop",
    "deleted": "appliance.delete",
}
ASKED_TO = {"running": "start", "stopped": "stop", "deleted": "be deleted"}


class Launch(Form):
    """A new appliance: what its owner calls it, and one of the item's sizes."""

    label: Annotated[Label, Field(title="Name", description="What you call this one.")]
    size: Annotated[Slug, Field(title="Size")]


def launch(
    session: Session,
    actor: User,
    organisation: Organisation,
    item: CatalogueItem,
    wanted: Launch,
    now: datetime,
    lifetime_days: int | None = None,
) -> Appliance:
    """Ask for an appliance; cloud-burst does the rest.

    :param lifetime_days: as the settings say, for an item that does not say it; None for ever.
    :raises InvalidInput: if the item has no such size.
    :raises LimitReached: if the organisation's limit is used up.
    """
    permissions.require("appliance.launch", roles_in(session, actor, organisation))
    if wanted.size not in item.definition["sizes"]:
        raise InvalidInput({"size": f"{item.title} has no size {wanted.size!r}."})
    share = amounts(item.definition, wanted.size)
    limits.reserve(session, Organisation, organisation.id, share, organisation.title)
    appliance = Appliance(
        organisation_id=organisation.id,
        owner_id=actor.id,
        label=wanted.label,
        size=wanted.size,
        definition=item.definition,
        authorized_keys=[key.key for key in keys.of_user(session, actor)],
        goal="running",
        state=APPLIANCE.initial,
        created_at=now,
        version=0,
        wanted_version=0,
    )
    session.add(appliance)
    why = f"asked for {item.title}, {wanted.size}"
    begin(session, appliance, lifetime_days, now)
    history.record(session, appliance, actor, why, now, to_state=APPLIANCE.initial)
    work.wake(session, appliance, now)
    return appliance


class Rename(Form):
    """What an appliance is called from now on."""

    label: Annotated[Label, Field(title="Name")]


def rename(
    session: Session, actor: User, appliance: Appliance, wanted: Rename, now: datetime
) -> None:
    """Call an appliance something else; the server at the cloud keeps its name.

    :param appliance: locked by the caller.
    :raises Conflict: if it is deleted.
    """
    permissions.require("appliance.rename", roles_towards(session, actor, appliance))
    if appliance.state == "deleted":
        raise Conflict(f"{appliance.label} is deleted and keeps its name.")
    if appliance.label == wanted.label:
        return
    why = f"renamed from {appliance.label} to {wanted.label}"
    appliance.label = wanted.label
    appliance.wanted_version += 1
    state = appliance.state
    history.record(session, appliance, actor, why, now, from_state=state, to_state=state)


def set_goal(
    session: Session, actor: User, appliance: Appliance, goal: Goal, now: datetime
) -> None:
    """Say what an appliance shall be; no effect if that is its goal already.

    :param appliance: locked by the caller (`queries.by_uuid(..., lock=True)`).
    :raises Conflict: if its state does not allow it; the sentence says what is possible.
    """
    permissions.require(PERMISSION_FOR[goal], roles_towards(session, actor, appliance))
    if goal not in possible_goals(appliance) | {appliance.goal}:
        raise Conflict(_impossible(appliance, goal))
    if appliance.goal == goal:
        return
    appliance.goal = goal
    state = appliance.state
    why = f"asked to {ASKED_TO[goal]}"
    history.record(session, appliance, actor, why, now, from_state=state, to_state=state)
    work.wake(session, appliance, now)


def possible_goals(appliance: Appliance) -> frozenset[str]:
    """The goals that would change something now; none once it is to be deleted."""
    if appliance.goal == "deleted":
        return frozenset()
    kept = {appliance.goal, "running"} if appliance.expired_at else {appliance.goal}
    return GOALS[appliance.state] - kept


def _impossible(appliance: Appliance, goal: Goal) -> str:
    if appliance.goal == "deleted":
        return f"{appliance.label} is being deleted and cannot {ASKED_TO[goal]} any more."
    if appliance.expired_at and goal == "running":
        return f"{appliance.label} has expired. Extend it first, then it can start."
    possible = " or ".join(sorted(ASKED_TO[other] for other in possible_goals(appliance)))
    return (
        f"{appliance.label} is {appliance.state} and cannot {ASKED_TO[goal]} now. "
        f"It can {possible}."
    )


def retry(session: Session, actor: User, appliance: Appliance, now: datetime) -> None:
    """Try a failed appliance again, as a new generation.

    :param appliance: locked by the caller (`queries.by_uuid(..., lock=True)`).
    :raises Conflict: if it has not failed, is to be tried again already, or is to be deleted.
    """
    permissions.require("appliance.retry", roles_towards(session, actor, appliance))
    if not can_retry(appliance):
        raise Conflict(_not_retried(appliance))
    appliance.generation += 1
    appliance.goal = "running"
    appliance.problem = ""
    state = appliance.state
    why = "asked to try again"
    history.record(session, appliance, actor, why, now, from_state=state, to_state=state)
    work.wake(session, appliance, now)


def can_retry(appliance: Appliance) -> bool:
    """Whether it has failed and nobody has asked for another try, or for its deletion, since."""
    asked = appliance.goal == "deleted" or appliance.generation != appliance.seen_generation
    return appliance.state == "failed" and not asked and not appliance.expired_at


def _not_retried(appliance: Appliance) -> str:
    if appliance.state != "failed":
        return f"{appliance.label} has not failed, so there is nothing to try again."
    if appliance.expired_at and appliance.goal != "deleted":
        return f"{appliance.label} has expired. Extend it first, then it can be tried again."
    wanted = "deleted" if appliance.goal == "deleted" else "tried again"
    return f"{appliance.label} is to be {wanted} already."
