from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from cloudhands.burst.outcome import Again, Done, Failed
from cloudhands.burst.reconcilers.appliance.record import Records
from cloudhands.burst.reconcilers.appliance.view import View
from cloudhands.burst.testing import World
from cloudhands.common import work
from cloudhands.common.address.tables import HeldAddress
from cloudhands.common.appliance.tables import Appliance, Node
from cloudhands.common.cloud import (
    Capabilities,
    Cloud,
    Denied,
    Full,
    Gone,
    Identity,
    Invalid,
    Server,
    ServerSpec,
    ServerState,
    Temporary,
)
from cloudhands.common.errors import ClaimLost
from cloudhands.common.provider.tables import Subscription
from cloudhands.common.testing.factories import NOON, Factory


class Killed(BaseException):
    """As if the process had ended there."""


class Faulty:
    """A cloud that does as another one does, and then, or before, fails as it is told to.

    :param before: what each method raises instead of doing anything, by name; once.
    :param after: what each method raises when it has done it, by name; once.
    """

    capabilities = Capabilities()

    def __init__(
        self,
        cloud: Cloud,
        *,
        before: dict[str, BaseException] | None = None,
        after: dict[str, BaseException] | None = None,
    ) -> None:
        self._cloud = cloud
        self.before = before or {}
        self.after = after or {}
        self.calls: list[str] = []

    def find(self, identity: Identity) -> Sequence[Server]:
        found: Sequence[Server] = self._do("find", identity)
        return found

    def observe(self, server_id: str) -> Server:
        return self._server("observe", server_id)

    def create(self, spec: ServerSpec) -> Server:
        return self._server("create", spec)

    def start(self, server_id: str) -> None:
        self._do("start", server_id)

    def stop(self, server_id: str) -> None:
        self._do("stop", server_id)

    def delete(self, server_id: str) -> None:
        self._do("delete", server_id)

    def _server(self, name: str, about: object) -> Server:
        server: Server = self._do(name, about)
        return server

    def _do(self, name: str, about: object) -> Any:
        self.calls.append(name)
        if name in self.before:
            raise self.before.pop(name)
        result = getattr(self._cloud, name)(about)
        if name in self.after:
            raise self.after.pop(name)
        return result


def faulty(world: World, name: str = "private", **faults: Any) -> Faulty:
    """Put a faulty cloud in a cloud's place."""
    cloud = Faulty(world.clouds[name], **faults)
    world.clouds[name] = cloud
    return cloud


# --- the way of one appliance ---


def test_from_launch_to_deletion(world: World) -> None:
    uuid = world.launch()
    assert world.look() == [Again(1.0)]
    assert world.state(uuid) == "provisioning"
    world.go_on()
    row = world.row(uuid)
    assert (row.state, row.due_at, row.problem, row.attempt) == ("running", None, "", 0)
    assert world.addresses(uuid) == ["192.168.0.2"]

    world.want(uuid, "stopped")
    world.go_on()
    assert world.row(uuid).due_at is None
    world.want(uuid, "running")
    world.go_on()
    assert world.addresses(uuid) == ["192.168.0.2"]
    world.want(uuid, "deleted")
    world.go_on()

    assert world.history(uuid) == [
        ("requested", "asked for Analysis desktop, small"),
        ("provisioning", "Private cloud: chosen, first by priority"),
        ("running", "the cloud runs it"),
        ("stopping", "asked to stop"),
        ("stopped", "the cloud says that it is stopped"),
        ("starting", "asked to start"),
        ("running", "the cloud runs it"),
        ("deleting", "asked to be deleted"),
        ("deleted", "nothing of it is left at a cloud"),
    ]
    assert world.addresses(uuid) == []
    assert world.servers("private") == []
    assert world.used() == 0
    assert world.row(uuid).due_at is None
    assert [node.ended_at is None for node in world.nodes(uuid)] == [False]


def test_what_is_asked_for_is_what_the_cloud_gets(world: World) -> None:
    uuid = world.launch()
    specs: list[ServerSpec] = []

    class Noting(Faulty):
        def create(self, spec: ServerSpec) -> Server:
            specs.append(spec)
            return super().create(spec)

    world.clouds["private"] = Noting(world.clouds["private"])
    world.look()
    (spec,) = specs
    assert spec.identity == Identity(world.context.installation, str(uuid), 1)
    assert (spec.image, spec.size, spec.user_data) == ("debian-12", "m1.small", "")
    assert str(uuid) in spec.name


def test_deleted_before_anything_was_made(world: World) -> None:
    uuid = world.launch()
    world.want(uuid, "deleted")
    assert world.look() == [Done()]
    assert world.states(uuid) == ["requested", "deleted"]
    assert world.used() == 0


def test_deleted_while_it_is_built(world: World) -> None:
    uuid = world.launch()
    world.look()
    world.want(uuid, "deleted")
    world.go_on()
    assert world.states(uuid) == ["requested", "provisioning", "deleting", "deleted"]
    assert world.servers("private") == []


def test_at_rest_it_costs_nothing(world: World) -> None:
    world.launch()
    world.go_on()
    cloud = faulty(world)
    world.go_on(60)
    assert cloud.calls == []


# --- placement ---


def test_six_launches_on_a_cloud_for_four(world: World) -> None:
    launched = [world.launch() for _ in range(6)]
    cloud = faulty(world)
    world.go_on()
    assert {world.state(uuid) for uuid in launched} == {"running"}
    assert (len(world.servers("private")), len(world.servers("public"))) == (4, 2)
    assert cloud.calls.count("create") == 5, "the sixth knows that it is full"
    reason = (
        "used because Private cloud is full and the organisation consents to overflow",
        "was full at 12:00 UTC",
    )
    private = "Private cloud: chosen, first by priority"
    whys = [private] * 4 + [f"Public cloud: {reason[0]}"] * 2
    for uuid, why in zip(launched, whys, strict=True):
        assert world.history(uuid) == [
            ("requested", "asked for Analysis desktop, small"),
            ("provisioning", why),
            ("running", "the cloud runs it"),
        ]
    row = world.row(launched[-1])
    told = [(each["provider"], each["chosen"], each["reason"]) for each in row.placement]
    assert told == [("private", False, reason[1]), ("public", True, reason[0])]
    assert row.provider is not None
    assert row.provider.name == "public"


def test_all_six_at_once_go_the_same_ways(world: World) -> None:
    launched = [world.launch() for _ in range(6)]
    loop = world.loop()
    loop.once()
    world.clock.advance(5)
    loop.once()
    loop.drain(5)
    assert {world.state(uuid) for uuid in launched} == {"running"}
    assert (len(world.servers("private")), len(world.servers("public"))) == (4, 2)


def test_without_consent_it_waits_until_there_is_room(world: World) -> None:
    with world.database.writing() as session:
        session.execute(update(Subscription).values(overflow="never"))
    launched = [world.launch() for _ in range(5)]
    world.go_on()
    (waiting,) = [uuid for uuid in launched if world.state(uuid) != "running"]
    row = world.row(waiting)
    assert row.state == "requested"
    assert row.problem == (
        "No cloud can take it. Private cloud: was full at 12:00 UTC; "
        "Public cloud: is public, and the organisation does not consent to overflow."
    )
    assert row.due_at == NOON + timedelta(seconds=60)
    world.want(launched[0], "deleted")
    world.go_on(60)
    assert world.state(waiting) == "running"
    assert world.row(waiting).problem == ""


def test_while_it_waits_its_history_does_not_grow(world: World) -> None:
    with world.database.writing() as session:
        session.execute(update(Subscription).values(overflow="never"))
    launched = [world.launch() for _ in range(5)]
    cloud = faulty(world)
    world.go_on(10)
    (waiting,) = [uuid for uuid in launched if world.state(uuid) != "running"]
    for _ in range(5):
        asked, version = cloud.calls.count("create"), world.row(waiting).version
        world.go_on(60)
        assert cloud.calls.count("create") == asked + 1, "it is asked for again"
        assert "was full at" in world.row(waiting).problem
        assert world.row(waiting).version > version, "when it was full has changed"
        assert world.states(waiting) == ["requested"]
        assert world.nodes(waiting) == []
    world.want(launched[0], "deleted")
    world.go_on(70)
    assert world.states(waiting) == ["requested", "provisioning", "running"]


def test_where_no_cloud_can_ever_take_it_it_fails(world: World) -> None:
    with world.database.writing() as session:
        session.execute(update(Subscription).values(state="inactive"))
    uuid = world.launch()
    (outcome,) = world.look()
    assert isinstance(outcome, Failed)
    assert "is no longer used by the organisation" in outcome.reason
    assert world.history(uuid)[-1] == ("failed", outcome.reason)


def test_a_mark_of_fullness_counts_for_every_appliance(world: World) -> None:
    with world.database.writing() as session:
        session.execute(update(Subscription).values(full_until=NOON + timedelta(seconds=9)))
    uuid = world.launch()
    assert world.look() == [Again(9.0, world.row(uuid).problem)]
    assert world.row(uuid).version == 2, "one for the request, one for the problem"


def test_what_is_full_for_one_organisation_is_not_for_another(world: World) -> None:
    ours = world.launch()
    faulty(world, before={"create": Full("its quota is used up")})
    world.look()
    with world.database.writing() as session:
        make = Factory(session)
        other = make.organisation("other")
        theirs = make.appliance(other, make.member(other)).uuid
    world.look()
    assert [reason for _, reason in world.history(ours)][-1].startswith("Public cloud: used")
    assert world.history(theirs)[-1] == (
        "provisioning",
        "Private cloud: chosen, first by priority",
    )


# --- lost replies and crashes ---


def test_a_lost_reply_makes_no_second_server(world: World) -> None:
    uuid = world.launch()
    cloud = faulty(world, after={"create": Temporary("it did not answer in time")})
    (outcome,) = world.look()
    assert isinstance(outcome, Again)
    assert outcome.problem == "Private cloud: it did not answer in time."
    row = world.row(uuid)
    assert (row.problem, row.attempt, row.state) == (outcome.problem, 1, "requested")
    world.go_on()
    assert cloud.calls.count("create") == 1
    assert len(world.servers("private")) == 1
    row = world.row(uuid)
    assert (row.problem, row.attempt, row.state) == ("", 0, "running")


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("call", ["find", "create", "observe"])
def test_killed_around_any_call_of_a_launch(world: World, moment: str, call: str) -> None:
    uuid = world.launch()
    faulty(world, **{moment: {call: Killed()}})
    with pytest.raises(Killed):
        world.look()
    world.clock.advance(16)
    world.go_on()
    assert world.state(uuid) == "running"
    assert len(world.servers("private")) == 1
    assert len(world.nodes(uuid)) == 1


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("call", ["stop", "start", "delete", "observe", "find"])
def test_killed_around_any_later_call(world: World, moment: str, call: str) -> None:
    uuid = world.launch()
    world.go_on()
    faulty(world, **{moment: {call: Killed()}})
    for goal in ("stopped", "running", "deleted"):
        world.want(uuid, goal)
        for _ in range(3):
            with suppress(Killed):
                world.go_on()
            world.clock.advance(16)
    assert world.states(uuid) == [
        *("requested", "provisioning", "running", "stopping", "stopped"),
        *("starting", "running", "deleting", "deleted"),
    ]
    assert world.used() == 0
    assert world.servers("private") == []


def test_twins_are_reaped(world: World) -> None:
    uuid = world.launch()
    cloud = faulty(world, after={"create": Temporary("it did not answer in time")})
    world.look()
    (server,) = world.servers("private")
    cloud.create(ServerSpec(server.identity, "twin", "debian-12", "m1.small"))
    world.go_on()
    (kept,) = world.servers("private")
    assert world.nodes(uuid)[0].server_id == kept.id
    assert world.state(uuid) == "running"


def make_twin(world: World, server: Server) -> Server:
    """A server more of the same identity, as a create that came late would make."""
    spec = ServerSpec(server.identity, "twin", "debian-12", "m1.small")
    return world.simulated("private").create(spec)


def present(world: World, provider: str = "private") -> list[str]:
    """The servers that a cloud has and is not deleting."""
    servers = world.servers(provider)
    return [server.id for server in servers if server.state is not ServerState.DELETING]


def test_a_twin_is_reaped_before_it_runs(world: World) -> None:
    uuid = world.launch()
    world.look()
    (server,) = world.servers("private")
    make_twin(world, server)
    world.clock.advance(3)
    world.look()
    assert world.state(uuid) == "provisioning", "first the twin has to go"
    assert present(world) == [server.id]
    world.go_on()
    assert world.state(uuid) == "running"
    assert [left.id for left in world.servers("private")] == [server.id]


def test_a_twin_takes_the_place_of_a_server_that_vanished(world: World) -> None:
    uuid = world.launch()
    world.look()
    (server,) = world.servers("private")
    twin = make_twin(world, server)
    world.clouds["private"].delete(server.id)
    world.go_on()
    assert world.state(uuid) == "running"
    assert world.nodes(uuid)[0].server_id == twin.id
    assert [left.id for left in world.servers("private")] == [twin.id]


def test_a_twin_that_came_late_goes_with_the_appliance(world: World) -> None:
    uuid = world.launch()
    world.go_on()
    (server,) = world.servers("private")
    twin = replace(world.clouds["private"].observe(server.id)).identity
    world.clouds["private"].create(ServerSpec(twin, "twin", "debian-12", "m1.small"))
    world.want(uuid, "deleted")
    world.go_on(20)
    assert world.state(uuid) == "deleted"
    assert world.servers("private") == []


def test_somebody_elses_server_is_never_touched(world: World) -> None:
    uuid = world.launch()
    other = Identity("another installation", str(uuid), 1)
    world.clouds["private"].create(ServerSpec(other, "theirs", "debian-12", "m1.small"))
    world.go_on()
    world.want(uuid, "deleted")
    world.go_on()
    assert [server.identity for server in world.servers("private")] == [other]


# --- trouble ---


def test_temporary_trouble_is_told_and_backed_off_from(world: World) -> None:
    uuid = world.launch()
    waits = []
    for attempt in range(1, 12):
        faulty(world, before={"find": Temporary("it is busy")})
        (outcome,) = world.look()
        assert isinstance(outcome, Again)
        waits.append(outcome.after)
        assert world.row(uuid).attempt == attempt
        world.clock.advance(outcome.after)
    assert world.row(uuid).problem == "Private cloud: it is busy."
    assert all(2**k / 2 <= wait <= 2**k for k, wait in enumerate(waits[:6]))
    assert all(30 <= wait <= 60 for wait in waits[6:])
    assert world.row(uuid).version == 3, "asked for, placed, and the problem once"


def test_the_clouds_own_word_on_when_to_come_back(world: World) -> None:
    world.launch()
    faulty(world, before={"find": Temporary("slow down", retry_after=90)})
    assert world.look() == [Again(90, "Private cloud: slow down.")]


def test_a_wish_cuts_a_backoff_short(world: World) -> None:
    uuid = world.launch()
    faulty(world, before={"find": Temporary("slow down", retry_after=900)})
    world.look()
    world.want(uuid, "deleted")
    world.look()
    assert world.state(uuid) == "deleted"


def test_refused_credentials_wait_for_long(world: World) -> None:
    uuid = world.launch()
    faulty(world, before={"create": Denied("the credentials are refused")})
    (outcome,) = world.look()
    assert isinstance(outcome, Again)
    assert outcome.after >= 30
    assert world.row(uuid).problem == "Private cloud: the credentials are refused."
    assert world.state(uuid) == "requested", "no cloud has taken it yet"


def test_a_provider_that_left_the_settings(world: World) -> None:
    uuid = world.launch()
    world.go_on()
    world.settings = world.settings.model_copy(update={"providers": {}})
    del world.clouds["private"]
    world.want(uuid, "stopped")
    world.look()
    assert world.row(uuid).problem == "private: it is no longer set up here."


def test_what_can_never_be_made_fails_with_the_reason(world: World) -> None:
    uuid = world.launch()
    faulty(world, before={"create": Invalid("the cloud has no image 'debian-12'")})
    reason = "Private cloud cannot make it: the cloud has no image 'debian-12'"
    assert world.look() == [Failed(reason)]
    assert world.history(uuid)[-1] == ("failed", reason)
    assert [node.ended_at for node in world.nodes(uuid)] == [NOON]
    world.want(uuid, "deleted")
    assert world.look() == [Done()]
    assert world.used() == 0


def test_a_full_cloud_that_cannot_start_it_again(world: World) -> None:
    uuid = world.launch()
    world.go_on()
    world.want(uuid, "stopped")
    world.go_on()
    faulty(world, before={"start": Full("no room to start it")})
    world.want(uuid, "running")
    world.look()
    assert world.row(uuid).problem == "Private cloud: no room to start it."
    world.go_on(20)
    assert world.state(uuid) == "running"


def test_something_unexpected_is_told_too(world: World) -> None:
    uuid = world.launch()
    faulty(world, before={"create": RuntimeError("a bug")})
    loop = world.loop()
    loop.once()
    loop.drain(5)
    row = world.row(uuid)
    assert row.problem.startswith("Something unexpected went wrong here.")
    assert row.due_at is not None
    world.go_on(20)
    assert world.state(uuid) == "running"


# --- the cloud does as it likes ---


def at_the_cloud(world: World, verb: str) -> None:
    (server,) = world.servers("private")
    getattr(world.clouds["private"], verb)(server.id)
    world.clock.advance(5)


def look_again(world: World) -> None:
    """Make everything due, as a look at all servers would."""
    with world.database.writing() as session:
        session.execute(update(Appliance).values(due_at=world.clock()))


def test_a_machine_shut_down_from_inside_stays_down(world: World) -> None:
    uuid = world.launch()
    world.go_on()
    at_the_cloud(world, "stop")
    look_again(world)
    assert world.look() == [Done()]
    row = world.row(uuid)
    assert (row.state, row.goal) == ("stopped", "stopped")
    assert world.history(uuid)[-1] == ("stopped", "it stopped, and nobody here asked for it")


def test_one_started_at_the_cloud_is_stopped_again(world: World) -> None:
    uuid = world.launch()
    world.go_on()
    world.want(uuid, "stopped")
    world.go_on()
    at_the_cloud(world, "start")
    world.clock.advance(10)
    look_again(world)
    world.go_on()
    assert world.states(uuid)[-3:] == ["running", "stopping", "stopped"]


def test_a_lost_server_fails_and_can_be_tried_again(world: World) -> None:
    uuid = world.launch()
    world.go_on()
    at_the_cloud(world, "delete")
    look_again(world)
    (outcome,) = world.look()
    assert isinstance(outcome, Failed)
    assert world.addresses(uuid) == []
    assert world.used() == 1, "it still counts until it is deleted"
    world.retry(uuid)
    world.go_on()
    assert world.state(uuid) == "running"
    assert [server.identity.generation for server in world.servers("private")] == [2]


def test_a_retry_is_begun_once(world: World) -> None:
    uuid = world.launch()
    reason = "it has no such image"
    faulty(world, before={"create": Invalid(reason)})
    world.look()
    world.retry(uuid)
    look_again(world)
    world.look()
    faulty(world, before={"observe": Killed()})
    world.clock.advance(1)
    with pytest.raises(Killed):
        world.look()
    world.clock.advance(16)
    world.go_on()
    assert world.states(uuid)[-4:] == ["failed", "requested", "provisioning", "running"]
    row = world.row(uuid)
    assert (row.generation, row.seen_generation) == (2, 2)


def test_what_failed_before_anything_was_made_can_be_tried_again(world: World) -> None:
    with world.database.writing() as session:
        session.execute(update(Subscription).values(state="inactive"))
    uuid = world.launch()
    world.look()
    assert world.nodes(uuid) == []
    world.retry(uuid)
    assert world.state(uuid) == "failed", "only cloud-burst moves it"
    world.look()
    assert world.states(uuid)[-3:] == ["failed", "requested", "failed"]
    assert world.row(uuid).due_at is None, "it is tried once for each time that it is asked for"
    with world.database.writing() as session:
        session.execute(update(Subscription).values(state="active"))
    world.retry(uuid)
    world.go_on()
    assert world.state(uuid) == "running"
    assert [node.generation for node in world.nodes(uuid)] == [3]


class Broken(Faulty):
    """Builds servers that cannot run."""

    broken = True

    def observe(self, server_id: str) -> Server:
        server = super().observe(server_id)
        if not self.broken or server.state is ServerState.DELETING:
            return server
        return replace(server, state=ServerState.FAILED, problem="no valid host was found")


def test_a_broken_server_is_deleted_before_the_next_try(world: World) -> None:
    uuid = world.launch()
    cloud = Broken(world.clouds["private"])
    world.clouds["private"] = cloud
    reason = "the cloud could not run it: no valid host was found"
    assert world.look() == [Failed(reason)]
    assert len(world.servers("private")) == 1, "kept until a person has decided"
    assert world.row(uuid).due_at is None
    cloud.broken = False
    world.retry(uuid)
    world.look()
    assert [server.state for server in world.servers("private")] == [ServerState.DELETING]
    assert world.state(uuid) == "requested"
    world.go_on(20)
    assert [server.identity.generation for server in world.servers("private")] == [2]
    assert world.state(uuid) == "running"
    assert [node.generation for node in world.nodes(uuid)] == [1, 2]


def test_a_failed_one_is_deleted_with_its_server(world: World) -> None:
    uuid = world.launch()
    world.clouds["private"] = Broken(world.clouds["private"])
    world.look()
    world.want(uuid, "deleted")
    world.go_on()
    assert world.states(uuid)[-3:] == ["failed", "deleting", "deleted"]
    assert world.servers("private") == []
    assert world.used() == 0


def test_deleted_while_its_last_try_is_cleared_away(world: World) -> None:
    uuid = world.launch()
    world.clouds["private"] = Broken(world.clouds["private"])
    world.look()
    world.retry(uuid)
    world.look()
    world.want(uuid, "deleted")
    world.go_on()
    assert world.states(uuid)[-2:] == ["requested", "deleted"]
    assert world.servers("private") == []


def test_an_address_that_another_still_holds_waits(world: World) -> None:
    first = world.launch()
    world.go_on()
    # The cloud gives the address of a server that vanished to the next, before we know.
    at_the_cloud(world, "delete")
    second = world.launch()
    world.go_on()
    assert world.state(first) == "failed", "the dispute made us look"
    assert world.state(second) == "running"
    assert world.addresses(second) == ["192.168.0.2"]
    with world.database.reading() as session:
        assert session.query(HeldAddress).filter_by(released_at=None).count() == 1


def test_what_is_gone_while_it_is_called_is_looked_at_again(world: World) -> None:
    uuid = world.launch()
    world.go_on()
    faulty(world, before={"delete": Gone("there is no such server")})
    world.want(uuid, "deleted")
    world.go_on()
    assert world.state(uuid) == "deleted"


# --- claims ---


def test_a_wish_during_a_claim_is_not_slept_over(world: World) -> None:
    uuid = world.launch()
    (claim,) = world.claims()
    world.want(uuid, "deleted")
    world.reconciler.reconcile(claim)
    row = world.row(uuid)
    assert row.state == "deleted" or row.due_at == world.clock()
    world.look()
    assert world.row(uuid).goal == "deleted"


def test_a_wish_that_came_after_the_look_is_not_slept_over(world: World) -> None:
    uuid = world.launch()
    world.go_on()
    at_the_cloud(world, "stop")
    look_again(world)
    (claim,) = world.claims()

    class Wishing(Faulty):
        def observe(self, server_id: str) -> Server:
            server = super().observe(server_id)
            world.want(uuid, "deleted")
            return server

    world.clouds["private"] = Wishing(world.clouds["private"])
    world.reconciler.reconcile(claim)
    row = world.row(uuid)
    assert row.goal == "deleted", "an unasked stop does not take a wish back"
    assert row.due_at == world.clock()


def test_what_a_person_changed_meanwhile_is_looked_at_anew(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    uuid = world.launch()
    world.clouds["private"] = Broken(world.clouds["private"])
    world.look()
    look_again(world)
    (claim,) = world.claims()
    view = Records.view

    def and_then_retried(self: Records, claim: work.Claim) -> View:
        seen = view(self, claim)
        world.retry(uuid)
        return seen

    with monkeypatch.context() as patched:
        patched.setattr(Records, "view", and_then_retried)
        assert world.reconciler.reconcile(claim) == Again(0)
    row = world.row(uuid)
    assert (row.state, row.due_at) == ("failed", world.clock())
    world.look()
    assert world.state(uuid) == "requested"


def test_a_worker_that_was_frozen_past_its_claim_records_nothing(world: World) -> None:
    uuid = world.launch()
    (frozen,) = world.claims()

    world.clouds["private"] = Slow(world, world.go_on)
    with pytest.raises(ClaimLost):
        world.reconciler.reconcile(frozen)
    assert world.state(uuid) == "running"
    assert present(world) == [node.server_id for node in world.nodes(uuid)]
    world.want(uuid, "deleted")
    world.go_on(20)
    assert world.servers("private") == []


class Slow(Faulty):
    """Takes longer than a claim to make its first server; other things happen meanwhile.

    :param meanwhile: what happens before the server is there.
    """

    def __init__(self, world: World, meanwhile: Callable[[], object]) -> None:
        super().__init__(world.clouds["private"])
        self._world = world
        self._meanwhile = meanwhile

    def create(self, spec: ServerSpec) -> Server:
        self._world.clock.advance(16)
        self._world.clouds["private"] = self._cloud
        self._meanwhile()
        return super().create(spec)


def create_slowly(world: World, meanwhile: Callable[[], object]) -> None:
    """Let a worker lose its claim while it makes a server."""
    (claim,) = world.claims()
    world.clouds["private"] = Slow(world, meanwhile)
    with pytest.raises(ClaimLost):
        world.reconciler.reconcile(claim)


def test_a_server_that_came_after_another_workers_is_deleted(world: World) -> None:
    uuid = world.launch()
    create_slowly(world, world.look)
    assert present(world) == [node.server_id for node in world.nodes(uuid)]
    world.go_on()
    assert world.state(uuid) == "running"
    assert len(world.servers("private")) == 1


def test_a_server_that_came_after_the_deletion_is_deleted(world: World) -> None:
    uuid = world.launch()

    def delete() -> None:
        world.want(uuid, "deleted")
        world.look()

    create_slowly(world, delete)
    assert world.state(uuid) == "deleted"
    assert present(world) == []


def test_a_server_that_came_after_the_move_to_another_cloud_is_deleted(world: World) -> None:
    uuid = world.launch()

    def move_on() -> None:
        faulty(world, before={"create": Full("no room")})
        world.look()

    create_slowly(world, move_on)
    assert present(world) == []
    assert present(world, "public") == [world.nodes(uuid)[-1].server_id]


def test_a_server_that_came_while_another_worker_looked_is_kept(world: World) -> None:
    uuid = world.launch()
    taken: list[work.Claim] = []
    create_slowly(world, lambda: taken.extend(world.claims()))
    world.reconciler.reconcile(taken[0])
    world.go_on()
    assert world.state(uuid) == "running"
    assert len(world.servers("private")) == 1


def test_what_cannot_be_cleared_away_is_reaped_later(world: World) -> None:
    uuid = world.launch()

    def look() -> None:
        world.look()
        faulty(world, before={"delete": Temporary("it is busy")})

    create_slowly(world, look)
    assert len(present(world)) == 2
    world.go_on()
    assert world.state(uuid) == "running"
    assert len(world.servers("private")) == 1


def test_a_claim_is_renewed_on_the_way(world: World) -> None:
    world.launch()
    (claim,) = world.claims()

    class Dawdling(Faulty):
        def find(self, identity: Identity) -> Sequence[Server]:
            world.clock.advance(10)
            return super().find(identity)

        def observe(self, server_id: str) -> Server:
            world.clock.advance(10)
            assert world.claims() == []
            return super().observe(server_id)

    world.clouds["private"] = Dawdling(world.clouds["private"])
    world.reconciler.reconcile(claim)


def test_a_claim_is_renewed_before_a_server_is_asked_for(world: World) -> None:
    uuid = world.launch()
    (claim,) = world.claims()

    class Dawdling(Faulty):
        def find(self, identity: Identity) -> Sequence[Server]:
            world.clock.advance(10)
            return super().find(identity)

        def create(self, spec: ServerSpec) -> Server:
            world.clock.advance(10)
            assert world.claims() == []
            return super().create(spec)

    world.clouds["private"] = Dawdling(world.clouds["private"])
    world.reconciler.reconcile(claim)
    assert world.state(uuid) == "provisioning"


def test_a_worker_that_was_frozen_before_it_asks_for_a_server_asks_for_none(
    world: World,
) -> None:
    uuid = world.launch()
    (frozen,) = world.claims()

    class Dawdling(Faulty):
        def find(self, identity: Identity) -> Sequence[Server]:
            found = super().find(identity)
            world.clock.advance(16)
            world.clouds["private"] = self._cloud
            world.look()
            return found

    slow = Dawdling(world.clouds["private"])
    world.clouds["private"] = slow
    with pytest.raises(ClaimLost):
        world.reconciler.reconcile(frozen)
    assert "create" not in slow.calls
    assert present(world) == [node.server_id for node in world.nodes(uuid)]


def test_no_transaction_is_open_during_a_call(world: World) -> None:
    world.launch()
    open_ones: list[int] = []

    class Watching(Faulty):
        def _do(self, name: str, about: object) -> Any:
            open_ones.append(world.database.engine.pool.checkedout())  # type: ignore[attr-defined]
            return super()._do(name, about)

    world.clouds["private"] = Watching(world.clouds["private"])
    world.look()
    assert open_ones == [0, 0, 0]


def test_two_nodes_never_live_at_once(world: World) -> None:
    world.launch()
    world.look()
    with world.database.reading() as session:
        living = session.query(Node).filter_by(ended_at=None)
        assert living.count() == 1
