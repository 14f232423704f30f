"""Each fault of a simulated cloud, one at a time."""

from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import ValidationError

from cloudhands.burst.guard import Guarded
from cloudhands.burst.providers.simulated.adapter import SimulatedCloud, connected
from cloudhands.burst.providers.simulated.faults import Call, Faults
from cloudhands.burst.providers.simulated.faults_file import beside, remove, write
from cloudhands.burst.providers.simulated.options import Options
from cloudhands.burst.testing import HeldClock
from cloudhands.common.cloud import (
    Cloud,
    Denied,
    Full,
    Gone,
    Identity,
    Server,
    ServerSpec,
    ServerState,
    Temporary,
)

OPTIONS = Options(
    file=Path("private.db"),
    capacity=1000,
    images=("debian-12",),
    sizes=("m1.small",),
    boot_seconds=10,
    delete_seconds=2,
)
SPEC = ServerSpec(Identity("here", "appliance", 1), "ch-1", "debian-12", "m1.small")


class Place:
    """A troubled cloud, the same one without trouble, and their clock."""

    def __init__(self, folder: Path, faults: Faults | None = None) -> None:
        self.clock = HeldClock()
        self.file = beside(folder / OPTIONS.file)
        options = OPTIONS.model_copy(update={"faults": faults or Faults()})
        self.cloud: Cloud = Guarded(connected("private", options, folder, self.clock), "private")
        self.plain = SimulatedCloud(OPTIONS, folder, self.clock)

    def faults(self, **faults: Any) -> None:
        write(self.file, Faults.model_validate(faults))

    def found(self) -> list[Server]:
        return list(self.plain.find(SPEC.identity))

    def running(self) -> str:
        server_id = self.plain.create(replace(SPEC, external_address=True)).id
        self.clock.advance(10)
        return server_id


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_faults_of_the_settings_hold_from_the_beginning(tmp_path: Path) -> None:
    place = Place(tmp_path, Faults(temporary={"create": 1}))
    with pytest.raises(Temporary):
        place.cloud.create(SPEC)
    place.faults()
    place.cloud.create(SPEC)
    remove(place.file)
    with pytest.raises(Temporary):
        place.cloud.create(SPEC)


def test_each_call_can_be_troubled_and_any_names_them_all(place: Place) -> None:
    about: dict[str, tuple[Any, ...]] = {
        "find": (SPEC.identity,),
        "listed": ("here",),
        "standing": ([], []),
        "create": (SPEC,),
        "release": (SPEC.identity,),
        "resize": ("x", "m1.small"),
    }
    names = set(get_args(Call)) - {"any"}
    place.faults(temporary={"any": 1})
    for name in names:
        with pytest.raises(Temporary, match="trouble of its own"):
            getattr(place.cloud, name)(*about.get(name, ("x",)))
    place.faults(temporary={"any": 1, "create": 0})
    place.cloud.create(SPEC)


@pytest.mark.parametrize(
    ("fault", "done"),
    [
        ("temporary", False),
        ("timeout_before", False),
        ("lost", True),
        ("timeout_after", True),
        ("strange", True),
    ],
)
def test_a_fault_comes_before_or_after_it_is_done(place: Place, fault: str, done: bool) -> None:
    place.faults(**{fault: {"create": 1}}, timeout_seconds=0.001)
    with pytest.raises(Temporary) as caught:
        place.cloud.create(SPEC)
    assert bool(place.found()) is done
    place.faults()
    assert list(place.cloud.find(SPEC.identity)) == place.found()
    if fault == "strange":
        assert str(caught.value) == (
            "the cloud's answer to create is not what was promised (KeyError)"
        )


def test_it_can_be_full_for_what_needs_room_alone(place: Place) -> None:
    server_id = place.running()
    place.faults(full={"any": 1})
    for call, about in (
        (place.cloud.create, (SPEC,)),
        (place.cloud.give_address, (server_id,)),
        (place.cloud.resize, (server_id, "m1.small")),
    ):
        with pytest.raises(Full):
            call(*about)  # type: ignore[operator]
    assert place.cloud.observe(server_id).state is ServerState.RUNNING


def test_credentials_are_refused(place: Place) -> None:
    place.faults(denied=True)
    with pytest.raises(Denied, match="refuses the credentials"):
        place.cloud.standing([], [])


def test_who_calls_too_often_is_told_when_to_call_again(place: Place) -> None:
    place.faults(calls_per_second=2)
    place.cloud.find(SPEC.identity)
    place.clock.advance(0.25)
    place.cloud.find(SPEC.identity)
    with pytest.raises(Temporary, match="too often") as caught:
        place.cloud.find(SPEC.identity)
    assert caught.value.retry_after == 0.75
    place.clock.advance(0.75)
    place.cloud.find(SPEC.identity)


def test_a_late_server_is_not_found_at_first(place: Place) -> None:
    place.faults(late=1, late_seconds=5)
    server_id = place.cloud.create(SPEC).id
    place.faults()
    place.clock.advance(4.9)
    assert list(place.cloud.find(SPEC.identity)) == []
    assert list(place.cloud.listed("here").servers) == []
    with pytest.raises(Gone):
        place.cloud.observe(server_id)
    assert [server.id for server in place.plain.everything().servers] == [server_id]
    place.clock.advance(0.1)
    found = place.cloud.observe(server_id)
    assert place.cloud.find(SPEC.identity) == [found] == list(place.cloud.listed("here").servers)


@pytest.mark.parametrize("share", [0, 1])
def test_a_build_can_fail(place: Place, share: float) -> None:
    place.faults(failing=1, failing_full=share)
    server_id = place.cloud.create(SPEC).id
    place.faults()
    assert place.cloud.observe(server_id).problem == ""
    place.clock.advance(10)
    server = place.cloud.observe(server_id)
    assert (server.state, server.full) == (ServerState.FAILED, bool(share))
    words = "No valid host was found" if share else "Build of instance aborted"
    assert server.problem.startswith(words)
    with pytest.raises(Temporary, match="still failed"):
        place.cloud.stop(server_id)
    place.cloud.delete(server_id)
    place.clock.advance(2)
    assert place.found() == []


def test_a_deletion_can_be_slow(place: Place) -> None:
    server_id = place.running()
    place.faults(slow_deletion=1, slow_seconds=30)
    place.cloud.delete(server_id)
    place.faults()
    place.clock.advance(31.9)
    place.cloud.delete(server_id)
    assert place.cloud.observe(server_id).state is ServerState.DELETING
    place.clock.advance(0.1)
    with pytest.raises(Gone):
        place.cloud.observe(server_id)


def test_a_deletion_sticks_until_the_cloud_is_mended(place: Place) -> None:
    server_id = place.running()
    place.faults(stuck_deletion=1)
    place.cloud.delete(server_id)
    place.clock.advance(1_000_000)
    place.cloud.create(SPEC)
    assert place.cloud.observe(server_id).state is ServerState.DELETING
    place.faults()
    with pytest.raises(Gone):
        place.cloud.observe(server_id)
    place.cloud.create(SPEC)
    assert place.cloud.standing([], []).quota["appliances"].used == 2


def test_listings_have_holes(place: Place) -> None:
    made = {place.plain.create(SPEC).id for _ in range(40)}
    place.faults(seed=1, holes=0.5)
    first = {server.id for server in place.cloud.listed("here").servers}
    second = {server.id for server in place.cloud.listed("here").servers}
    assert first < made
    assert second < made
    assert first != second
    assert len(place.cloud.find(SPEC.identity)) == 40


def test_everything_vanishes_from_the_listing(place: Place) -> None:
    server_id = place.running()
    place.cloud.give_address(server_id)
    place.faults(vanished=True)
    listing = place.cloud.listed("here")
    assert (list(listing.servers), list(listing.held)) == ([], [])
    assert place.cloud.observe(server_id).external


def test_a_seed_draws_the_same_again(place: Place) -> None:
    def drawn(seed: int) -> str:
        place.faults(seed=seed, temporary={"find": 0.5})
        return "".join(map(str, (outcome() for _ in range(40))))

    def outcome() -> int:
        try:
            place.cloud.find(SPEC.identity)
        except Temporary:
            return 0
        return 1

    first, other, again = drawn(1), drawn(2), drawn(1)
    assert first == again != other
    assert 5 < first.count("1") < 35


# --- the file ---


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"temporary": {"creat": 1}}', "temporary.creat: Input should be 'any', 'find'"),
        ('{"holes": 2}', "holes: Input should be less than or equal to 1"),
        ('{"hole": 1}', "hole: Extra inputs are not permitted"),
        ("holes = 1", "Invalid JSON"),
    ],
)
def test_a_wrong_file_is_said_to_be_until_it_is_mended(place: Place, text: str, said: str) -> None:
    place.file.write_text(text)
    for _ in range(2):
        with pytest.raises(Temporary) as caught:
            place.cloud.find(SPEC.identity)
        assert str(caught.value).startswith(f"its faults, {place.file}, cannot be used")
        assert said in str(caught.value)
    place.faults()
    place.cloud.find(SPEC.identity)


def test_the_file_is_replaced_as_a_whole(place: Place) -> None:
    before = Faults(seed=3, lost={"create": 0.25}, vanished=True)
    write(place.file, before)
    assert Faults.model_validate_json(place.file.read_text()) == before
    with place.file.open() as held:
        write(place.file, Faults())
        assert "vanished" in held.read(), "who has it open reads on in the old one"
    assert [file.name for file in place.file.parent.iterdir()] == ["private.faults.json"]


def test_a_chance_is_from_0_to_1() -> None:
    for wrong in ({"temporary": {"find": 1.1}}, {"late": -0.1}, {"lost": {"fnid": 0.1}}):
        with pytest.raises(ValidationError):
            Faults.model_validate(wrong)
