"""Writes down what came of an action, only while the claim is held.

A method that returns an outcome has given the claim back; another has renewed it, for the next
step at once, and tells that step what is written down now if it returns `Next` or a view.
`setbacks` has what went wrong, `changes` reboots and sizes.
"""

from cloudhands.burst.outcome import Again, Done, Failed
from cloudhands.burst.reconcilers.appliance.actions import Call, Move, Next
from cloudhands.burst.reconcilers.appliance.entry import Book, Entry
from cloudhands.burst.reconcilers.appliance.given_up import given_up, hopeless, last_of_too_many
from cloudhands.burst.reconcilers.appliance.place import place
from cloudhands.burst.reconcilers.appliance.view import View, node_of, read, view_of
from cloudhands.common.appliance import setup
from cloudhands.common.appliance.queries import addresses_of
from cloudhands.common.appliance.states import APPLIANCE
from cloudhands.common.appliance.tables import Node
from cloudhands.common.cloud import Server
from cloudhands.common.placement import Choice, sentence_of_chosen
from cloudhands.common.provider.tables import Subscription
from cloudhands.common.work import Claim


class Records(Book):
    """What the reconciler reads and writes.

    Every method that writes raises `ClaimLost` if another worker holds the appliance now, and
    `Overtaken` if a person changed its state since it was viewed.
    """

    def view(self, claim: Claim) -> View:
        """The appliance as it is written down now."""
        with self._context.database.looking() as connection:
            return read(connection, [claim.id])[claim.id]

    def at_rest(self, claim: Claim, view: View, server: Server | None = None) -> Again | Done:
        """It is as it is wanted; the addresses of one that runs may be others than before."""

        def write(entry: Entry) -> Again | Done:
            if server is not None and view.state == "running":
                before = addresses_of(entry.session, entry.appliance.id)
                if disputed := self._hold(entry, server):
                    return self._look_soon(entry, disputed)
                entry.session.flush()
                now = addresses_of(entry.session, entry.appliance.id)
                if set(now) != set(before):
                    entry.note(f"the cloud gave it other addresses: {', '.join(now) or 'none'}")
            entry.settle(None)
            return Done()

        return self._write_as(claim, view, write)

    def waiting(self, claim: Claim, view: View) -> Again:
        """The cloud is busy with it."""
        return self._write_as(claim, view, self._look_soon)

    def retried(self, claim: Claim, view: View) -> None:
        """Another try of what has failed begins, as a person asked."""

        def write(entry: Entry) -> None:
            entry.appliance.seen_generation = entry.appliance.generation
            setup.forget(entry.appliance)
            entry.move("requested", "asked to try again")
            self._renew(entry)

        self._write_as(claim, view, write)

    def placed(self, claim: Claim, view: View) -> Again | Failed | Next:
        """Choose a cloud, and write down the node before anything is asked for."""

        def write(entry: Entry) -> Again | Failed | Next:
            tried = given_up(entry.session, entry.appliance)
            if enough := last_of_too_many(tried):
                entry.move("failed", enough)
                entry.settle(None)
                return Failed(enough)
            settings, failures = self._context.settings, hopeless(tried)
            placing = place(entry.session, settings, entry.appliance, failures, entry.now)
            choice = placing.choice
            if choice.wait is not None and not choice.chosen:
                entry.tell(choice.sentence, choice.as_json())
                entry.settle(choice.wait, choice.sentence)
                return Again(choice.wait, choice.sentence)
            if placing.used:
                return Next(self._choose(entry, choice, placing.used))
            # Shown by the change that follows.
            entry.appliance.placement = choice.as_json()
            entry.move("failed", choice.sentence)
            entry.settle(None)
            return Failed(choice.sentence)

        return self._write_as(claim, view, write)

    def _choose(self, entry: Entry, choice: Choice, used: Subscription) -> View:
        # Still requested, until the cloud has taken it: one that waits for room tries again and
        # again, and its history does not grow by that.
        provider = used.provider
        entry.reserve_share(used)
        entry.appliance.placement = choice.as_json()
        entry.place(provider)
        node = Node(
            appliance_id=entry.appliance.id,
            generation=entry.appliance.generation,
            provider=provider,
            made_at=entry.now,
        )
        entry.session.add(node)
        self._renew(entry)
        return view_of(entry.appliance, node_of(node))

    def renewed(self, claim: Claim, view: View) -> None:
        """It is still ours, for as long as a claim lasts: to be made sure of before a call that
        must not be made twice.
        """
        self._write_as(claim, view, self._renew)

    def asked(self, claim: Claim, view: View) -> View:
        """The cloud is about to be asked for the server: whatever comes of it, that is known."""

        def write(entry: Entry) -> View:
            node = entry.write_node(view.living, asked_at=entry.now)
            self._renew(entry)
            return view_of(entry.appliance, node)

        return self._write_as(claim, view, write)

    def told(self, claim: Claim, view: View, server: Server) -> View:
        """The cloud has told which server it is."""

        def write(entry: Entry) -> View:
            node = entry.write_node(view.living, server_id=server.id)
            if view.state == "requested":
                entry.move("provisioning", sentence_of_chosen(entry.appliance.placement))
            self._renew(entry)
            return view_of(entry.appliance, node)

        return self._write_as(claim, view, write)

    def called(self, claim: Claim, view: View, call: Call) -> Again:
        """The cloud has taken a call."""

        def write(entry: Entry) -> Again:
            if call.verb == "delete":
                entry.node().ending_at = entry.now
            if call.target:
                entry.move(call.target, call.why)
            return self._look_soon(entry)

        return self._write_as(claim, view, write)

    def moved(self, claim: Claim, view: View, step: Move, server: Server) -> Again | Done | None:
        """The cloud says that the server is in another state."""

        def write(entry: Entry) -> Again | Done | None:
            if step.target == "running" and (disputed := self._hold(entry, server)):
                return self._look_soon(entry, disputed)
            if step.target == "running" and self._context.settings.portal.for_machines:
                setup.begin(entry.appliance, entry.now)
            entry.move(step.target, step.why)
            if step.unasked and entry.appliance.wanted_version == claim.wanted_version:
                entry.appliance.goal = step.target
            if step.at_rest:
                entry.settle(None)
                return Done()
            self._renew(entry)
            return None

        return self._write_as(claim, view, write)

    def _hold(self, entry: Entry, server: Server) -> str:
        disputed = entry.hold(server.addresses)
        if not disputed:
            return ""
        return f"The cloud gave it {', '.join(disputed)}, which another server here still holds."

    def node_ended(self, claim: Claim, view: View) -> None:
        """The server of an earlier try, or of what has failed, is gone."""

        def write(entry: Entry) -> None:
            entry.end_node()
            entry.place(None)
            self._renew(entry)

        self._write_as(claim, view, write)

    def finished(self, claim: Claim, view: View) -> Done:
        """Nothing is left at any cloud: it is deleted, and its share of the limit is free."""

        def write(entry: Entry) -> None:
            entry.end_node()
            if not APPLIANCE.allows(view.state, "deleted"):
                entry.move("deleting", "asked to be deleted")
            entry.move("deleted", "nothing of it is left at a cloud")
            entry.give_back_all()
            entry.settle(None)

        self._write_as(claim, view, write)
        return Done()

    def overtaken(self, claim: Claim) -> Again:
        """Look again at once: a person has changed it."""

        def write(entry: Entry) -> None:
            entry.release(0)

        self._write(claim, write)
        return Again(0)
