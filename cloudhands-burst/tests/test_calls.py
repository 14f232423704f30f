"""What is between cloud-burst and each cloud: limits, counting, pauses."""

from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import select

from cloudhands.burst.calls import Paced, Pausing, connected, crowded
from cloudhands.burst.guard import Guarded
from cloudhands.burst.metrics import Metrics
from cloudhands.burst.pace import Busy, Pace
from cloudhands.burst.pauses import Paused, Pauses
from cloudhands.burst.relay import Relay
from cloudhands.burst.testing import World
from cloudhands.burst.trouble import IN_A_ROW
from cloudhands.common import history
from cloudhands.common.actor.commands import component
from cloudhands.common.actor.queries import OPERATOR
from cloudhands.common.cloud import Cloud, Denied, Full, Gone, Invalid, Temporary
from cloudhands.common.mail.tables import Message
from cloudhands.common.provider import commands, pausing
from cloudhands.common.provider.queries import by_name
from cloudhands.common.provider.tables import Provider


class Answering(Relay):
    """A cloud that answers every call as it is told to."""

    def __init__(self, cloud: Cloud) -> None:
        super().__init__(cloud)
        self.error: Exception | None = None
        self.calls = 0

    def _call(self, name: str, *about: object) -> Any:
        self.calls += 1
        if self.error:
            raise self.error
        return None


@dataclass
class Guards:
    """One process's guarded cloud."""

    world: World
    cloud: Answering
    metrics: Metrics
    pauses: Pauses
    guarded: Pausing
    seconds: float = 0

    def ask(self, error: Exception | None = None) -> None:
        self.cloud.error = error
        self.guarded.observe("a-server")

    def fail(self, times: int, error: Exception, every: float = 1) -> None:
        for _ in range(times):
            self.seconds += every
            with pytest.raises(Temporary):
                self.ask(error)

    def counted(self, outcome: str) -> float:
        labels = {"provider": "private", "call": "observe", "outcome": outcome}
        found = self.metrics.registry.get_sample_value("cloudhands_cloud_calls_total", labels)
        return found or 0

    def row(self) -> Provider:
        with self.world.database.reading() as session:
            row = by_name(session, "private")
            assert row is not None
            session.expunge_all()
            return row


def process(world: World, mail: str = "") -> Guards:
    """Another process of cloud-burst on the same database."""
    settings = world.settings.model_copy(update={"operators_mail": mail})
    made: Guards

    def monotonic() -> float:
        return made.seconds

    cloud, metrics = Answering(world.clouds["private"]), Metrics()
    pauses = Pauses(world.database, settings, world.clock, monotonic)
    paced = Paced(Guarded(cloud, "private"), "private", Pace(4, 1000), metrics)
    made = Guards(world, cloud, metrics, pauses, Pausing(paced, "private", pauses, monotonic))
    return made


@pytest.fixture
def guards(world: World) -> Guards:
    return process(world, "ops@example.org")


def mails(world: World) -> list[Message]:
    with world.database.reading() as session:
        found = list(session.scalars(select(Message)))
        session.expunge_all()
        return found


def test_refused_credentials_pause_at_once_and_operators_are_told_once(guards: Guards) -> None:
    with pytest.raises(Denied):
        guards.ask(Denied("the password has expired."))
    row = guards.row()
    assert (row.state, row.pause_ends) == ("paused", "probe")
    assert row.problem == "our credentials are refused: the password has expired"
    assert row.due_at is not None
    assert 30 <= (row.due_at - guards.world.clock()).total_seconds() <= 60
    for _ in range(3):
        with pytest.raises(Paused, match="it is paused: our credentials are refused"):
            guards.ask()
    assert guards.cloud.calls == 1
    (mail,) = mails(guards.world)
    assert (mail.to, mail.template) == ("ops@example.org", "provider-paused")
    assert mail.values == {"provider": "private", "label": "Private cloud", "reason": row.problem}
    with guards.world.database.reading() as session:
        event = history.latest(session, row.uuid)[0]
    assert (event.from_state, event.to_state, event.who) == ("working", "paused", "cloud-burst")


def test_nobody_is_mailed_where_no_address_is_set(world: World) -> None:
    with pytest.raises(Denied):
        process(world).ask(Denied("no"))
    assert mails(world) == []


def test_lasting_trouble_pauses(guards: Guards) -> None:
    guards.fail(IN_A_ROW - 1, Temporary("it did not answer"))
    assert guards.row().state == "working"
    guards.fail(1, Temporary("it did not answer"))
    row = guards.row()
    assert row.state == "paused"
    assert row.problem.endswith("the last one because it did not answer")


@pytest.mark.parametrize(
    "error",
    [Full("no room"), Invalid("no image"), Gone("no server"), Temporary("slow down", 5)],
    ids=lambda error: type(error).__name__,
)
def test_what_a_cloud_that_works_answers_does_not(guards: Guards, error: Exception) -> None:
    for _ in range(2 * IN_A_ROW):
        guards.seconds += 1
        with pytest.raises(type(error)):
            guards.ask(error)
    assert guards.row().state == "working"
    assert guards.counted(type(error).__name__.lower()) == 2 * IN_A_ROW


def test_an_adapter_that_breaks_is_trouble_in_plain_words(guards: Guards) -> None:
    with pytest.raises(Temporary, match="is not what was promised"):
        guards.ask(KeyError("links"))
    guards.fail(IN_A_ROW - 1, ValueError("Expecting value: line 1"))
    assert guards.row().state == "paused"
    assert guards.counted("unexpected") == IN_A_ROW
    assert "Expecting" not in guards.row().problem


def test_another_process_hears_of_it_and_of_its_end(guards: Guards) -> None:
    other = process(guards.world)
    other.ask()
    with pytest.raises(Denied):
        guards.ask(Denied("no"))
    other.seconds += 2
    with pytest.raises(Paused):
        other.ask()
    with guards.world.database.writing() as session:
        provider = by_name(session, "private", lock=True)
        assert provider is not None
        operator = component(session, OPERATOR, guards.world.clock())
        assert pausing.resume(session, operator, provider, "mended", guards.world.clock())
    # At once: what was woken must not be put aside again.
    other.ask()
    guards.ask()
    assert guards.counted("ok") == 1


def test_trouble_that_comes_back_is_probed_later_and_mailed_once(guards: Guards) -> None:
    world = guards.world
    waits = []
    for _ in range(4):
        guards.fail(IN_A_ROW, Temporary("it did not answer"))
        row = guards.row()
        assert row.due_at is not None
        waits.append((row.due_at - world.clock()).total_seconds())
        with world.database.writing() as session:
            provider = by_name(session, "private", lock=True)
            assert provider is not None
            operator = component(session, OPERATOR, world.clock())
            pausing.resume(session, operator, provider, "a probe went well", world.clock())
            provider.attempt += 1
        world.clock.advance(30)
    for number, wait in enumerate(waits):
        assert 2.5 * 2**number <= wait <= 5 * 2**number
    assert len(mails(world)) == 1


def test_trouble_leaves_an_operators_pause_as_it_is(guards: Guards) -> None:
    world = guards.world
    with world.database.writing() as session:
        provider = commands.provider(session, "private", world.clock())
        operator = component(session, OPERATOR, world.clock())
        assert pausing.pause(session, operator, provider, "maintenance", world.clock())
    guards.pauses.pause("private", "it fails", denied=False)
    row = guards.row()
    assert (row.problem, row.pause_ends, row.due_at) == ("maintenance", "operator", None)
    assert mails(world) == []


def test_a_call_for_which_there_is_no_room_is_no_trouble(world: World) -> None:
    settings = world.settings.model_copy(
        update={
            "providers": {
                name: provider.model_copy(update={"calls_per_second": 0.01})
                for name, provider in world.settings.providers.items()
            }
        }
    )
    metrics = Metrics()
    pauses = Pauses(world.database, settings, world.clock)
    clouds = connected(world.clouds, settings, pauses, metrics)
    assert clouds["private"].listed(world.installation).servers == []
    for _ in range(2 * IN_A_ROW):
        with pytest.raises(Busy):
            clouds["private"].listed(world.installation)
    clouds["public"].listed(world.installation)
    assert crowded(clouds) == []
    with world.database.reading() as session:
        assert {row.state for row in session.scalars(select(Provider))} == {"working"}
    labels = {"provider": "private", "call": "listed", "outcome": "busy"}
    busy = metrics.registry.get_sample_value("cloudhands_cloud_calls_total", labels)
    assert busy == 2 * IN_A_ROW


def test_an_appliance_that_is_put_off_shows_no_trouble(world: World) -> None:
    uuid = world.launch()
    settings = world.settings
    pace = Pace(1, 0.01)
    pauses = Pauses(world.database, settings, world.clock)
    world.clouds["private"] = Pausing(
        Paced(world.clouds["private"], "private", pace, Metrics()), "private", pauses
    )
    world.look()
    row = world.row(uuid)
    assert (row.problem, row.attempt) == ("", 0)
    assert row.due_at is not None
    assert row.due_at > world.clock()


def test_a_provider_that_left_the_settings_keeps_its_row(world: World) -> None:
    pauses = Pauses(world.database, world.settings, world.clock)
    pauses.pause("elsewhere", "it fails", denied=False)
    with world.database.reading() as session:
        row = by_name(session, "elsewhere")
        assert row is not None
        assert row.paused == "it fails"
