import pytest

from cloudhands.web.index.sync.guard import FEWEST, WINDOW, DeletionsRefused, Guard


class Clock:
    def __init__(self) -> None:
        self.time = 1000.0

    def __call__(self) -> float:
        return self.time


@pytest.mark.parametrize(
    ("deleted", "before", "after", "passes"),
    [
        (0, 0, 0, True),
        (0, 100, 100, True),
        (20, 100, 80, True),
        (21, 100, 79, False),
        # As many came as went: those who went are missed all the same.
        (21, 100, 100, False),
        (FEWEST, 12, 2, True),
        (FEWEST + 1, 12, 1, False),
        (1, 1, 0, False),
        (5, 5, 0, False),
        (2_000, 10_000, 8_000, True),
        (2_001, 10_000, 7_999, False),
    ],
)
def test_how_many_may_go(deleted: int, before: int, after: int, passes: bool) -> None:
    guard = Guard(0.2)
    if passes:
        guard.require(deleted, before, after)
    else:
        with pytest.raises(DeletionsRefused):
            guard.require(deleted, before, after)


def test_deletions_add_up_for_an_hour() -> None:
    clock = Clock()
    guard = Guard(0.2, clock=clock)
    people = 100
    for _ in range(20):
        guard.require(1, people, people - 1)
        guard.committed()
        people -= 1
        clock.time += 60
    with pytest.raises(DeletionsRefused, match="after 20 in the last hour"):
        guard.require(1, people, people - 1)
    # What was refused does not count; what is long ago does not either.
    clock.time += WINDOW
    guard.require(1, people, people - 1)


def test_what_is_confirmed_counts_no_more() -> None:
    asked = []

    def confirmed() -> bool:
        asked.append(True)
        return len(asked) > 1

    guard = Guard(0.2, confirmed)
    guard.require(20, 100, 80)
    guard.committed()
    assert not asked
    with pytest.raises(DeletionsRefused, match="30 of 80"):
        guard.require(30, 80, 50)
    guard.require(30, 80, 50)
    guard.committed()
    guard.require(10, 50, 40)
    assert len(asked) == 2


def test_only_what_is_committed_counts() -> None:
    guard = Guard(0.2)
    for _ in range(3):
        # As where the disk is full, and it is tried again.
        guard.require(15, 100, 85)
    guard.committed()
    with pytest.raises(DeletionsRefused, match="after 15 in the last hour"):
        guard.require(15, 85, 70)


def test_nobody_left_cannot_be_confirmed() -> None:
    with pytest.raises(DeletionsRefused, match="keeps its 3 people"):
        Guard(1, lambda: True).require(3, 3, 0)


def test_a_share_of_all() -> None:
    Guard(1).require(99, 100, 1)
