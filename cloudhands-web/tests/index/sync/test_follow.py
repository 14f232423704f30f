from cloudhands.web.index.sync.follow import LONGEST_RETRY, retry_after


def test_waits_grow_and_are_bounded() -> None:
    waits = [retry_after(failures) for failures in range(100)]
    assert waits[:4] == [1, 2, 4, 8]
    assert max(waits) == waits[-1] == LONGEST_RETRY
