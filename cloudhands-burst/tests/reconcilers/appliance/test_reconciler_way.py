"""The reconciler takes one appliance from its launch to its deletion."""

from cloudhands.burst.outcome import Again, Done
from cloudhands.burst.testing import World
from cloudhands.burst.testing_faults import Faulty, faulty
from cloudhands.common.cloud import Identity, Server, ServerSpec


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
    assert (spec.image, spec.size) == ("debian-12", "m1.small")
    assert spec.user_data.startswith("#cloud-config")
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
