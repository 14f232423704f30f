from cloudhands.burst.outcome import Again


def test_a_launched_appliance_runs(world) -> None:
    uuid = world.launch()
    assert world.look() == [Again(1.0)]
    assert world.state(uuid) == "provisioning"
    world.go_on(15)
    row = world.row(uuid)
    assert (row.state, row.due_at, row.problem) == ("running", None, "")
    print(world.history(uuid), row.placement, world.addresses(uuid))
