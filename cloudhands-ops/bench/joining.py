#!/usr/bin/env python
"""Somebody joins the directory: how soon the portal's page shows them, and whether it still answers
while the directory is down.

A slapd that is reached by StartTLS, a `cloud-index` that follows it and a `cloud-serve`, all as in
production. OpenLDAP's own `ldapadd` adds one person after the other; from its end on the page is
asked for until they are on it. Then slapd is killed, and the page is asked for once more.

Exit status: 0 each was seen within a second, and the page answers without a directory; 1 not: each
difference is named; 2 something could not be measured.
"""

import argparse
import itertools
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
from harness import report, servers

from cloudhands.common import clock, opening
from cloudhands.common.account.sessions import open_session
from cloudhands.common.db import opened
from cloudhands.common.testing import certificates, people, programs, slapd
from cloudhands.common.testing.factories import Factory
from cloudhands.common.testing.ports import LOOPBACK, free_port
from cloudhands.common.testing.processes import ProcessError, running
from cloudhands.web.http.cookies import SESSION_COOKIE

PEOPLE, QUICK_PEOPLE = 100_000, 1_000
JOINING, QUICK_JOINING = 20, 5
ALLOWED_MS = 1_000.0
LIMIT_SECONDS = 30.0
FIRST_READ_SECONDS = 600.0
CLOUD_INDEX = Path(sys.executable).with_name("cloud-index")
SETTINGS = """
state = "{folder}/state"
[database]
url = "sqlite:///{folder}/cloudhands.db"
[directory]
url = "{url}"
base = "{base}"
start_tls = true
ca_file = "{ca_file}"
[index]
# Whoever measures asks more often than people type.
searches_per_minute = 100000
"""


def main(argv: Sequence[str] | None = None) -> int:
    """The command's entry point."""
    options = _parser().parse_args(argv)
    ldapadd = programs.find("ldapadd")
    if slapd.find() is None or ldapadd is None:
        print("slapd or ldapadd is not installed: install slapd and ldap-utils", file=sys.stderr)
        return 2
    if busy := report.busy():
        print(busy, file=sys.stderr)
    count = QUICK_PEOPLE if options.quick else options.people
    joining = QUICK_JOINING if options.quick else options.joining
    try:
        with (
            TemporaryDirectory(prefix="cloudhands-bench-") as folder,
            _directory(Path(folder), count) as directory,
            _page(Path(folder), directory) as page,
        ):
            told, wrong = _measured(directory, page, ldapadd, joining)
    except (ProcessError, OSError, httpx.HTTPError) as error:
        print(str(error), file=sys.stderr)
        return 2
    print(report.told({"people": count, **told}, wrong, as_json=options.json))
    return 1 if wrong else 0


def _parser() -> argparse.ArgumentParser:
    arguments = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument("--json", action="store_true", help="print one JSON object")
    arguments.add_argument(
        "--quick",
        action="store_true",
        help=f"{QUICK_JOINING} join {QUICK_PEOPLE:,} people",
    )
    arguments.add_argument(
        "--people",
        type=int,
        default=PEOPLE,
        metavar="N",
        help="how many are in the directory before (%(default)s)",
    )
    arguments.add_argument(
        "--joining", type=int, default=JOINING, metavar="N", help="how many join (%(default)s)"
    )
    return arguments


class _Directory:
    """A slapd that speaks StartTLS, and how `ldapadd` reaches it.

    :param ca_file: of the authority that vouches for it.
    :param password_file: the administrator's.
    """

    def __init__(self, server: slapd.Slapd, ca_file: Path, password_file: Path) -> None:
        self.server = server
        self.ca_file = ca_file
        self._password_file = password_file

    def add(self, ldapadd: Path, entry: people.Entry) -> None:
        """Add an entry; the server has acknowledged it when this is over.

        :raises OSError: if it has not.
        """
        done = subprocess.run(
            [
                *(str(ldapadd), "-x", "-ZZ", "-H", self.server.url),
                *("-D", slapd.ADMIN_DN, "-y", str(self._password_file)),
            ],
            input="\n".join(people.lines(entry)),
            capture_output=True,
            text=True,
            env={**os.environ, "LDAPTLS_CACERT": str(self.ca_file)},
            check=False,
        )
        if done.returncode:
            raise OSError(f"ldapadd: {done.stderr.strip()}")


@contextmanager
def _directory(folder: Path, count: int) -> Iterator[_Directory]:
    authority = certificates.authority(folder)
    certificate = certificates.issued(authority, folder, f"IP:{LOOPBACK}")
    password_file = folder / "password"
    password_file.write_text(slapd.ADMIN_PASSWORD, encoding="ascii")
    entries = itertools.chain(people.tree(), people.stream(count))
    ldif = people.write(folder / "people.ldif", entries)
    setup = slapd.Setup(tls=certificate, syncprov=True, unpaged=None)
    slapd.prepare(folder / "slapd", ldif, setup=setup)
    with slapd.running_on(folder / "slapd", free_port()) as server:
        yield _Directory(server, authority.file, password_file)


class _Page:
    """The portal's search for people, as a signed-in browser asks for it."""

    def __init__(self, client: httpx.Client) -> None:
        self._client = client

    def shows(self, uid: str, name: str) -> bool:
        """Whether somebody is found by their uid; the name is in the page only then.

        :raises OSError: if the page does not come.
        """
        answer = self._client.get("/people", params={"q": uid})
        if answer.status_code not in (200, 503):
            raise OSError(f"the page came with {answer.status_code}")
        return answer.status_code == 200 and f">{name}<" in answer.text


@contextmanager
def _page(folder: Path, directory: _Directory) -> Iterator[_Page]:
    """The page of a `cloud-serve`, over the index of a `cloud-index` that has read everybody."""
    settings_file = folder / "cloudhands.toml"
    settings_file.write_text(
        SETTINGS.format(
            folder=folder, url=directory.server.url, base=people.BASE, ca_file=directory.ca_file
        ),
        encoding="utf-8",
    )
    (folder / "state").mkdir()
    cookie = _cookie(folder)
    _, *names = people.COLLEAGUE
    with (
        servers.portal(settings_file) as port,
        httpx.Client(
            base_url=f"http://{LOOPBACK}:{port}",
            cookies={SESSION_COOKIE: cookie},
            headers={"Accept": "text/html"},
        ) as client,
        running(
            [str(CLOUD_INDEX), f"--config={settings_file}", "--log-level=warning"],
            ready=lambda: _Page(client).shows(people.COLLEAGUE[0], " ".join(names)),
            limit=FIRST_READ_SECONDS,
        ),
    ):
        yield _Page(client)


def _cookie(folder: Path) -> str:
    """Make the database, and a session of somebody in it."""
    with opened(f"sqlite:///{folder}/cloudhands.db") as database:
        opening.upgrade(database, folder / "state" / "server.key")
        with database.writing() as session:
            now = clock.now()
            reader = Factory(session, now).user("reader")
            session.flush()
            return open_session(session, reader, now, timedelta(hours=1))


def _measured(
    directory: _Directory, page: _Page, ldapadd: Path, joining: int
) -> tuple[Mapping[str, float], Sequence[str]]:
    """The figures, and what is not as it should be."""
    times = [_joins(directory, page, ldapadd, number) for number in range(joining)]
    wrong = [
        f"person {number} was seen after {took:.0f} ms"
        for number, took in enumerate(times)
        if took > ALLOWED_MS
    ]
    directory.server.kill()
    started = time.perf_counter()
    if not all(page.shows(_uid(number), _name(number)) for number in range(joining)):
        wrong.append("without a directory they are not all on the page")
    without = (time.perf_counter() - started) * 1000 / joining
    return {
        "joined": joining,
        "median_ms": round(statistics.median(times), 1),
        "largest_ms": round(max(times), 1),
        "page_without_directory_ms": round(without, 1),
    }, wrong


def _joins(directory: _Directory, page: _Page, ldapadd: Path, number: int) -> float:
    """Milliseconds from the end of `ldapadd` until the page that shows the person has come."""
    uid, name = _uid(number), _name(number)
    if page.shows(uid, name):
        raise OSError(f"{uid} is on the page before they are in the directory")
    directory.add(ldapadd, _entry(uid, name))
    added = time.perf_counter()
    while not page.shows(uid, name):
        if time.perf_counter() - added > LIMIT_SECONDS:
            raise OSError(f"{uid} is not on the page after {LIMIT_SECONDS:g} s")
    return (time.perf_counter() - added) * 1000


def _uid(number: int) -> str:
    return f"joining{number}"


def _name(number: int) -> str:
    return f"Newcomer of the Day {number}"


def _entry(uid: str, name: str) -> people.Entry:
    return people.Entry(
        f"uid={uid},{people.PEOPLE}",
        {
            "objectClass": ["inetOrgPerson"],
            "uid": [uid],
            "cn": [name],
            "sn": ["Newcomer"],
            "mail": [f"{uid}@{people.MAIL_DOMAIN}"],
        },
    )


if __name__ == "__main__":
    sys.exit(main())
