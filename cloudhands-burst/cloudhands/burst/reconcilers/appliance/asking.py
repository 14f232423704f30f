"""Asks a cloud for one thing, and has written down what it answers.

What must not be asked twice, or is in the way of whoever holds the appliance after us, is asked
only after a transaction that has made sure of the claim.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from cloudhands.burst import backoff
from cloudhands.burst.context import Context
from cloudhands.burst.outcome import Outcome
from cloudhands.burst.pace import NotCalled
from cloudhands.burst.reconcilers.appliance import actions
from cloudhands.burst.reconcilers.appliance.books import Books
from cloudhands.burst.reconcilers.appliance.entry import Overtaken
from cloudhands.burst.reconcilers.appliance.observe import Sight
from cloudhands.burst.reconcilers.appliance.user_data import user_data_of
from cloudhands.burst.reconcilers.appliance.view import NodeView, View
from cloudhands.common.cloud import (
    Cloud,
    CloudError,
    Denied,
    Full,
    Gone,
    Identity,
    Invalid,
    Server,
)
from cloudhands.common.errors import ClaimLost
from cloudhands.common.work import Claim

# So many times in a row a running server may find no address; then another cloud is asked.
ADDRESS_TRIES = 5


@dataclass(frozen=True)
class Asking:
    """What one step asks of the cloud where the living node is.

    :param log: bound to the appliance and its provider.
    """

    context: Context
    books: Books
    claim: Claim
    view: View
    sight: Sight
    log: Any

    def create(self) -> Outcome | actions.Next | None:
        """Ask for the server, and keep it only while the claim is ours."""
        setbacks = self.books.setbacks
        asked = self.books.records.asked(self.claim, self.view)
        try:
            user_data = user_data_of(self.context, self.view, self._identity)
            spec = self.view.spec(self._identity, self._node.provider, user_data)
            server = self._cloud.create(spec)
        except Full as error:
            self.log.info("full", reason=str(error))
            setbacks.full(self.claim, self.view)
            return None
        except Invalid as error:
            fail = actions.Fail(f"{self._label} cannot make it: {error}", ended=True)
            return setbacks.failed(self.claim, self.view, fail)
        except Denied:
            setbacks.refused(self.claim, self.view)
            raise
        except NotCalled:
            setbacks.not_asked(self.claim, self.view)
            raise
        try:
            return actions.Next(self.books.records.told(self.claim, asked, server), server)
        except (ClaimLost, Overtaken):
            self._clear_away(server)
            raise

    def _clear_away(self, server: Server) -> None:
        """Delete a server that came too late, unless whoever holds the appliance now may use it."""
        if self.books.records.view(self.claim).keeps(self._node, server.id):
            return
        self.log.warning("came too late", server=server.id)
        try:
            self._cloud.delete(server.id)
        except CloudError as error:
            self.log.warning("not cleared away", server=server.id, problem=str(error))

    def reap(self) -> Outcome:
        """Delete the twins."""
        # A worker that was frozen here must not delete what another has come to keep.
        self._make_sure()
        for twin in self.sight.twins:
            self.log.warning("twin", server=twin.id, kept=self._server.id)
            with suppress(Gone):
                self._cloud.delete(twin.id)
        return self.books.records.waiting(self.claim, self.view)

    def call(self, call: actions.Call) -> Outcome | None:
        """Start, stop or delete the server."""
        cloud = self._cloud
        verbs: Mapping[str, Callable[[str], None]] = {
            "start": cloud.start,
            "stop": cloud.stop,
            "delete": cloud.delete,
        }
        try:
            verbs[call.verb](self._server.id)
        except Gone:
            return None  # the next look tells what that means
        return self.books.records.called(self.claim, self.view, call)

    def release(self) -> None:
        """Give back what was taken besides the server that is gone, if it was ever asked for."""
        node = self.view.node
        if node is not None and node.asked_at is not None:
            # Of a worker that was frozen here the identity may be in use again.
            self._make_sure()
            self._cloud.release(self._identity)

    def give_address(self) -> Outcome | None:
        """Ask for an address; after some tries in vain leave the server, and the cloud, be."""
        self._make_sure()
        try:
            self._cloud.give_address(self._server.id)
        except Gone:
            return None  # the next look tells what that means
        except Full as error:
            self.log.info("no address", reason=str(error))
            return self._without_address(error)
        return self.books.changes.without_address_yet(self.claim, self.view)

    def _without_address(self, error: Full) -> Outcome | None:
        setbacks = self.books.setbacks
        if self.view.building and self.view.attempt + 1 >= ADDRESS_TRIES:
            reason = f"had no address for it: {error}"
            setbacks.gave_up(self.claim, self.view, reason, full=True, of_addresses=True)
            return None
        problem = f"{self._label}: {str(error).rstrip('.')}."
        return setbacks.trouble(self.claim, problem, backoff.TROUBLE)

    def reboot(self) -> Outcome | None:
        """Ask for a reboot, at most once for each wish: it is written down before."""
        self.books.changes.rebooting(self.claim, self.view)
        try:
            self._cloud.reboot(self._server.id)
        except Gone:
            return None  # the next look tells what that means
        except CloudError as error:
            self.log.warning("not rebooted", problem=str(error), kind=type(error).__name__)
            words = f"{self._label}: {error}"
            return self.books.changes.not_rebooted(self.claim, self.view, words)
        return self.books.records.waiting(self.claim, self.view)

    def resize(self) -> Outcome | None:
        """Ask for the other size, or to go on with it."""
        self._make_sure()
        try:
            self._cloud.resize(self._server.id, self.view.cloud_size)
        except Gone:
            return None  # the next look tells what that means
        except (Full, Invalid) as error:
            words = f"{self._label}: {error}"
            self.books.changes.not_resized(self.claim, self.view, words)
            return None
        return self.books.records.waiting(self.claim, self.view)

    def _make_sure(self) -> None:
        self.books.records.renewed(self.claim, self.view)

    @property
    def _node(self) -> NodeView:
        return self.view.living

    @property
    def _cloud(self) -> Cloud:
        return self.context.cloud(self._node.provider)

    @property
    def _label(self) -> str:
        return self.context.label(self._node.provider)

    @property
    def _identity(self) -> Identity:
        return self.view.identity(self.context.installation)

    @property
    def _server(self) -> Server:
        assert self.sight.server is not None, "asked without a server"
        return self.sight.server
