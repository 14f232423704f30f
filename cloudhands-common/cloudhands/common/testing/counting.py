"""Says at the end of a run how many of the passed tests used which kind of database.

A pytest plugin; the root `conftest.py` registers it. A test counts for a kind when a connection to
one was taken from a pool while it was set up or ran, in its own process. Tests that leave
the database to a program that they start therefore count as "neither".
"""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.pool import Pool

KINDS = ("sqlite", "postgresql")
NEITHER = "neither"
PROPERTY = "databases"
DRIVERS = {"sqlite3": "sqlite", "psycopg": "postgresql"}


class DatabaseCounter:
    """Notes what each test uses, and counts it where the reports arrive.

    With xdist the notes are made in the workers, travel with the reports, and are counted in the
    process that hands out the tests.
    """

    def __init__(self) -> None:
        self._used: set[str] = set()
        self._passed: Counter[str] = Counter()

    def note(self, connection: Any, *_: Any) -> None:
        """A connection was taken from a pool."""
        kind = DRIVERS.get(type(connection).__module__.partition(".")[0])
        if kind:
            self._used.add(kind)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self) -> Iterator[None]:
        """A test begins."""
        self._used.clear()
        return (yield)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[None]) -> None:
        """A test has been run: what it used goes into its report."""
        if call.when == "call":
            item.user_properties.append((PROPERTY, sorted(self._used)))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """A report has arrived, from this process or from a worker."""
        if report.when == "call" and report.passed:
            used = dict(report.user_properties).get(PROPERTY) or [NEITHER]
            assert isinstance(used, list)
            self._passed.update(used)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print the line; `check.sh` looks for how it begins."""
        counts = ", ".join(f"{kind} {self._passed[kind]}" for kind in (*KINDS, NEITHER))
        terminalreporter.write_line(f"passed by database: {counts}")


def pytest_configure(config: pytest.Config) -> None:
    """Register the counter."""
    counter = DatabaseCounter()
    event.listen(Pool, "checkout", counter.note)
    config.add_cleanup(lambda: event.remove(Pool, "checkout", counter.note))
    config.pluginmanager.register(counter, "database-counter")
