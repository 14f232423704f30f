"""The demonstration's directory: 1,000 made-up people who can sign in.

It is a real slapd where one is installed, otherwise a server in memory that pip alone brings, and
it says which. Preparing again keeps what is there.
"""

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cloudhands.common.testing import directories, people, slapd
from cloudhands.common.testing.ports import LOOPBACK

# What everybody in the demonstration's directory signs in with; it is printed, not secret.
PASSWORD = "demo-password"
LDIF = "people.ldif"
COMPLETE = "complete"


@dataclass(frozen=True)
class SignIn:
    """Somebody who can sign in to the demonstration.

    :param name: the full name.
    """

    name: str
    uid: str
    password: str


@dataclass(frozen=True)
class Prepared:
    """A directory that is ready to be run.

    :param kind: `directories.SLAPD` or `directories.MEMORY`.
    :param server: what it is, in words.
    :param argv: the command line that runs it in the foreground until SIGTERM.
    :param settings: the `[directory]` of the settings file.
    :param sign_ins: the colleague who is invited, then one who is not.
    """

    kind: str
    server: str
    argv: list[str]
    settings: Mapping[str, Any]
    sign_ins: tuple[SignIn, SignIn]


def prepare(folder: Path, port: int, kind: str | None = None) -> Prepared:
    """Make the directory's files, unless they are there, and tell how to run it.

    :param folder: for its files; made if there is none.
    :param port: where it will listen on 127.0.0.1; may be another one each time.
    :param kind: `directories.SLAPD` or `directories.MEMORY`; None takes slapd where it is
        installed.
    :raises FileNotFoundError: if slapd is asked for and not installed.
    """
    kind = kind or (directories.SLAPD if slapd.find() else directories.MEMORY)
    make, command, server = _KINDS[kind]
    home = folder / kind
    if not (home / COMPLETE).exists():
        _make_anew(home, make)
    return Prepared(
        kind=kind,
        server=server,
        argv=command(home, port),
        settings={"url": f"ldap://{LOOPBACK}:{port}", "base": people.BASE},
        sign_ins=(_sign_in(people.COLLEAGUE), _sign_in(people.BYSTANDER)),
    )


def _make_anew(home: Path, make: Callable[[Path, Path], None]) -> None:
    # What an interrupted attempt left behind is of no use.
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)
    entries = [*people.tree(), *people.make(password=PASSWORD)]
    make(home, people.write(home / LDIF, entries))
    (home / COMPLETE).touch()


def _make_slapd(home: Path, ldif: Path) -> None:
    slapd.prepare(home / "slapd", ldif)


def _run_slapd(home: Path, port: int) -> list[str]:
    return slapd.command(home / "slapd", port)


def _make_nothing(home: Path, ldif: Path) -> None:
    """The server in memory reads the LDIF itself."""


def _run_memory(home: Path, port: int) -> list[str]:
    return directories.memory_command(port, home / LDIF)


def _sign_in(names: tuple[str, str, str]) -> SignIn:
    uid, given, family = names
    return SignIn(f"{given} {family}", uid, PASSWORD)


_KINDS: Mapping[str, tuple[Callable[[Path, Path], None], Callable[[Path, int], list[str]], str]] = {
    directories.SLAPD: (_make_slapd, _run_slapd, "OpenLDAP's slapd"),
    directories.MEMORY: (
        _make_nothing,
        _run_memory,
        "ldaptor in memory (slapd is not installed; changes are lost when it stops)",
    ),
}
