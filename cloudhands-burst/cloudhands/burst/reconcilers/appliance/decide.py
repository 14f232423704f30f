"""Compares what is wanted with what is: pure, from a view and a sight to one action.

It never asks what happened before: only the goal, the state that is written down, and what the
cloud says now. The actions are values; `step` carries them out.
"""

from collections.abc import Mapping
from dataclasses import replace

from cloudhands.burst.reconcilers.appliance.actions import (
    Action,
    Adopt,
    Call,
    Create,
    EndNode,
    Fail,
    Finish,
    GiveAddress,
    GiveUp,
    Move,
    Place,
    Reap,
    Reboot,
    Resize,
    Resized,
    Rest,
    Retry,
    Settle,
    TakeSize,
    Wait,
)
from cloudhands.burst.reconcilers.appliance.observe import Sight
from cloudhands.burst.reconcilers.appliance.view import NodeView, View
from cloudhands.common.cloud import Server, ServerState

LOST = "the cloud lost it: the server does not exist any more"
ABANDONED = "its server was abandoned by an operator"
WAIT = Wait()

_BUILT = Move("running", "the cloud runs it", at_rest=True)
_STARTED_AT_THE_CLOUD = "it was started at the cloud"
_ASKED_TO_START = "asked to start"
_ASKED_TO_STOP = "asked to stop"
_TO_BE_RESIZED = "stopped to be resized"
_STOPPED = "the cloud says that it is stopped"
_S = ServerState
_UNBUILT = (_S.BUILDING, _S.STARTING)

# By goal, state and what the cloud says; what is not here is waited for, as a reboot or a change of
# its size that nobody here asked for is: both end by themselves. A call that took effect
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
        return _end(view, view.node, sight)
    if sight.server is None:
        return _missing(view, view.node, sight)
    if view.state == "failed":
        return Rest()
    if sight.twins:
        return Reap()
    if view.node.server_id != sight.server.id:
        return Adopt()
    if broken := _broken(view, sight, sight.server):
        return broken
    if view.to_be_resized:
        return _resize(view, sight.server)
    if (size := view.other_size(sight.server.size)) and sight.server.state in (
        _S.RUNNING,
        _S.STOPPED,
    ):
        return TakeSize(size)
    return _power(view, sight)


def _without_node(view: View) -> Action:
    if view.goal == "deleted":
        return Finish()
    if view.state == "requested":
        return Place()
    return Rest() if view.state == "failed" else Fail(ABANDONED)


def _end(view: View, node: NodeView, sight: Sight) -> Action:
    server = sight.server
    movable = view.goal == "deleted" and view.state not in ("requested", "deleting")
    target = "deleting" if movable else None
    if server is None:
        # Once the cloud has taken the call to delete it, nothing is to come any more.
        if sight.settles_in and not node.ending:
            return Settle()
        return Finish() if view.goal == "deleted" else EndNode()
    if server.state is not ServerState.DELETING:
        return Call("delete", target, "asked to be deleted")
    return Move("deleting", "asked to be deleted") if target else WAIT


def _missing(view: View, node: NodeView, sight: Sight) -> Action:
    if view.state == "failed":
        # It waits for a person; what it still held must not wait with it.
        return Settle() if sight.settles_in else EndNode()
    never_told = node.server_id is None and view.state == "requested"
    if sight.settles_in and (never_told or view.building):
        return Settle()
    return Create() if never_told else Fail(LOST, ended=True)


def _broken(view: View, sight: Sight, server: Server) -> Action | None:
    if sight.overdue and view.building and server.state in _UNBUILT:
        return GiveUp(f"did not build it within {sight.overdue}", full=False)
    if server.state is not ServerState.FAILED:
        return None
    reason = f"could not run it: {server.problem or 'it gave no reason'}"
    if view.building:
        return GiveUp(reason, server.full)
    return Fail(f"the cloud {reason}")


def _power(view: View, sight: Sight) -> Action:
    assert sight.server is not None, "nothing to compare with"
    now = (view.goal, view.state, sight.server.state)
    if view.reboot_wanted and now == ("running", "running", ServerState.RUNNING):
        return Reboot()
    action = POWER.get(now, WAIT)
    comes_to_run = isinstance(action, Move) and view.state in ("provisioning", "starting")
    return GiveAddress() if comes_to_run and _lacks_address(view, sight) else action


def _lacks_address(view: View, sight: Sight) -> bool:
    has = sight.server is not None and sight.server.external
    return view.wants_address and sight.capabilities.addresses and not has


def _resize(view: View, server: Server) -> Action:
    """It is stopped first; with the new size it comes to its goal as ever."""
    if server.size == view.cloud_size and server.state in (_S.RUNNING, _S.STOPPED):
        return Resized()
    if view.state == "stopped" and server.state in (_S.STOPPED, _S.RESIZING):
        return Resize()
    action = POWER.get(("stopped", view.state, server.state), WAIT)
    if isinstance(action, Move):
        action = replace(action, at_rest=False)
    if isinstance(action, Move | Call) and action.why == _ASKED_TO_STOP:
        action = replace(action, why=_TO_BE_RESIZED)
    return action
