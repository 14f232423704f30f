import pytest

from cloudhands.common.errors import DirectoryError
from cloudhands.web.index.sync import DeletionsRefused
from cloudhands.web.index.sync.waiting import LONGEST_RETRY, STEADY, after_failure, retry_after


def test_waits_grow_and_are_bounded() -> None:
    waits = [retry_after(failures) for failures in range(100)]
    assert waits[:4] == [1, 2, 4, 8]
    assert max(waits) == waits[-1] == LONGEST_RETRY


@pytest.mark.parametrize(
    ("error", "took", "least", "most"),
    [
        (DirectoryError("away"), 10, 0.5, 1),
        (DirectoryError("lost at the end"), STEADY + 40, STEADY + 40, STEADY + 40),
        (DeletionsRefused("too many"), 0.001, 0.5, 1),
        (DeletionsRefused("too many"), 30, 300, 300),
    ],
)
def test_a_large_directory_is_not_read_in_vain_all_the_time(
    error: Exception, took: float, least: float, most: float
) -> None:
    assert least <= after_failure(error, 0, took) <= most
