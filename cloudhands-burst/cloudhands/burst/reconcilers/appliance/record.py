"""Writes down what came of an action: one short transaction each, only while the claim is held.

A method that returns an outcome has given the claim back; one that returns None has renewed it,
for the next look at once.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from cloudhands.burst.backoff import Backoff
from cloudhands.burst.context import Context
from cloudhands.burst.outcome import Again, Done, Failed
from cloudhands.burst.reconcilers.appliance import nodes
from cloudhands.burst.reconcilers.appliance.decide import Call, Fail, Move
from cloudhands.burst.reconcilers.appliance.place import place
from cloudhands.burst.reconcilers.appliance.view import View, read
from cloudhands.common import limits, work
from cloudhands.common.actor.commands import component
from cloudhands.common.actor.queries import BURST
from cloudhands.common.address import commands as addresses
from cloudhands.common.appliance.queries import living_node
from cloudhands.common.appliance.states import APPLIANCE
from cloudhands.common.appliance.tables import Appliance, Node
from cloudhands.common.catalogue.queries import amounts
from cloudhands.common.cloud import Server
from cloudhands.common.errors import CloudhandsError, LimitReached
from cloudhands.common.forms import writable
from cloudhands.common.machine import move
from cloudhands.common.organisation.tables import Organisation
from cloudhands.common.placement import Verdict, sentence_of_chosen
from cloudhands.common.provider.queries import subscription
from cloudhands.common.provider.tables import Provider, Subscription
from cloudhands.common.work import Claim


class Overtaken(CloudhandsError):
    """A person changed the appliance while it was acted on: what was seen does not count."""


@dataclass(frozen=True)
class _Entry:
    """An open transaction on one appliance that is still ours."""

    session: Session
    appliance: Appliance
    claim: Claim
    now: datetime

    def move(self, target: str, why: str) -> None:
        actor = component(self.session, BURST, self.now)
        move(self.session, APPLIANCE, self.appliance, target, actor, why, self.now)

    def node(self) -> Node:
        node = living_node(self.session, self.appliance)
        if node is None:
            raise Overtaken(f"the node of appliance {self.appliance.uuid} has ended")
        return node

    def subscription(self) -> Subscription:
        """The organisation's use of the provider that the node is at."""
        organisation_id, provider_id = self.appliance.organisation_id, self.node().provider_id
        return subscription(self.session, organisation_id, provider_id, lock=True)

    def end_node(self) -> None:
        node = living_node(self.session, self.appliance)
        if node is not None:
            self.give_back_share()
            nodes.end(self.session, node, self.now)

    def reserve_share(self, chosen: Subscription) -> None:
        """Take what the node shall have of the subscription's limits.

        :raises Overtaken: if another appliance has taken the last of it since it was chosen.
        """
        try:
            limits.reserve(self.session, Subscription, chosen.id, self.appliance.share, "it")
        except LimitReached as error:
            raise Overtaken(str(error)) from error

    def give_back_share(self) -> None:
        """Give back what the living node had of the subscription's limits."""
        size = self.appliance.seen_size or self.appliance.size
        share = amounts(self.appliance.definition, size)
        limits.give_back(self.session, Subscription, self.subscription().id, share)

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
        due_at = None if after is None else self.now + timedelta(seconds=after)
        work.release(self.appliance, self.claim, due_at, self.now)

    def settle(self, after: float | None, problem: str = "") -> None:
        """Give the claim back after what went well."""
        self.tell(problem)
        self.appliance.attempt = 0
        self.release(after)


class Records:
    """What the reconciler reads and writes.

    Every method that writes raises `ClaimLost` if another worker holds the appliance now, and
    `Overtaken` if a person changed its state since it was viewed.
    """

    def __init__(self, context: Context) -> None:
        self._context = context

    def view(self, claim: Claim) -> View:
        """The appliance as it is written down now."""
        with self._context.database.reading() as session:
            return read(session, claim.id)

    def at_rest(self, claim: Claim, view: View) -> Done:
        """It is as it is wanted."""
        with self._open(claim, view) as entry:
            entry.settle(None)
        return Done()

    def waiting(self, claim: Claim, view: View) -> Again:
        """The cloud is busy with it."""
        with self._open(claim, view) as entry:
            entry.settle(self._context.poll)
        return Again(self._context.poll)

    def retried(self, claim: Claim, view: View) -> None:
        """Another try of what has failed begins, as a person asked."""
        with self._open(claim, view) as entry:
            entry.appliance.seen_generation = entry.appliance.generation
            entry.move("requested", "asked to try again")
            self._renew(entry)

    def placed(self, claim: Claim, view: View) -> Again | Failed | None:
        """Choose a cloud, and write down the node before anything is asked for."""
        with self._open(claim, view) as entry:
            choice = place(entry.session, self._context.settings, entry.appliance, entry.now)
            if choice.wait is not None and not choice.chosen:
                entry.tell(choice.sentence, choice.as_json())
                entry.settle(choice.wait, choice.sentence)
                return Again(choice.wait, choice.sentence)
            # Shown by the change that follows.
            entry.appliance.placement = choice.as_json()
            if choice.chosen:
                self._choose(entry, choice.chosen)
                return None
            entry.move("failed", choice.sentence)
            entry.settle(None)
            return Failed(choice.sentence)

    def _choose(self, entry: _Entry, chosen: Verdict) -> None:
        # Still requested, until the cloud has taken it: one that waits for room tries again and
        # again, and its history does not grow by that.
        provider = entry.session.query(Provider).filter_by(name=chosen.candidate.provider).one()
        entry.reserve_share(
            subscription(entry.session, entry.appliance.organisation_id, provider.id)
        )
        entry.place(provider)
        node = Node(
            appliance_id=entry.appliance.id,
            generation=entry.appliance.generation,
            provider_id=provider.id,
            made_at=entry.now,
        )
        entry.session.add(node)
        self._renew(entry)

    def renewed(self, claim: Claim, view: View) -> None:
        """It is still ours, for as long as a claim lasts: to be made sure of before a call that
        must not be made twice.
        """
        with self._open(claim, view) as entry:
            self._renew(entry)

    def told(self, claim: Claim, view: View, server: Server) -> None:
        """The cloud has told which server it is."""
        with self._open(claim, view) as entry:
            entry.node().server_id = server.id
            if view.state == "requested":
                entry.move("provisioning", sentence_of_chosen(entry.appliance.placement))
            self._renew(entry)

    def called(self, claim: Claim, view: View, call: Call) -> Again:
        """The cloud has taken a call."""
        with self._open(claim, view) as entry:
            if call.target:
                entry.move(call.target, call.why)
            entry.settle(self._context.poll)
        return Again(self._context.poll)

    def moved(self, claim: Claim, view: View, step: Move, server: Server) -> Again | Done | None:
        """The cloud says that the server is in another state."""
        with self._open(claim, view) as entry:
            if step.target == "running" and (disputed := self._hold(entry, server)):
                entry.settle(self._context.poll, disputed)
                return Again(self._context.poll, disputed)
            entry.move(step.target, step.why)
            if step.unasked and entry.appliance.wanted_version == claim.wanted_version:
                entry.appliance.goal = step.target
            if step.at_rest:
                entry.settle(None)
                return Done()
            self._renew(entry)
            return None

    def _hold(self, entry: _Entry, server: Server) -> str:
        disputed = addresses.hold(entry.session, entry.node(), server.addresses, entry.now)
        if not disputed:
            return ""
        return f"The cloud gave it {', '.join(disputed)}, which another server here still holds."

    def node_ended(self, claim: Claim, view: View) -> None:
        """The server of an earlier try, or of what has failed, is gone."""
        with self._open(claim, view) as entry:
            entry.end_node()
            entry.place(None)
            self._renew(entry)

    def finished(self, claim: Claim, view: View) -> Done:
        """Nothing is left at any cloud: it is deleted, and its share of the limit is free."""
        with self._open(claim, view) as entry:
            entry.end_node()
            if not APPLIANCE.allows(view.state, "deleted"):
                entry.move("deleting", "asked to be deleted")
            entry.move("deleted", "nothing of it is left at a cloud")
            organisation_id = entry.appliance.organisation_id
            limits.give_back(entry.session, Organisation, organisation_id, entry.appliance.share)
            entry.settle(None)
        return Done()

    def failed(self, claim: Claim, view: View, fail: Fail) -> Failed:
        """A person has to decide."""
        with self._open(claim, view) as entry:
            if fail.ended:
                entry.end_node()
            entry.move("failed", fail.reason)
            entry.settle(None)
        return Failed(fail.reason)

    def full(self, claim: Claim, view: View) -> None:
        """The cloud has no room for the organisation: remember it for a while, and choose again."""
        with self._open(claim, view) as entry:
            used = entry.subscription()
            memory = timedelta(seconds=self._context.settings.burst.full_memory)
            used.full_until = entry.now + memory
            used.version += 1
            entry.give_back_share()
            # Nothing was made, so nothing is left to know of this node.
            entry.session.delete(entry.node())
            entry.place(None)
            self._renew(entry)

    def trouble(
        self, claim: Claim, problem: str, backoff: Backoff, retry_after: float | None = None
    ) -> Again:
        """Something went wrong that may pass; the state stays as it is."""
        with self._context.database.writing() as session:
            entry = self._entry(session, claim)
            entry.tell(problem)
            entry.appliance.attempt += 1
            after = backoff.after(entry.appliance.attempt, retry_after)
            entry.release(after)
        return Again(after, problem)

    def overtaken(self, claim: Claim) -> Again:
        """Look again at once: a person has changed it."""
        with self._context.database.writing() as session:
            self._entry(session, claim).release(0)
        return Again(0)

    @contextmanager
    def _open(self, claim: Claim, view: View) -> Iterator[_Entry]:
        with self._context.database.writing() as session:
            entry = self._entry(session, claim)
            found = entry.appliance
            if (found.state, found.generation) != (view.state, view.generation):
                raise Overtaken(f"appliance {found.uuid} is {found.state} now, not {view.state}")
            yield entry

    def _entry(self, session: Session, claim: Claim) -> _Entry:
        return _Entry(session, work.held(session, claim), claim, self._context.clock())

    def _renew(self, entry: _Entry) -> None:
        work.renew(entry.appliance, entry.now, self._context.settings.burst.claim)
