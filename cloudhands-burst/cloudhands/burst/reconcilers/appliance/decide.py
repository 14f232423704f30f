"""Compares what is wanted with what is: pure, from a view and a sight to one action.

It never asks what happened before: only the goal, the state that is written down, and what the
cloud says now. The actions are values; `reconciler` carries them out.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from cloudhands.burst.reconcilers.appliance.observe import Sight
from cloudhands.burst.reconcilers.appliance.view import View
from cloudhands.common.cloud import Server, ServerState


@dataclass(frozen=True)
class Rest:
    """It is as it is wanted."""


@dataclass(frozen=True)
class Wait:
    """The cloud is busy with it: look again."""


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
class EndNode:
    """Write down that the server of an earlier try, or of what has failed, is gone."""


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


Action = Rest | Wait | Retry | Place | Create | Adopt | Reap | Call | Move | EndNode | Finish | Fail

LOST = "the cloud lost it: the server does not exist any more"
WAIT = Wait()

_BUILT = Move("running", "the cloud runs it", at_rest=True)
_STARTED_AT_THE_CLOUD = "it was started at the cloud"
_ASKED_TO_START = "asked to start"
_ASKED_TO_STOP = "asked to stop"
_STOPPED = "the cloud says that it is stopped"
_S = ServerState

# By goal, state and what the cloud says; what is not here is waited for. A call that took effect
# before it could be written down is caught up with through the same states: history has every step.
POWER: Mapping[tuple[str, str, ServerState], Action] = {
    ("running", "provisioning", _S.RUNNING): _BUILT,
    ("running", "provisioning", _S.STOPPED): Call("start"),
    ("running", "running", _S.RUNNING): Rest(),
    ("running", "running", _S.STOPPED): Move(
        "stopped", "it stopped, and nobody here asked for it", at_rest=True, unasked=True
    ),
    ("running", "stopping", _S.RUNNING): Move(
        "running", "asked to run again before it had stopped", at_rest=True
    ),
    ("running", "stopping", _S.STOPPED): Move("stopped", _STOPPED),
    ("running", "stopped", _S.STOPPED): Call("start", "starting", _ASKED_TO_START),
    ("running", "stopped", _S.STARTING): Move("starting", _ASKED_TO_START),
    ("running", "stopped", _S.RUNNING): Move("starting", _ASKED_TO_START),
    ("running", "starting", _S.RUNNING): _BUILT,
    ("running", "starting", _S.STOPPED): Call("start"),
    # It is built first, then stopped.
    ("stopped", "provisioning", _S.RUNNING): Move("running", "the cloud runs it"),
    ("stopped", "provisioning", _S.STOPPED): Call("start"),
    ("stopped", "running", _S.RUNNING): Call("stop", "stopping", _ASKED_TO_STOP),
    ("stopped", "running", _S.STOPPING): Move("stopping", _ASKED_TO_STOP),
    ("stopped", "running", _S.STOPPED): Move("stopping", _ASKED_TO_STOP),
    ("stopped", "stopping", _S.RUNNING): Call("stop"),
    ("stopped", "stopping", _S.STOPPED): Move("stopped", _STOPPED, at_rest=True),
    ("stopped", "stopped", _S.STOPPED): Rest(),
    ("stopped", "stopped", _S.RUNNING): Move("running", _STARTED_AT_THE_CLOUD),
    ("stopped", "starting", _S.RUNNING): Call("stop", "stopping", "asked to stop before it ran"),
    ("stopped", "starting", _S.STOPPING): Move("stopping", _ASKED_TO_STOP),
    ("stopped", "starting", _S.STOPPED): Move("stopped", _STOPPED, at_rest=True),
}


def decide(view: View, sight: Sight) -> Action:
    """The one thing to do next.

    :param sight: what the cloud says; empty where there was nothing to look at.
    """
    if view.state == "deleted":
        return Rest()
    if view.to_be_retried:
        return Retry()
    if view.node is None:
        return _without_node(view)
    if view.ending:
        return _end(view, sight.server)
    if view.state == "failed":
        # It waits for a person; what it still held must not wait with it once its server is gone.
        return Rest() if sight.server else EndNode()
    if sight.server is None:
        return _missing(view)
    if sight.twins:
        return Reap()
    if view.node.server_id != sight.server.id:
        return Adopt()
    if sight.server.state is ServerState.FAILED:
        return Fail(_in_its_words(sight.server))
    return POWER.get((view.goal, view.state, sight.server.state), WAIT)


def _without_node(view: View) -> Action:
    if view.goal == "deleted":
        return Finish()
    if view.state == "requested":
        return Place()
    return Rest() if view.state == "failed" else Fail(LOST)


def _end(view: View, server: Server | None) -> Action:
    movable = view.goal == "deleted" and view.state not in ("requested", "deleting")
    target = "deleting" if movable else None
    if server is None:
        return Finish() if view.goal == "deleted" else EndNode()
    if server.state is not ServerState.DELETING:
        return Call("delete", target, "asked to be deleted")
    return Move("deleting", "asked to be deleted") if target else WAIT


def _missing(view: View) -> Action:
    never_made = view.node is not None and view.node.server_id is None
    return Create() if never_made and view.state == "requested" else Fail(LOST, ended=True)


def _in_its_words(server: Server) -> str:
    return f"the cloud could not run it: {server.problem or 'it gave no reason'}"
