"""Writes down what did not go well with an appliance; see `record`."""

from datetime import timedelta

from cloudhands.burst.backoff import Backoff
from cloudhands.burst.outcome import Again, Failed
from cloudhands.burst.pauses import put_aside
from cloudhands.burst.reconcilers.appliance.actions import Fail
from cloudhands.burst.reconcilers.appliance.entry import Book, Entry
from cloudhands.burst.reconcilers.appliance.view import View
from cloudhands.common.forms import writable
from cloudhands.common.provider.queries import paused
from cloudhands.common.work import Claim

# How often a server that was asked for and is not shown is looked for.
LOOKS = Backoff(first=1, cap=5)


class Setbacks(Book):
    """What went wrong; every method raises what those of `Records` raise."""

    def failed(self, claim: Claim, view: View, fail: Fail) -> Failed:
        """A person has to decide."""

        def write(entry: Entry) -> None:
            if fail.ended:
                entry.end_node()
            entry.move("failed", fail.reason)
            entry.settle(None)

        self._write_as(claim, view, write)
        return Failed(fail.reason)

    def full(self, claim: Claim, view: View) -> None:
        """The cloud has no room for the organisation: remember it for a while, and choose again."""

        def write(entry: Entry) -> None:
            entry.mark_full(self._context.settings.burst.full_memory)
            entry.give_back_share()
            # Nothing was made, so nothing is left to know of this node.
            entry.session.delete(entry.node())
            entry.place(None)
            self._renew(entry)

        self._write_as(claim, view, write)

    def gave_up(
        self, claim: Claim, view: View, reason: str, *, full: bool, of_addresses: bool = False
    ) -> None:
        """The server could not be built: it is deleted, and another takes its place.

        :param reason: what the cloud did, in words that go on from its name.
        :param full: whether it had no room, so that others need not try for a while.
        :param of_addresses: whether it lacks addresses alone, so that only who wants one need not.
        """

        def write(entry: Entry) -> None:
            node = entry.node()
            label = self._context.label(node.provider.name)
            node.failure, node.full = writable(reason), full
            if full:
                memory = self._context.settings.burst.full_memory
                entry.mark_full(memory, of_addresses=of_addresses)
            entry.move("requested", f"{label} {reason}: another try follows")
            entry.appliance.attempt = 0
            self._renew(entry)

        self._write_as(claim, view, write)

    def unsettled(self, claim: Claim, view: View, settles_in: float) -> Again:
        """Nobody can say yet whether the cloud has made a server: look again until it is sure.

        :param settles_in: seconds until it is.
        """

        def write(entry: Entry) -> Again:
            # The cloud has told of a server that it does not show yet: that is no trouble.
            problem = "" if entry.node().server_id else self._in_doubt(entry, view)
            entry.tell(problem)
            entry.appliance.attempt += 1
            after = min(LOOKS.after(entry.appliance.attempt), settles_in)
            entry.release(after)
            return Again(after, problem)

        return self._write_as(claim, view, write)

    def _in_doubt(self, entry: Entry, view: View) -> str:
        node = entry.node()
        settle = timedelta(seconds=self._context.settle(node.provider.name))
        until = f"{(node.asked_at or entry.now) + settle:%H:%M:%S} UTC"
        then = "nothing of it is given back before" if view.ending else "it is asked again after"
        label = self._context.label(node.provider.name)
        return f"{label} did not tell whether it has made the server: {then} {until}."

    def refused(self, claim: Claim, view: View) -> None:
        """The cloud has not made what it was asked for: that is sure."""

        def write(entry: Entry) -> None:
            entry.node().asked_at = None
            self._renew(entry)

        self._write_as(claim, view, write)

    def not_asked(self, claim: Claim, view: View) -> None:
        """We did not call the cloud after all: what it was asked before is what counts."""

        def write(entry: Entry) -> None:
            entry.node().asked_at = view.node.asked_at if view.node else None
            self._renew(entry)

        self._write_as(claim, view, write)

    def trouble(
        self, claim: Claim, problem: str, backoff: Backoff, retry_after: float | None = None
    ) -> Again:
        """Something went wrong that may pass; the state stays as it is."""

        def write(entry: Entry) -> Again:
            entry.tell(problem)
            entry.appliance.attempt += 1
            after = backoff.after(entry.appliance.attempt, retry_after)
            entry.release(after)
            return Again(after, problem)

        return self._write(claim, write)

    def put_aside(self, claim: Claim, provider: str, problem: str) -> Again:
        """Its provider is paused: it is looked at when that has ended."""

        def write(entry: Entry) -> Again:
            entry.tell(problem)
            after = put_aside(entry.session, provider)
            entry.release(after)
            return Again(after, problem)

        return self._write(claim, write)

    def left(self, claim: Claim, view: View, label: str) -> bool:
        """Its provider is paused, and was never asked for it: a cloud is chosen anew.

        :param label: what people call the provider.
        :returns: False if it is not paused any more, so that it may stay.
        """

        def write(entry: Entry) -> bool:
            node = entry.node()
            if node.provider.name not in paused(entry.session):
                return False
            # Ended and not forgotten: should anything of it be seen there yet, it is cleared away.
            entry.end_node()
            entry.place(None)
            entry.note(f"{label} was paused before it was asked for a server: it is placed anew")
            self._renew(entry)
            return True

        return self._write_as(claim, view, write)

    def later(self, claim: Claim, after: float) -> Again:
        """We may not call its cloud just now."""

        def write(entry: Entry) -> Again:
            entry.release(after)
            return Again(after)

        return self._write(claim, write)
