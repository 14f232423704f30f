"""An open transaction on one appliance: what every record of it is made of."""

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy.orm import Session

from cloudhands.burst.context import Context
from cloudhands.burst.ledger import Ledger, Page
from cloudhands.burst.outcome import Again
from cloudhands.burst.reconcilers.appliance import nodes
from cloudhands.burst.reconcilers.appliance.view import NodeView, View
from cloudhands.common import history, limits, work
from cloudhands.common.actor.commands import component
from cloudhands.common.actor.queries import BURST
from cloudhands.common.address import commands as address
from cloudhands.common.appliance.states import APPLIANCE
from cloudhands.common.appliance.tables import Appliance, Node
from cloudhands.common.catalogue.queries import amounts
from cloudhands.common.cloud import Address
from cloudhands.common.errors import CloudhandsError, LimitReached
from cloudhands.common.forms import writable
from cloudhands.common.limits import Amounts
from cloudhands.common.machine import move
from cloudhands.common.organisation.tables import Organisation
from cloudhands.common.provider.queries import subscription
from cloudhands.common.provider.tables import Provider, Subscription
from cloudhands.common.work import Claim


class Overtaken(CloudhandsError):
    """A person changed the appliance while it was acted on: what was seen does not count."""


@dataclass(frozen=True)
class Entry:
    """An open transaction on one appliance that is still ours."""

    page: Page
    appliance: Appliance
    claim: Claim
    now: datetime
    actor: history.Acting

    @property
    def session(self) -> Session:
        """The page's."""
        return self.page.session

    def move(self, target: str, why: str) -> None:
        """Move it to another state."""
        if target != "running":
            # A server that has stopped starts anew: a reboot that is still to come would be one
            # more, at a time when nobody expects it.
            self.appliance.reboots_done = self.appliance.reboots_wanted
        appliance, now = self.appliance, self.now
        move(self.session, APPLIANCE, appliance, target, self.actor, why, now, locked=True)

    def note(self, why: str) -> None:
        """Write a row of history while the state stays."""
        appliance, state = self.appliance, self.appliance.state
        history.record(
            self.session,
            appliance,
            self.actor,
            why,
            self.now,
            from_state=state,
            to_state=state,
            locked=True,
        )

    def node(self) -> Node:
        """The living node.

        :raises Overtaken: if it has ended.
        """
        node = self._living_node()
        if node is None:
            raise Overtaken(f"the node of appliance {self.appliance.uuid} has ended")
        return node

    def _living_node(self) -> Node | None:
        return self.page.of_all(nodes.living).get(self.appliance.id)

    def write_node(self, node: NodeView, **values: object) -> NodeView:
        """Write something down about the living node; returns it as it is then.

        :param values: by the columns' names.
        :raises Overtaken: if it has ended.
        """
        living = self.node()
        for name, value in values.items():
            setattr(living, name, value)
        return replace(node, **values)  # type: ignore[arg-type]

    def hold(self, addresses: Sequence[Address]) -> Sequence[str]:
        """Write down the addresses that the living node's server has now; returns the disputed.

        :raises Overtaken: if the node has ended.
        """
        node = self.node()
        known = self.page.of_all(nodes.held).get(node.id, ())
        return address.hold(self.session, node, addresses, self.now, known)

    def subscription(self) -> Subscription:
        """The organisation's use of the provider that the node is at."""
        organisation_id, provider_id = self.appliance.organisation_id, self.node().provider_id
        return subscription(self.session, organisation_id, provider_id)

    def end_node(self) -> None:
        """Write down that its server is gone, if it had one, and give back what it had."""
        node = self._living_node()
        if node is not None:
            self.give_back_share()
            if node.asked_at is not None:
                self.page.shares.has_room(self.subscription().id)
            self._settle_size(self.appliance.size)
            nodes.end(self.session, node, self.now)

    def have_size(self, size: str) -> None:
        """Write down which size the server has, and shall have, now.

        What was reserved for a change beyond that is given back.
        """
        left = self._settle_size(size)
        if any(left):
            self.page.shares.give_back(Subscription, self.subscription().id, left)

    def take_size(self, size: str) -> None:
        """Write down which size the server was given at the cloud.

        What that is more than was reserved is taken, also beyond a limit: it is in use.
        """
        more = limits.beyond(amounts(self.appliance.definition, size), self.appliance.share)
        if any(more):
            shares, organisation_id = self.page.shares, self.appliance.organisation_id
            shares.take(Subscription, self.subscription().id, more)
            shares.take(Organisation, organisation_id, more)
        self.have_size(size)

    def _settle_size(self, size: str) -> Amounts:
        before = self.appliance.share
        self.appliance.size = self.appliance.seen_size = size
        left = limits.beyond(before, self.appliance.share)
        if any(left):
            self.page.shares.give_back(Organisation, self.appliance.organisation_id, left)
        return left

    def mark_full(self, memory: float, *, of_addresses: bool = False) -> None:
        """Remember for so many seconds that the cloud has no room for the organisation.

        :param of_addresses: whether addresses alone are what it lacks.
        """
        column = "addresses_full_until" if of_addresses else "full_until"
        until = self.now + timedelta(seconds=memory)
        self.page.shares.mark_full(self.subscription().id, column, until)

    def reserve_share(self, chosen: Subscription) -> None:
        """Take what the node shall have of the subscription's limits."""
        self.page.shares.reserve(Subscription, chosen.id, self.appliance.share)

    def give_back_share(self) -> None:
        """Give back what the living node had of the subscription's limits."""
        share = self.appliance.share
        self.page.shares.give_back(Subscription, self.subscription().id, share)

    def give_back_all(self) -> None:
        """Give back what it had of the organisation's limits: it is deleted."""
        organisation_id, share = self.appliance.organisation_id, self.appliance.share
        self.page.shares.give_back(Organisation, organisation_id, share)

    def place(self, provider: Provider | None) -> None:
        """Show at which provider it is, as one change."""
        self.appliance.provider_id = provider.id if provider else None
        self.appliance.seen_size = self.appliance.size if provider else None
        self.appliance.version += 1

    def tell(self, problem: str, placement: list[dict[str, Any]] | None = None) -> None:
        """Show a problem, or that there is none any more, as one change.

        :param placement: how the choice of a cloud came about, if there was one to make.
        """
        problem = writable(problem)
        before = (self.appliance.problem, self.appliance.placement)
        now = (problem, self.appliance.placement if placement is None else placement)
        if now != before:
            self.appliance.problem, self.appliance.placement = now
            self.appliance.version += 1

    def release(self, after: float | None) -> None:
        """Give the claim back, to be looked at again after so many seconds, or left at rest."""
        due_at = None if after is None else self.now + timedelta(seconds=after)
        work.release(self.appliance, self.claim, due_at, self.now)

    def settle(self, after: float | None, problem: str = "") -> None:
        """Give the claim back after what went well."""
        self.tell(problem)
        self.appliance.attempt = 0
        self.release(after)


@dataclass(frozen=True)
class _Component:
    """What history has to know of this component."""

    id: int
    uuid: UUID


WrittenT = TypeVar("WrittenT")
Write = Callable[[Entry], WrittenT]


class Book:
    """Writes about appliances, each only while its claim is held."""

    def __init__(self, context: Context, ledger: Ledger) -> None:
        self._context = context
        self._ledger = ledger

    @functools.cached_property
    def _actor(self) -> history.Acting:
        """Whose the changes are; known for good once it was looked up."""
        with self._context.database.writing() as session:
            made = component(session, BURST, self._context.clock())
            session.flush()
            return _Component(made.id, made.uuid)

    def _write(self, claim: Claim, write: Write[WrittenT]) -> WrittenT:
        """Have something written down, whatever has become of the appliance.

        :param write: see `ledger.Record`.
        :raises Overtaken: if a limit is reached that was not when this was decided.
        """
        actor = self._actor  # looked up before, since SQLite has one writer at a time

        def record(page: Page, appliance: Appliance) -> WrittenT:
            return write(Entry(page, appliance, claim, self._context.clock(), actor))

        try:
            return self._ledger.write(claim, record)
        except LimitReached as error:
            raise Overtaken(str(error)) from error

    def _write_as(self, claim: Claim, view: View, write: Write[WrittenT]) -> WrittenT:
        """Have something written down of an appliance that is still as it was viewed."""

        def checked(entry: Entry) -> WrittenT | Overtaken:
            found = entry.appliance
            if (found.state, found.generation) != (view.state, view.generation):
                # Not raised here: nothing is written, and what others have to write may stay.
                return Overtaken(f"appliance {found.uuid} is {found.state} now, not {view.state}")
            return write(entry)

        came = self._write(claim, checked)
        if isinstance(came, Overtaken):
            raise came
        return came

    def _renew(self, entry: Entry) -> None:
        work.renew(entry.appliance, entry.now, self._context.settings.burst.claim)

    def _look_soon(self, entry: Entry, problem: str = "") -> Again:
        entry.settle(self._context.poll, problem)
        return Again(self._context.poll, problem)
