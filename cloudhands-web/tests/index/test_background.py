import threading

import pytest

from cloudhands.web.index.background import ends_in_time


@pytest.fixture
def over():
    """Set when the test is: what hangs may end then."""
    event = threading.Event()
    yield event
    event.set()


def test_what_ends_by_itself(over):
    assert ends_in_time(lambda: None, threading.Event(), 0)


def test_what_ends_when_it_has_to(over):
    stopping = threading.Event()
    threading.Timer(0.05, stopping.set).start()
    assert ends_in_time(lambda: stopping.wait() and None, stopping, 10)


def test_what_does_not_end_is_not_waited_for(over):
    stopping = threading.Event()
    stopping.set()
    assert not ends_in_time(lambda: over.wait() and None, stopping, 0.05)


def test_what_it_raises_is_raised(over):
    def failing():
        raise KeyError("here")

    with pytest.raises(KeyError, match="here"):
        ends_in_time(failing, threading.Event(), 0)
