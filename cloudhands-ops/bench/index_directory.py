"""What `index.py` measures beside a real slapd: reading everybody, and seeing changes.

Reading is measured to the attributes of each entry, with pages of the same size and the same
attributes for all three. Changes are followed by a real `cloud-index`, as in production.
"""

import itertools
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import ldap3
from harness.report import Figure, Figures
from harness.rounds import Plan, Ratio, interleaved, ratio
from index_changes import Changes

from cloudhands.common import directory, settings
from cloudhands.common.errors import DirectoryError, IndexUnavailable
from cloudhands.common.testing import directories, people, programs, slapd
from cloudhands.common.testing.ports import free_port
from cloudhands.common.testing.processes import ProcessError, running
from cloudhands.web.index import engine, sync
from cloudhands.web.index.people import People
from cloudhands.web.index.sync import full
from cloudhands.web.index.sync.guard import Guard, never
from cloudhands.web.index.sync.server import ask
from cloudhands.web.index.sync.session import Session

OURS, LDAPSEARCH, LDAP3 = "ours", "ldapsearch", "ldap3"
KEYS = ("read_of_ldapsearch", "read_of_ldap3", "change_visible_ms", "idle_poll_ms")
PAGE = 500
POLLS = 20
FIRST_READ_SECONDS = 600.0
UNMEASURABLE = (DirectoryError, IndexUnavailable, ProcessError, OSError)

Read = Callable[[], int]


@dataclass(frozen=True)
class Extent:
    """How much is read, and how often.

    :param people: in the directory.
    :param rounds: how often everybody is read, and ten things are changed.
    """

    people: int
    rounds: int


class Reading:
    """Reads the directory over and over: a `harness.rounds.Rater`.

    :param expected: how many entries each reading has to bring.
    """

    def __init__(self, expected: int) -> None:
        self._expected = expected

    def rate(self, target: Read, seconds: float) -> float:
        """How many entries a second, by at least one reading."""
        read, started = 0, time.perf_counter()
        while not read or time.perf_counter() - started < seconds:
            found = target()
            if found != self._expected:
                raise OSError(f"{found} entries of {self._expected} were read")
            read += found
        return read / (time.perf_counter() - started)


def measure(folder: Path, extent: Extent) -> Figures:
    """Every figure of reading and of changes, by its key.

    :param folder: for the directory and its index.
    """
    ldapsearch = programs.find("ldapsearch")
    if slapd.find() is None or ldapsearch is None:
        why = "slapd or ldapsearch is not installed: install the packages slapd and ldap-utils"
        return dict.fromkeys(KEYS, Figure(None, why))
    found: dict[str, Figure] = {}
    try:
        with _served(folder, extent.people) as server:
            source = directories.settings_for(server.url).model_copy(update={"page_size": PAGE})
            found.update(_read(folder, source, ldapsearch, extent))
            found["change_visible_ms"] = _changes(folder, server, source, extent.rounds)
            found["idle_poll_ms"] = _polls(folder, source)
    except UNMEASURABLE as error:
        # Of a program that failed, its last word.
        why = str(error).strip().splitlines()[-1]
        return {**dict.fromkeys(KEYS, Figure(None, why)), **found}
    return found


@contextmanager
def _served(folder: Path, count: int) -> Iterator[slapd.Slapd]:
    entries = itertools.chain(people.tree(), people.stream(count))
    ldif = people.write(folder / "people.ldif", entries)
    setup = slapd.Setup(syncprov=True, unpaged=None)
    slapd.prepare(folder / "slapd", ldif, setup=setup)
    ldif.unlink()
    with slapd.running_on(folder / "slapd", free_port()) as server:
        yield server


# --- Reading ----------------------------------------------------------------------------------


def _read(
    folder: Path, source: settings.Directory, ldapsearch: Path, extent: Extent
) -> Mapping[str, Figure]:
    targets: dict[str, Read] = {
        OURS: lambda: _by_ours(folder, source),
        LDAPSEARCH: lambda: _by_ldapsearch(ldapsearch, source, extent.people),
        LDAP3: lambda: _by_ldap3(source),
    }
    # Each reading is long enough by itself.
    rates = interleaved(Reading(extent.people), targets, Plan(extent.rounds, 0))
    ours = f"ours {statistics.median(rates[OURS]):,.0f} entries a second"
    return {
        "read_of_ldapsearch": _figure(ratio(rates, OURS, LDAPSEARCH), ours),
        "read_of_ldap3": _figure(ratio(rates, OURS, LDAP3)),
    }


def _figure(found: Ratio, note: str = "") -> Figure:
    return Figure(found.median, f"{found.low:.3g} to {found.high:.3g}{'; ' if note else ''}{note}")


def _by_ours(folder: Path, source: settings.Directory) -> int:
    with (
        engine.writer(folder / "unused") as writer,
        directory.connect(source, folder) as connection,
    ):
        server, guard = ask(connection, source.base), Guard(1, never)
        session = Session(connection, server, source, writer, guard, threading.Event())
        found = full.pages(session, source.shown, directory.wanted(source.attributes))
        return sum(1 for _ in found)


def _by_ldapsearch(program: Path, source: settings.Directory, expected: int) -> int:
    done = subprocess.run(
        [
            *(str(program), "-x", "-H", source.url, "-b", source.base, "-LLL"),
            *("-o", "ldif-wrap=no", "-E", f"pr={source.page_size}/noprompt"),
            *(source.shown, *directory.wanted(source.attributes)),
        ],
        stdout=subprocess.DEVNULL,
        check=False,
    )
    # It fails unless it has read everybody, and to count its lines would cost as much again.
    return expected if done.returncode == 0 else 0


def _by_ldap3(source: settings.Directory) -> int:
    # As ldap3 comes: a connection of ours goes without its quick decoder, which nobody can trust.
    server = ldap3.Server(source.url, get_info=ldap3.NONE)
    with ldap3.Connection(server, raise_exceptions=True, check_names=False) as connection:
        found = connection.extend.standard.paged_search(
            source.base,
            source.shown,
            attributes=directory.wanted(source.attributes),
            dereference_aliases=ldap3.DEREF_NEVER,
            paged_size=source.page_size,
            generator=True,
        )
        return sum(1 for entry in found if entry["type"] == "searchResEntry")


# --- Changes ----------------------------------------------------------------------------------


def _changes(folder: Path, server: slapd.Slapd, source: settings.Directory, rounds: int) -> Figure:
    found = People(folder / "state" / "index")
    with (
        running(
            _cloud_index(folder, source),
            ready=lambda: _is_there(found),
            limit=FIRST_READ_SECONDS,
        ),
        server.administrator() as administrator,
    ):
        changes = Changes(administrator, found)
        # The first one also makes whom the others rename and remove.
        changes.visible_after(0)
        return _median([changes.visible_after(number) * 1000 for number in range(1, rounds + 1)])


def _cloud_index(folder: Path, source: settings.Directory) -> Sequence[str]:
    sets = {
        "state": folder / "state",
        "directory.url": source.url,
        "directory.base": source.base,
        "directory.page_size": source.page_size,
    }
    module = [sys.executable, "-m", "cloudhands.web.index.main"]
    return [*module, *(f"--set={key}={value}" for key, value in sets.items())]


def _is_there(found: People) -> bool:
    try:
        return bool(found.search(people.COLLEAGUE[0]))
    except IndexUnavailable:
        return False


def _polls(folder: Path, source: settings.Directory) -> Figure:
    """How long one sync takes that finds nothing new, from the connection on."""
    with engine.writer(folder / "state" / "index", engine.stamp_of(source)) as writer:
        sync.once(writer, source, folder)
        times = []
        for _ in range(POLLS):
            started = time.perf_counter()
            sync.once(writer, source, folder)
            times.append((time.perf_counter() - started) * 1000)
        position = writer.position()
    return _median(times, f"by {position.protocol if position else 'nothing'}")


def _median(found: Sequence[float], note: str = "") -> Figure:
    spread = f"{min(found):.3g} to {max(found):.3g} in {len(found)} rounds"
    return Figure(statistics.median(found), f"{spread}{'; ' if note else ''}{note}")
