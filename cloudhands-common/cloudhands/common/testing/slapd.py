"""A real OpenLDAP server without root: its configuration, its data, its life in a `with` block.

It listens on the loopback interface only. An unpaged search gets at most 500 entries from it, as
from most institutions' servers, so that a reader that forgets to page is found out.
"""

import subprocess
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import ldap3
from ldap3.core.exceptions import LDAPException

from cloudhands.common.errors import ConfigurationError
from cloudhands.common.testing import people, ports, programs
from cloudhands.common.testing.certificates import Certificate
from cloudhands.common.testing.ports import LOOPBACK, free_port
from cloudhands.common.testing.processes import Process, running

PACKAGE = "slapd"
SCHEMA = Path("/etc/ldap/schema")
SCHEMAS = ("core", "cosine", "inetorgperson", "nis")
MODULES = Path("/usr/lib/ldap")
ADMIN_DN = f"cn=admin,{people.BASE}"
ADMIN_PASSWORD = "directory-admin"
MOST_UNPAGED = 500
MAP_BYTES = 8 << 30

CONFIGURATION = """\
dn: cn=config
objectClass: olcGlobal
cn: config
olcPidFile: {pid_file}
{tls}
dn: cn=module,cn=config
objectClass: olcModuleList
cn: module
olcModulePath: {modules}
olcModuleLoad: back_mdb

dn: cn=schema,cn=config
objectClass: olcSchemaConfig
cn: schema

{schemas}
dn: olcDatabase={{1}}mdb,cn=config
objectClass: olcDatabaseConfig
objectClass: olcMdbConfig
olcDatabase: {{1}}mdb
olcSuffix: {base}
olcRootDN: {admin}
olcRootPW: {password}
olcDbDirectory: {data}
olcDbMaxSize: {map_bytes}
olcDbIndex: objectClass eq
olcDbIndex: uid eq
olcDbIndex: entryUUID eq
olcDbIndex: cn eq,sub
olcLimits: * size.soft={unpaged} size.hard={unpaged} size.prtotal=unlimited
olcAccess: to attrs=userPassword by anonymous auth by * none
olcAccess: to * by * read
"""


@dataclass(frozen=True)
class Slapd:
    """A running slapd.

    :param port: where it listens on 127.0.0.1.
    :param folder: its configuration and data.
    :param process: to stop, kill or read it.
    """

    port: int
    folder: Path
    process: Process

    @property
    def url(self) -> str:
        """Its LDAP URL."""
        return f"ldap://{LOOPBACK}:{self.port}"

    @contextmanager
    def administrator(self) -> Iterator[ldap3.Connection]:
        """A connection that may change everything; its operations raise on failure."""
        connection = ldap3.Connection(
            ldap3.Server(self.url, get_info=ldap3.NONE),
            ADMIN_DN,
            ADMIN_PASSWORD,
            raise_exceptions=True,
        )
        with connection:
            yield connection


def find() -> Path | None:
    """The path of slapd, or None where it (or the rest of its package) is not installed."""
    program = programs.find("slapd")
    return program if program and programs.find("slapadd") and SCHEMA.is_dir() else None


def prepare(folder: Path, *ldif: Path, tls: Certificate | None = None) -> None:
    """Make configuration and data in a new folder; a few seconds for each 50,000 entries.

    :param folder: is created; must not hold a server already.
    :param ldif: files with entries below `people.BASE`, parents first.
    :param tls: offers StartTLS with this certificate.
    :raises ConfigurationError: if slapd refuses them, with its words.
    """
    folder = folder.absolute()
    for part in ("config", "data"):
        (folder / part).mkdir(parents=True)
    configuration = folder / "config.ldif"
    configuration.write_text(_configuration(folder, tls), encoding="utf-8")
    _slapadd(folder, "-n0", configuration)
    for file in ldif:
        _slapadd(folder, "-n1", file, "-q", "-w")


def _configuration(folder: Path, tls: Certificate | None) -> str:
    return CONFIGURATION.format(
        pid_file=_quoted(folder / "slapd.pid"),
        data=_quoted(folder / "data"),
        modules=MODULES,
        schemas="".join(f"include: file://{SCHEMA}/{name}.ldif\n\n" for name in SCHEMAS),
        tls=_tls(tls) if tls else "",
        base=people.BASE,
        admin=ADMIN_DN,
        password=ADMIN_PASSWORD,
        map_bytes=MAP_BYTES,
        unpaged=MOST_UNPAGED,
    )


def _tls(certificate: Certificate) -> str:
    return (
        f"olcTLSCertificateFile: {_quoted(certificate.file)}\n"
        f"olcTLSCertificateKeyFile: {_quoted(certificate.key_file)}\n"
    )


def _quoted(path: Path) -> str:
    # Otherwise slapd takes what follows a space for another argument: slapd.conf(5).
    return f'"{path}"'


def _slapadd(folder: Path, database: str, ldif: Path, *options: str) -> None:
    added = subprocess.run(
        [_path("slapadd"), *options, database, "-F", str(folder / "config"), "-l", str(ldif)],
        check=False,
        capture_output=True,
        text=True,
    )
    if added.returncode:
        raise ConfigurationError(f"slapadd cannot add {ldif}: {_last_line(added.stderr)}")


def _last_line(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[-1] if lines else "it does not say why"


def _path(program: str) -> str:
    found = programs.find(program)
    if found is None:
        raise FileNotFoundError(f"{program} is not installed: install the package {PACKAGE}")
    return str(found)


def command(folder: Path, port: int) -> list[str]:
    """The command line that serves a prepared folder in the foreground, on 127.0.0.1."""
    # -d keeps it in the foreground; 0 logs nothing.
    listen = f"ldap://{LOOPBACK}:{port}/"
    return [_path("slapd"), "-F", str(folder.absolute() / "config"), "-h", listen, "-d", "0"]


def answers(port: int) -> bool:
    """Whether an LDAP server answers at a port of 127.0.0.1."""
    # Asked first, because ldap3 leaves a socket behind where nothing listens.
    if not ports.answers(port):
        return False
    server = ldap3.Server(f"ldap://{LOOPBACK}:{port}", get_info=ldap3.NONE, connect_timeout=2)
    try:
        with ldap3.Connection(server) as connection:
            return bool(connection.bound)
    except LDAPException:
        return False


@contextmanager
def running_on(folder: Path, port: int) -> Iterator[Slapd]:
    """A slapd on a prepared folder and a given port, answering inside the block."""
    with running(command(folder, port), ready=lambda: answers(port)) as process:
        yield Slapd(port, folder, process)


@contextmanager
def running_with(
    folder: Path, entries: Iterable[people.Entry], *, tls: Certificate | None = None
) -> Iterator[Slapd]:
    """A slapd on a free port with these people below `people.PEOPLE`.

    :param folder: is created and keeps the data afterwards.
    :param entries: the people; the entries above them are added.
    :param tls: offers StartTLS with this certificate.
    """
    folder.mkdir(parents=True, exist_ok=True)
    ldif = people.write(folder / "people.ldif", [*people.tree(), *entries])
    prepare(folder, ldif, tls=tls)
    with running_on(folder, free_port()) as server:
        yield server
