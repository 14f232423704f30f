"""A directory of made-up people to test against: real slapd, or the one in memory.

What holds for both is tested on both; what needs paging, TLS, rights or changes needs slapd.
"""

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from cloudhands.common import settings
from cloudhands.common.testing import people, slapd
from cloudhands.common.testing.ports import LOOPBACK, free_port
from cloudhands.common.testing.processes import running

SLAPD, MEMORY = "slapd", "memory"
KINDS = (SLAPD, MEMORY)
# What everybody in it signs in with.
PASSWORD = "correct horse battery"


def settings_for(url: str) -> settings.Directory:
    """The settings' `[directory]` for a server of made-up people."""
    return settings.Directory(url=url, base=people.BASE, timeout=5, page_size=100)


def memory_command(port: int, ldif: Path) -> list[str]:
    """The command line that serves an LDIF file from memory, in the foreground, on 127.0.0.1."""
    # By name: to import it would start Twisted here, and needs ldaptor.
    module = "cloudhands.common.testing.memory_directory"
    return [sys.executable, "-m", module, "--port", str(port), "--ldif", str(ldif.absolute())]


@contextmanager
def serving(kind: str, folder: Path, entries: Iterable[people.Entry]) -> Iterator[str]:
    """The LDAP URL of a server with these people, running inside the block.

    :param kind: one of `KINDS`.
    :param folder: for its files.
    """
    if kind == SLAPD:
        with slapd.running_with(folder, entries) as server:
            yield server.url
        return
    port = free_port()
    ldif = people.write(folder / "people.ldif", [*people.tree(), *entries])
    with running(memory_command(port, ldif), ready=lambda: slapd.answers(port)):
        yield f"ldap://{LOOPBACK}:{port}"
