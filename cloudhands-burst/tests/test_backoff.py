import pytest

from cloudhands.burst.backoff import LONGEST_SECONDS, Backoff

BACKOFF = Backoff(first=1, cap=60)


@pytest.mark.parametrize(
    ("attempt", "most"), [(1, 1), (2, 2), (3, 4), (6, 32), (7, 60), (1000, 60)]
)
def test_it_doubles_up_to_the_cap_with_jitter(attempt: int, most: float) -> None:
    waits = {BACKOFF.after(attempt) for _ in range(200)}
    assert len(waits) > 100
    assert most / 2 <= min(waits) <= max(waits) <= most


def test_the_cloud_may_ask_for_longer_but_not_for_ever() -> None:
    assert BACKOFF.after(1, retry_after=90) == 90
    assert BACKOFF.after(1, retry_after=1e9) == LONGEST_SECONDS
    assert BACKOFF.after(5, retry_after=0.1) >= 8
