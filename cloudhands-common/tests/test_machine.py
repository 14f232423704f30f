import pytest

from cloudhands.common import history
from cloudhands.common.appliance.states import APPLIANCE, GOALS
from cloudhands.common.db import Database
from cloudhands.common.errors import Conflict
from cloudhands.common.machine import Arrow, Machine, move
from cloudhands.common.membership.states import MEMBERSHIP
from cloudhands.common.provider.states import SUBSCRIPTION
from cloudhands.common.registration.states import REGISTRATION
from cloudhands.common.testing.factories import NOON, Factory

MACHINES = {
    "appliance": APPLIANCE,
    "membership": MEMBERSHIP,
    "registration": REGISTRATION,
    "subscription": SUBSCRIPTION,
}


def reachable(machine: Machine, start: str) -> set[str]:
    found = {start}
    while more := {a.target for a in machine.arrows if a.source in found} - found:
        found |= more
    return found


@pytest.mark.parametrize("machine", MACHINES.values(), ids=MACHINES)
class TestEveryMachine:
    def test_every_state_is_reached(self, machine: Machine) -> None:
        assert reachable(machine, machine.initial) == machine.states

    def test_no_arrow_is_there_twice_or_leads_nowhere(self, machine: Machine) -> None:
        ends = [(arrow.source, arrow.target) for arrow in machine.arrows]
        assert len(set(ends)) == len(ends)
        assert all(source != target for source, target in ends)

    def test_every_arrow_says_what_it_means(self, machine: Machine) -> None:
        assert all(arrow.meaning for arrow in machine.arrows)


def test_an_appliance_can_be_deleted_from_every_state() -> None:
    for state in APPLIANCE.states:
        assert "deleted" in reachable(APPLIANCE, state)
        assert "deleted" in GOALS[state]


def test_a_deleted_appliance_stays_deleted() -> None:
    assert reachable(APPLIANCE, "deleted") == {"deleted"}
    assert reachable(APPLIANCE, "deleting") == {"deleting", "deleted"}


def test_the_tables_beside_the_machine_know_every_state() -> None:
    assert set(GOALS) == APPLIANCE.states


def test_a_move_is_recorded(database: Database) -> None:
    with database.writing() as session:
        make = Factory(session)
        organisation = make.organisation()
        appliance = make.appliance(organisation, make.member(organisation))
        version = appliance.version
        move(session, APPLIANCE, appliance, "provisioning", make.burst, "a cloud is there", NOON)
        (event, _) = history.latest(session, appliance.uuid)
        assert appliance.state == "provisioning"
        assert appliance.version == version + 1
    assert (event.from_state, event.to_state) == ("requested", "provisioning")
    assert (event.who, event.why, event.at) == ("cloud-burst", "a cloud is there", NOON)
    assert event.changed_state


def test_a_move_that_the_table_does_not_have_changes_nothing(database: Database) -> None:
    with database.writing() as session:
        make = Factory(session)
        organisation = make.organisation()
        appliance = make.appliance(organisation, make.member(organisation))
        version = appliance.version
        with pytest.raises(Conflict, match="that is requested cannot become running"):
            move(session, APPLIANCE, appliance, "running", make.burst, "why not", NOON)
        assert (appliance.state, appliance.version) == ("requested", version)
        assert len(history.latest(session, appliance.uuid)) == 1


def test_a_machine_knows_its_states_by_its_arrows() -> None:
    machine = Machine("a", (Arrow("a", "b", "because"),))
    assert machine.states == {"a", "b"}
    assert machine.allows("a", "b")
    assert not machine.allows("b", "a")
