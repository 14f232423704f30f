"""What may be done next for an appliance: values that `decide` chooses and `step` carries out.

And what a step knows for the one that follows: `Next`.
"""

from dataclasses import dataclass
from typing import Literal

from cloudhands.burst.reconcilers.appliance.view import View
from cloudhands.common.cloud import Server


@dataclass(frozen=True)
class Rest:
    """It is as it is wanted."""


@dataclass(frozen=True)
class Wait:
    """The cloud is busy with it: look again."""


@dataclass(frozen=True)
class Settle:
    """Wait until it is sure that the cloud has no server that it only does not show yet."""


@dataclass(frozen=True)
class Retry:
    """Begin another try of what has failed."""


@dataclass(frozen=True)
class Place:
    """Choose a cloud and write down the node that it shall be asked for."""


@dataclass(frozen=True)
class Create:
    """Ask for the server: nothing bears its identity yet."""


@dataclass(frozen=True)
class Adopt:
    """Write down the id of a server whose creation nobody told us of."""


@dataclass(frozen=True)
class Reap:
    """Delete the twins, and see them go."""


@dataclass(frozen=True)
class GiveAddress:
    """Ask for an address that it is reached at from outside."""


@dataclass(frozen=True)
class Reboot:
    """Write down that the cloud is asked for a reboot, then ask."""


@dataclass(frozen=True)
class Resize:
    """Ask for the other size, or for what is left to be done for it."""


@dataclass(frozen=True)
class Resized:
    """Write down that the server has the size that it shall have."""


@dataclass(frozen=True)
class TakeSize:
    """Write down that its server was given another size at the cloud, which it shall have then.

    :param size: its name in the catalogue.
    """

    size: str


@dataclass(frozen=True)
class Call:
    """Ask the cloud for a change of the server, then move the state if `target` says so."""

    verb: Literal["start", "stop", "delete"]
    target: str | None = None
    why: str = ""


@dataclass(frozen=True)
class Move:
    """Write down what the cloud says.

    :param at_rest: whether it is then as it is wanted.
    :param unasked: whether nobody here asked for it: then it becomes the goal as well.
    """

    target: str
    why: str
    at_rest: bool = False
    unasked: bool = False


@dataclass(frozen=True)
class GiveUp:
    """Leave a server that cannot be built, so that another takes its place.

    :param full: whether the cloud had no room for it.
    """

    reason: str
    full: bool


@dataclass(frozen=True)
class EndNode:
    """Give back what was taken for the server of a try that is over; write down that it is gone."""


@dataclass(frozen=True)
class Finish:
    """Write down that nothing is left at any cloud: it is deleted."""


@dataclass(frozen=True)
class Fail:
    """Leave it to a person.

    :param ended: whether there is no server, so that the node ends too.
    """

    reason: str
    ended: bool = False


Action = (
    Rest
    | Wait
    | Settle
    | Retry
    | Place
    | Create
    | Adopt
    | Reap
    | GiveAddress
    | Reboot
    | Resize
    | Resized
    | TakeSize
    | Call
    | Move
    | GiveUp
    | EndNode
    | Finish
    | Fail
)


@dataclass(frozen=True)
class Next:
    """Another step follows at once.

    :param view: the appliance as it is written down now.
    :param server: what the cloud has just said of its server; None if it is to be asked.
    """

    view: View
    server: Server | None = None
