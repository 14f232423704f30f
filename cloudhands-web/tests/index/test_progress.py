import io

import pytest
from structlog.testing import CapturingLogger

from cloudhands.web.index import progress
from cloudhands.web.index.progress import Shown, clock, left, sentence
from cloudhands.web.index.sync import Progress


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ((0, None, 0.0), "0 entries read, 0 a second"),
        ((500, None, 2.0), "500 entries read, 250 a second"),
        ((500, 1_000, 2.0), "500 of some 1,000 entries read, 250 a second, 2 s left"),
        ((10, 1_000_000, 1.0), "10 of some 1,000,000 entries read, 10 a second, 27 h 47 min left"),
        ((1_200, 1_000, 2.0), "1,200 of some 1,000 entries read, 600 a second"),
    ],
)
def test_sentences(told, expected):
    assert sentence(*told) == expected


def test_the_rest_is_unknown_without_a_rate():
    assert left(0, 100, 1.0) is None
    assert left(50, None, 1.0) is None
    assert left(100, 100, 1.0) == 0


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(0, "0 s"), (89, "89 s"), (90, "2 min"), (3600, "60 min"), (5400, "1 h 30 min")],
)
def test_spans(seconds, expected):
    assert clock(seconds) == expected


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_on_a_terminal_one_line_changes(monkeypatch):
    monkeypatch.setattr(progress, "TERMINAL_SECONDS", 0)
    stream = Terminal()
    shown = Shown(stream)
    for read in (10, 20):
        shown.told(Progress(read, 100, 1.0))
    shown.end()
    assert stream.getvalue().split(progress.CLEAR) == [
        "",
        "10 of some 100 entries read, 10 a second, 9 s left",
        "20 of some 100 entries read, 20 a second, 4 s left",
        "",
    ]


@pytest.fixture
def log(monkeypatch):
    log = CapturingLogger()
    monkeypatch.setattr(progress, "log", log)
    return log


def test_a_short_read_is_not_told(log):
    shown = Shown(io.StringIO())
    for read in range(1_000):
        shown.told(Progress(read, None, 1.0))
    assert log.calls == []


def test_a_long_one_takes_a_line_now_and_then(monkeypatch, log):
    monkeypatch.setattr(progress, "FIRST_LINE_SECONDS", 0)
    shown = Shown(io.StringIO())
    for read in range(1_000):
        shown.told(Progress(read, 2_000, 1.0))
    assert [call.args for call in log.calls] == [("reading",)]
