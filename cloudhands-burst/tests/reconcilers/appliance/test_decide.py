from dataclasses import replace
from itertools import product
from uuid import UUID

import pytest

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
    Wait,
)
from cloudhands.burst.reconcilers.appliance.decide import POWER, decide
from cloudhands.burst.reconcilers.appliance.observe import Sight
from cloudhands.burst.reconcilers.appliance.view import NodeView, View, name_of
from cloudhands.common.appliance.states import APPLIANCE
from cloudhands.common.cloud import Address, Capabilities, Identity, Server, ServerState

IDENTITY = Identity("installation", "appliance", 1)
NODE = NodeView(1, "private", "server-1")
UNMADE = replace(NODE, server_id=None)
GOALS = ("running", "stopped", "deleted")


def view(
    goal: str, state: str, node: NodeView | None = NODE, generation: int = 1, seen: int = 0
) -> View:
    seen_generation = seen or generation
    definition = {"sizes": {"small": {"on": {"private": "m1.small"}}}}
    uuid, size = UUID(int=1), "small"
    return View(uuid, goal, state, generation, seen_generation, size, definition, (), node)


def sight(state: ServerState | None, problem: str = "") -> Sight:
    return Sight(Server("server-1", IDENTITY, state, problem=problem) if state else None)


S = ServerState
WITHOUT_NODE: list[tuple[str, str, type[Action]]] = [
    ("running", "requested", Place),
    ("deleted", "requested", Finish),
    ("running", "failed", Rest),
    ("stopped", "failed", Rest),
    ("deleted", "failed", Finish),
    ("deleted", "deleting", Finish),
    ("deleted", "deleted", Rest),
    # These cannot be, and still go to where a person can see them.
    ("running", "running", Fail),
    ("running", "provisioning", Fail),
]


@pytest.mark.parametrize(("goal", "state", "action"), WITHOUT_NODE)
def test_without_a_node(goal: str, state: str, action: type[Action]) -> None:
    assert type(decide(view(goal, state, None), Sight())) is action


CASES: list[tuple[str, str, ServerState | None, Action]] = [
    # launching
    ("running", "provisioning", S.BUILDING, Wait()),
    ("running", "provisioning", S.RUNNING, Move("running", "the cloud runs it", at_rest=True)),
    ("running", "provisioning", S.STOPPED, Call("start")),
    # at rest
    ("running", "running", S.RUNNING, Rest()),
    ("stopped", "stopped", S.STOPPED, Rest()),
    # stopping
    ("stopped", "running", S.RUNNING, Call("stop", "stopping", "asked to stop")),
    ("stopped", "running", S.STARTING, Wait()),
    ("stopped", "running", S.STOPPING, Move("stopping", "asked to stop")),
    ("stopped", "stopping", S.STOPPING, Wait()),
    ("stopped", "stopping", S.RUNNING, Call("stop")),
    ("stopped", "starting", S.STARTING, Wait()),
    ("stopped", "starting", S.RUNNING, Call("stop", "stopping", "asked to stop before it ran")),
    # starting
    ("running", "stopped", S.STOPPED, Call("start", "starting", "asked to start")),
    ("running", "stopped", S.STOPPING, Wait()),
    ("running", "starting", S.STARTING, Wait()),
    ("running", "starting", S.STOPPED, Call("start")),
    ("running", "stopping", S.STOPPING, Wait()),
    # deleting, from everywhere
    ("deleted", "provisioning", S.BUILDING, Call("delete", "deleting", "asked to be deleted")),
    ("deleted", "running", S.RUNNING, Call("delete", "deleting", "asked to be deleted")),
    ("deleted", "failed", S.FAILED, Call("delete", "deleting", "asked to be deleted")),
    ("deleted", "running", S.DELETING, Move("deleting", "asked to be deleted")),
    ("deleted", "deleting", S.DELETING, Wait()),
    ("deleted", "deleting", None, Finish()),
    ("deleted", "running", None, Finish()),
    # the cloud does as it likes
    ("running", "running", S.DELETING, Wait()),
    ("running", "failed", S.RUNNING, Rest()),
]


@pytest.mark.parametrize(("goal", "state", "seen", "action"), CASES)
def test_with_a_node(goal: str, state: str, seen: ServerState | None, action: Action) -> None:
    assert decide(view(goal, state), sight(seen)) == action


def test_a_stop_that_nobody_asked_for_becomes_the_goal() -> None:
    action = decide(view("running", "running"), sight(S.STOPPED))
    assert isinstance(action, Move)
    assert (action.target, action.unasked, action.at_rest) == ("stopped", True, True)


def test_a_stop_that_was_asked_for_before_is_none_of_that() -> None:
    action = decide(view("running", "stopping"), sight(S.STOPPED))
    assert isinstance(action, Move)
    assert (action.target, action.unasked, action.at_rest) == ("stopped", False, False)


@pytest.mark.parametrize("state", ["provisioning", "running", "stopping", "stopped", "starting"])
def test_what_is_lost_or_broken_fails(state: str) -> None:
    lost = decide(view("running", state), sight(None))
    assert isinstance(lost, Fail)
    assert lost.ended
    assert "lost" in lost.reason
    broken = decide(view("running", state), sight(S.FAILED, "no valid host"))
    if state == "provisioning":
        assert broken == GiveUp("could not run it: no valid host", full=False)
    else:
        assert broken == Fail("the cloud could not run it: no valid host")


def test_it_is_created_only_where_nothing_bears_its_identity() -> None:
    unmade = view("running", "requested", UNMADE)
    assert decide(unmade, sight(None)) == Create()
    for state in ServerState:
        assert decide(unmade, sight(state)) == Adopt()


@pytest.mark.parametrize("before", [("requested", UNMADE), ("provisioning", NODE)])
@pytest.mark.parametrize("state", ServerState)
def test_twins_go_before_anything_else(before: tuple[str, NodeView], state: ServerState) -> None:
    twin = Server("server-2", IDENTITY, S.RUNNING)
    seen = replace(sight(state), twins=(twin,))
    assert decide(view("running", *before), seen) == Reap()


def test_a_twin_takes_the_place_of_a_server_that_is_gone() -> None:
    other = replace(NODE, server_id="server-0")
    assert decide(view("running", "provisioning", other), sight(S.BUILDING)) == Adopt()


MADE_BY_ANOTHER = replace(NODE, server_id="server-2")


@pytest.mark.parametrize(
    ("goal", "node", "kept"),
    [
        ("running", UNMADE, True),
        ("running", NODE, True),
        ("running", MADE_BY_ANOTHER, False),
        ("running", replace(UNMADE, provider="public"), False),
        ("running", replace(UNMADE, generation=2), False),
        ("running", None, False),
        ("deleted", UNMADE, False),
    ],
)
def test_what_is_kept_of_a_server_that_came_late(
    goal: str, node: NodeView | None, kept: bool
) -> None:
    for state in ("requested", "provisioning"):
        assert view(goal, state, node).keeps(UNMADE, "server-1") == kept


def test_an_unmade_one_that_shall_be_deleted_is_never_created() -> None:
    unmade = view("deleted", "requested", UNMADE)
    assert decide(unmade, sight(None)) == Finish()
    assert decide(unmade, sight(S.RUNNING)) == Call("delete", None, "asked to be deleted")


@pytest.mark.parametrize("node", [NODE, UNMADE, None])
def test_what_failed_is_tried_again_where_a_person_asked(node: NodeView | None) -> None:
    asked = view("running", "failed", node, generation=2, seen=1)
    assert not asked.to_be_looked_at, "the cloud has no say in it"
    assert decide(asked, Sight()) == Retry()
    left = sight(S.FAILED) if node else Sight()
    assert decide(view("running", "failed", node, generation=1), left) == Rest()


def test_what_failed_holds_nothing_once_its_server_is_gone() -> None:
    failed = view("running", "failed")
    assert failed.to_be_looked_at
    assert decide(failed, sight(None)) == EndNode()


def test_what_shall_be_tried_again_and_then_be_deleted_is_deleted() -> None:
    asked = view("deleted", "failed", NODE, generation=2, seen=1)
    assert asked.to_be_looked_at
    assert decide(asked, sight(S.FAILED)) == Call("delete", "deleting", "asked to be deleted")
    assert decide(asked, sight(None)) == Finish()


@pytest.mark.parametrize("goal", ["running", "deleted"])
def test_an_earlier_try_is_ended_first(goal: str) -> None:
    retried = view(goal, "requested", NODE, generation=2)
    assert decide(retried, sight(S.FAILED)) == Call("delete", None, "asked to be deleted")
    assert decide(retried, sight(S.DELETING)) == Wait()
    assert decide(retried, sight(None)) == (Finish() if goal == "deleted" else EndNode())


def test_every_combination_has_an_action_that_the_transition_table_allows() -> None:
    generations, nodes = (1, 2), (None, NODE, UNMADE)
    seen = (None, *ServerState)
    for goal, state, node, generation, before, what, seen_size in product(
        GOALS, APPLIANCE.states, nodes, generations, generations, seen, (None, "large")
    ):
        if goal != "deleted" and state in ("deleting", "deleted"):
            continue  # a deletion is never taken back
        now = replace(view(goal, state, node, generation, before), seen_size=seen_size)
        action = decide(now, sight(what if node else None))
        match action:
            case Move(target=target) | Call(target=str(target)):
                assert APPLIANCE.allows(state, target), (goal, state, what, action)
            case Retry():
                assert APPLIANCE.allows(state, "requested")
            case Place():
                assert APPLIANCE.allows(state, "provisioning")
            case Fail():
                assert APPLIANCE.allows(state, "failed"), (goal, state, what, action)
            case GiveUp():
                assert APPLIANCE.allows(state, "requested"), (goal, state, what, action)
            case Finish():
                way = ("deleted", "deleting")
                assert any(APPLIANCE.allows(state, end) for end in way), (goal, state, what)


def test_every_goal_is_reached_from_every_state_if_the_cloud_obeys() -> None:
    """No two rules send an appliance in a circle."""
    obeyed = {"start": S.RUNNING, "stop": S.STOPPED}
    for goal, (_, state, seen) in product(("running", "stopped"), POWER):
        now, server, steps = state, seen, 0
        while not isinstance(action := decide(view(goal, now), sight(server)), Rest):
            steps += 1
            assert steps < 6, (goal, state, seen, action)
            if isinstance(action, Call):
                server = obeyed[action.verb]
                now = action.target or now
            elif isinstance(action, Move):
                now = action.target
                goal = action.target if action.unasked else goal
            else:
                server = {S.STOPPING: S.STOPPED, S.STARTING: S.RUNNING}.get(server, S.RUNNING)
        assert now == goal


# --- what is asked of a cloud, and is not to be seen yet ---


def settling(of: Sight, seconds: float = 5) -> Sight:
    return replace(of, settles_in=seconds)


NOTHING = settling(Sight())


def test_a_create_that_nobody_answered_is_not_repeated_before_it_is_sure() -> None:
    assert decide(view("running", "requested", UNMADE), NOTHING) == Settle()
    assert decide(view("running", "requested", UNMADE), Sight()) == Create()
    assert decide(view("running", "requested", UNMADE), settling(sight(S.BUILDING))) == Adopt()


@pytest.mark.parametrize("node", [UNMADE, NODE])
def test_nothing_is_given_back_before_it_is_sure(node: NodeView) -> None:
    for state in ("requested", "provisioning", "running", "failed"):
        assert decide(view("deleted", state, node), NOTHING) == Settle()
    earlier = view("running", "requested", node, generation=2)
    assert decide(earlier, NOTHING) == Settle()
    assert decide(earlier, Sight()) == EndNode()
    assert decide(view("running", "failed", node), NOTHING) == Settle()


def test_what_the_cloud_has_begun_to_delete_is_sure() -> None:
    going = replace(NODE, ending=True)
    assert decide(view("deleted", "deleting", going), NOTHING) == Finish()
    assert decide(view("running", "requested", going, generation=2), NOTHING) == EndNode()


def test_one_that_the_cloud_told_of_and_does_not_show_yet() -> None:
    assert decide(view("running", "provisioning"), NOTHING) == Settle()
    for state in ("running", "stopped"):
        lost = decide(view("running", state), NOTHING)
        assert isinstance(lost, Fail), "it was seen before"


def test_one_that_cannot_be_built_makes_room_for_another() -> None:
    full = Sight(Server("server-1", IDENTITY, S.FAILED, problem="no valid host", full=True))
    assert decide(view("running", "provisioning"), full) == GiveUp(
        "could not run it: no valid host", full=True
    )
    given_up = view("running", "requested", replace(NODE, given_up=True))
    assert decide(given_up, full) == Call("delete", None, "asked to be deleted")
    assert decide(given_up, Sight()) == EndNode()


# --- addresses, reboots, sizes ---

OUTSIDE = Address("external", "203.0.113.1", external=True)


@pytest.mark.parametrize(
    ("state", "capable", "has", "asks"),
    [
        ("provisioning", True, False, True),
        ("starting", True, False, True),
        ("provisioning", True, True, False),
        ("provisioning", False, False, False),
        ("running", True, False, False),
    ],
)
def test_an_address_is_asked_for_before_it_counts_as_running(
    state: str, capable: bool, has: bool, asks: bool
) -> None:
    wanting = replace(view("running", state), definition={"external_address": True})
    server = Server("server-1", IDENTITY, S.RUNNING, (OUTSIDE,) if has else ())
    seen = Sight(server, capabilities=Capabilities(addresses=capable))
    assert (decide(wanting, seen) == GiveAddress()) == asks


def test_a_reboot_is_for_what_runs() -> None:
    asked = replace(view("running", "running"), reboot_wanted=True)
    assert decide(asked, sight(S.RUNNING)) == Reboot()
    assert decide(asked, sight(S.REBOOTING)) == Wait()
    assert decide(replace(asked, goal="stopped"), sight(S.RUNNING)) == Call(
        "stop", "stopping", "asked to stop"
    )


def resizing(goal: str, state: str) -> View:
    return replace(view(goal, state), seen_size="large")


def sized(state: ServerState, size: str) -> Sight:
    return Sight(Server("server-1", IDENTITY, state, size=size))


@pytest.mark.parametrize("goal", ["running", "stopped"])
def test_a_size_is_changed_while_it_is_stopped(goal: str) -> None:
    to_stop = Call("stop", "stopping", "stopped to be resized")
    assert decide(resizing(goal, "running"), sized(S.RUNNING, "m1.large")) == to_stop
    stopped = decide(resizing(goal, "stopping"), sized(S.STOPPED, "m1.large"))
    assert stopped == Move("stopped", "the cloud says that it is stopped")
    assert decide(resizing(goal, "stopped"), sized(S.STOPPED, "m1.large")) == Resize()
    assert decide(resizing(goal, "stopped"), sized(S.RESIZING, "m1.small")) == Resize()
    assert decide(resizing(goal, "stopped"), sized(S.STOPPED, "m1.small")) == Resized()
    assert decide(resizing(goal, "running"), sized(S.RUNNING, "m1.small")) == Resized()


def test_what_shall_be_deleted_is_not_resized_first() -> None:
    going = decide(resizing("deleted", "stopped"), sized(S.STOPPED, "m1.large"))
    assert going == Call("delete", "deleting", "asked to be deleted")


def test_the_name_is_a_host_name() -> None:
    identity = Identity("0" * 36, "1" * 36, 99_999)
    assert name_of(identity) == f"ch-00000000-{'1' * 36}-99999"
    assert len(name_of(identity)) <= 63
