"""What cloud-burst takes care of: one submodule for each kind of artifact, found by itself.

Each has a function `reconciler(context)`; it answers None where the settings turn that off.
"""

import sys
from collections.abc import Callable, Sequence
from typing import Protocol, runtime_checkable

from sqlalchemy import Connection

from cloudhands.burst.context import Context
from cloudhands.burst.outcome import Outcome
from cloudhands.common import plugins
from cloudhands.common.work import Claim, Due


class Reconciler(Protocol):
    """Takes care of one kind of artifact; shared among threads."""

    @property
    def model(self) -> type[Due]:
        """The artifact's table."""

    def reconcile(self, claim: Claim) -> Outcome:
        """Observe, decide, act, record, and give the claim back.

        :raises ClaimLost: if another worker holds the artifact now; nothing was recorded.
        """

    def stumbled(self, claim: Claim) -> Outcome:
        """Record that something unexpected went wrong, and when to try again.

        :raises ClaimLost: if another worker holds the artifact now; nothing was recorded.
        """


@runtime_checkable
class Foresighted(Protocol):
    """A reconciler that reads at once what it has to know of all that was claimed together."""

    def reconciling(
        self, connection: Connection, claims: Sequence[Claim]
    ) -> Sequence[Callable[[], Outcome]]:
        """What takes care of each, as `Reconciler.reconcile` does.

        :param connection: of the transaction that has claimed them.
        """


def every(context: Context) -> Sequence[Reconciler]:
    """A reconciler of each kind that is not turned off."""
    modules = plugins.submodules(sys.modules[__name__])
    found = (module.reconciler(context) for module in modules)
    return [reconciler for reconciler in found if reconciler is not None]
