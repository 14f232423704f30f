"""A real OpenLDAP server without root: its configuration, its data, its life in a `with` block.

It listens on the loopback interface only. An unpaged search gets at most 500 entries from it, as
from most institutions' servers, so that a reader that forgets to page is found out.
"""

import shutil
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import ldap3
from ldap3.core.exceptions import LDAPException

from cloudhands.common.errors import ConfigurationError
from cloudhands.common.testing import people, ports, programs
from cloudhands.common.testing.certificates import Certificate
from cloudhands.common.testing.ports import LOOPBACK, free_port
from cloudhands.common.testing.processes import Process

PACKAGE = "slapd"
SCHEMA = Path("/etc/ldap/schema")
SCHEMAS = ("core", "cosine", "inetorgperson", "nis")
MODULES = Path("/usr/lib/ldap")
ADMIN_DN = f"cn=admin,{people.BASE}"
ADMIN_PASSWORD = "directory-admin"
MOST_UNPAGED = 500
MAP_BYTES = 8 << 30
START_SECONDS = 30
# Lets the administrator set what is the server's to set, for example entryUUID.
RELAX = ("1.3.6.1.4.1.4203.666.5.12", True, None)

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
olcModuleLoad: syncprov
olcModuleLoad: ppolicy

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
olcDbIndex: entryCSN eq
olcDbIndex: cn eq,sub
olcLimits: * size.soft={unpaged} size.hard={unpaged} size.prtotal=unlimited
olcAccess: to attrs=userPassword by anonymous auth by * none
olcAccess: to * by * read
{consumer}
{syncprov}
"""

# A checkpoint seldom, as by default: after a kill the contextCSN is found from the entries.
SYNCPROV = """\
dn: olcOverlay=syncprov,olcDatabase={1}mdb,cn=config
objectClass: olcOverlayConfig
objectClass: olcSyncProvConfig
olcOverlay: syncprov
olcSpCheckpoint: 1000 60
"""

CONSUMER = """\
olcSyncrepl: rid=001 provider={provider} type=refreshAndPersist retry="1 +" searchbase="{base}"
  bindmethod=simple binddn="{admin}" credentials={password}
olcUpdateRef: {provider}
"""


@dataclass(frozen=True)
class Setup:
    """What a server offers.

    :param tls: StartTLS, and LDAPS at a port of its own, with this certificate.
    :param syncprov: whether its content can be synchronised (RFC 4533).
    :param sessionlog: of how many changes syncprov remembers deletions; without, a client that
        comes back with a cookie is told what is present.
    :param unpaged: how many entries a search without paging gets; None for all of them, which a
        sync of more than so many people needs.
    :param consumer_of: the LDAP URL of a server with syncprov, which it copies from then on.
    """

    tls: Certificate | None = None
    syncprov: bool = False
    sessionlog: int | None = None
    unpaged: int | None = MOST_UNPAGED
    consumer_of: str | None = None


PLAIN = Setup()


@dataclass
class Slapd:
    """A slapd on a prepared folder; it can be stopped, killed and started again.

    :param port: where it listens on 127.0.0.1.
    :param folder: its configuration and data.
    :param tls_port: where it listens for LDAPS, if it does.
    """

    port: int
    folder: Path
    tls_port: int | None = None
    process: Process = field(init=False)

    @property
    def url(self) -> str:
        """Its LDAP URL."""
        return f"ldap://{LOOPBACK}:{self.port}"

    @property
    def ldaps_url(self) -> str:
        """Its LDAPS URL; only where it has a port for it."""
        return f"ldaps://{LOOPBACK}:{self.tls_port}"

    def start(self) -> None:
        """Start it, on the same ports with the data that it has, and wait until it answers."""
        argv = command(self.folder, self.port, self.tls_port)
        self.process = Process(argv, self.folder / "slapd.log")
        try:
            self.process.wait_until(lambda: answers(self.port), START_SECONDS)
        except BaseException:
            self.process.kill()
            raise

    def stop(self) -> None:
        """Stop it in order; harmless when it does not run."""
        self.process.stop()

    def kill(self) -> None:
        """End it at once, as a power cut would."""
        self.process.kill()

    def restart(self) -> None:
        """Stop it in order and start it again."""
        self.stop()
        self.start()

    def dump(self, file: Path) -> Path:
        """Write a backup of all entries, with what the server keeps itself; returns the file."""
        _run(self.folder, "slapcat", "-n1", file)
        return file

    def restore(self, backup: Path) -> None:
        """Put a backup in the place of the data. The server must not run."""
        shutil.rmtree(self.folder / "data")
        (self.folder / "data").mkdir()
        _run(self.folder, "slapadd", "-n1", backup, "-q")

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

    def add(self, *entries: people.Entry) -> None:
        """Add entries, with the identifiers that they have."""
        with self.administrator() as administrator:
            for entry in entries:
                administrator.add(  # type: ignore[no-untyped-call]
                    entry.dn, attributes=entry.attributes, controls=[RELAX]
                )

    def modify(self, dn: str, changes: Mapping[str, list[people.Value]]) -> None:
        """Replace values of an entry; an empty list removes the attribute."""
        with self.administrator() as administrator:
            replaced = {name: [(ldap3.MODIFY_REPLACE, found)] for name, found in changes.items()}
            administrator.modify(  # type: ignore[no-untyped-call]
                dn, replaced, controls=[RELAX]
            )

    def rename(self, dn: str, rdn: str, superior: str | None = None) -> None:
        """Give an entry another name, for example `uid=other`, and perhaps another place."""
        with self.administrator() as administrator:
            administrator.modify_dn(dn, rdn, new_superior=superior)

    def delete(self, *dns: str) -> None:
        """Remove entries."""
        with self.administrator() as administrator:
            for dn in dns:
                administrator.delete(dn)  # type: ignore[no-untyped-call]


def find() -> Path | None:
    """The path of slapd, or None where it (or the rest of its package) is not installed."""
    program = programs.find("slapd")
    return program if program and programs.find("slapadd") and SCHEMA.is_dir() else None


def prepare(folder: Path, *ldif: Path, setup: Setup = PLAIN) -> None:
    """Make configuration and data in a new folder; a few seconds for each 50,000 entries.

    :param folder: is created; must not hold a server already.
    :param ldif: files with entries below `people.BASE`, parents first.
    :param setup: what the server offers.
    :raises ConfigurationError: if slapd refuses them, with its words.
    """
    folder = folder.absolute()
    for part in ("config", "data"):
        (folder / part).mkdir(parents=True)
    configuration = folder / "config.ldif"
    configuration.write_text(_configuration(folder, setup), encoding="utf-8")
    _run(folder, "slapadd", "-n0", configuration)
    for file in ldif:
        _run(folder, "slapadd", "-n1", file, "-q", "-w")


def _configuration(folder: Path, setup: Setup) -> str:
    names = {"base": people.BASE, "admin": ADMIN_DN, "password": ADMIN_PASSWORD}
    consumer = CONSUMER.format(provider=setup.consumer_of, **names) if setup.consumer_of else ""
    return CONFIGURATION.format(
        pid_file=_quoted(folder / "slapd.pid"),
        data=_quoted(folder / "data"),
        modules=MODULES,
        schemas="".join(f"include: file://{SCHEMA}/{name}.ldif\n\n" for name in SCHEMAS),
        tls=_tls(setup.tls) if setup.tls else "",
        map_bytes=MAP_BYTES,
        unpaged="unlimited" if setup.unpaged is None else setup.unpaged,
        consumer=consumer,
        syncprov=_syncprov(setup) if setup.syncprov else "",
        **names,
    )


def _syncprov(setup: Setup) -> str:
    log = "" if setup.sessionlog is None else f"olcSpSessionlog: {setup.sessionlog}\n"
    return SYNCPROV + log


def _tls(certificate: Certificate) -> str:
    return (
        f"olcTLSCertificateFile: {_quoted(certificate.file)}\n"
        f"olcTLSCertificateKeyFile: {_quoted(certificate.key_file)}\n"
    )


def _quoted(path: Path) -> str:
    # Otherwise slapd takes what follows a space for another argument: slapd.conf(5).
    return f'"{path}"'


def _run(folder: Path, program: str, database: str, ldif: Path, *options: str) -> None:
    done = subprocess.run(
        [_path(program), *options, database, "-F", str(folder / "config"), "-l", str(ldif)],
        check=False,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        verb = "add" if program == "slapadd" else "write"
        raise ConfigurationError(f"{program} cannot {verb} {ldif}: {_last_line(done.stderr)}")


def _last_line(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[-1] if lines else "it does not say why"


def _path(program: str) -> str:
    found = programs.find(program)
    if found is None:
        raise FileNotFoundError(f"{program} is not installed: install the package {PACKAGE}")
    return str(found)


def command(folder: Path, port: int, tls_port: int | None = None) -> list[str]:
    """The command line that serves a prepared folder in the foreground, on 127.0.0.1."""
    listen = f"ldap://{LOOPBACK}:{port}/"
    if tls_port is not None:
        listen += f" ldaps://{LOOPBACK}:{tls_port}/"
    # -d keeps it in the foreground; 0 logs nothing.
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
def running_on(folder: Path, port: int, tls_port: int | None = None) -> Iterator[Slapd]:
    """A slapd on a prepared folder and given ports, answering when the block is entered.

    :param tls_port: where it listens for LDAPS, if it was set up with a certificate.
    """
    server = Slapd(port, folder, tls_port)
    server.start()
    try:
        yield server
    finally:
        server.stop()


@contextmanager
def running_with(
    folder: Path, entries: Iterable[people.Entry], setup: Setup = PLAIN
) -> Iterator[Slapd]:
    """A slapd on a free port with these people below `people.PEOPLE`.

    :param folder: is created and keeps the data afterwards.
    :param entries: the people; the entries above them are added. A consumer has none of its own.
    :param setup: what it offers.
    """
    folder.mkdir(parents=True, exist_ok=True)
    ldif = []
    if setup.consumer_of is None:
        ldif = [people.write(folder / "people.ldif", [*people.tree(), *entries])]
    prepare(folder, *ldif, setup=setup)
    with running_on(folder, free_port(), free_port() if setup.tls else None) as server:
        yield server
