"""The services' databases: made by their own migrations once, afterwards put back from a dump."""

import getpass
import gzip
import shutil
import subprocess
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from cloudhands.common.errors import ConfigurationError
from cloudhands.common.testing.openstack.layout import DATABASES, PASSWORD, REGION, Layout
from cloudhands.common.testing.ports import LOOPBACK

KEYS = ("keys", "credential-keys")
TAIL = 2_000

# What the agent of a host would report of itself, if there were one.
AGENT = """insert into neutron.agents (id, agent_type, `binary`, topic, host, admin_state_up,
created_at, started_at, heartbeat_timestamp, configurations, `load`) values (uuid(),
'Open vSwitch agent', 'neutron-openvswitch-agent', 'N/A', 'cpu1', 1, now(), now(), '2037-01-01',
'{"bridge_mappings": {"public": "br-ex"}, "tunnel_types": ["vxlan"],
"tunneling_ip": "127.0.0.1", "datapath_type": "system", "ovs_hybrid_plug": false}', 0);"""


def mariadb(at: Layout, statements: str) -> str:
    """Have the database's superuser run statements; returns what they print.

    :raises OSError: if it does not answer.
    """
    argv = ["mariadb", "-uroot", f"-S{at.socket}", "-N"]
    ran = subprocess.run(argv, input=statements, capture_output=True, text=True, check=False)
    if ran.returncode:
        raise OSError(ran.stderr.strip())
    return ran.stdout


def make(at: Layout) -> None:
    """Make every database, with what the services need to start."""
    wanted = "".join(f"create database {name};" for name in DATABASES)
    for host in (LOOPBACK, "localhost"):
        wanted += f"create user 'os'@'{host}' identified by '{PASSWORD}';"
        wanted += f"grant all on *.* to 'os'@'{host}';"
    mariadb(at, wanted)
    if not at.snapshot.is_dir():
        _migrate(at)
        _keep(at)
    else:
        _put_back(at)
    mariadb(at, AGENT)


def _migrate(at: Layout) -> None:
    with ThreadPoolExecutor() as pool:
        for _ in pool.map(lambda make: make(at), (_keystone, _images, _neutron, _nova)):
            pass


def _keystone(at: Layout) -> None:
    manage = [at.program("keystone-manage"), *at.options("keystone.conf")]
    user = getpass.getuser()
    owner = ["--keystone-user", user, "--keystone-group", user]
    url = at.auth_url
    _run(at, "keystone", [*manage, "db_sync"])
    _run(at, "keystone", [*manage, "fernet_setup", *owner])
    _run(at, "keystone", [*manage, "credential_setup", *owner])
    urls = [f"--bootstrap-{kind}-url" for kind in ("public", "internal", "admin")]
    words = ["--bootstrap-password", PASSWORD, "--bootstrap-region-id", REGION]
    words += [word for option in urls for word in (option, url)]
    _run(at, "keystone", [*manage, "bootstrap", *words])


def _images(at: Layout) -> None:
    glance = [at.program("glance-manage"), *at.options("glance-api.conf")]
    _run(at, "glance", [*glance, "db_sync"])
    placement = [at.program("placement-manage"), *at.options("placement.conf")]
    _run(at, "placement", [*placement, "db", "sync"])


def _neutron(at: Layout) -> None:
    files = at.options("neutron.conf", "ml2.ini")
    _run(at, "neutron", [at.program("neutron-db-manage"), *files, "upgrade", "heads"])


def _nova(at: Layout) -> None:
    manage = [at.program("nova-manage"), *at.options("nova.conf")]
    cell0 = ["--database_connection", at.database("nova_cell0")]
    _run(at, "nova", [*manage, "api_db", "sync"])
    _run(at, "nova", [*manage, "cell_v2", "map_cell0", *cell0])
    _run(at, "nova", [*manage, "db", "sync"])
    _run(at, "nova", [*manage, "cell_v2", "create_cell", "--name", "cell1"])


def _run(at: Layout, name: str, argv: Sequence[str]) -> None:
    log = at.run / "log" / f"{name}-schema.log"
    with log.open("ab") as output:
        status = subprocess.run(argv, stdout=output, stderr=output, check=False).returncode
    if status:
        tail = log.read_text(encoding="utf-8", errors="replace")[-TAIL:]
        raise ConfigurationError(f"{' '.join(argv)} ended with status {status}:\n{tail}")


def _keep(at: Layout) -> None:
    # Renamed once it is whole: one that was interrupted is made again.
    made = at.snapshot.with_suffix(".new")
    shutil.rmtree(made, ignore_errors=True)
    made.mkdir(parents=True)
    for folder in KEYS:
        shutil.copytree(at.run / folder, made / folder)
    argv = ["mariadb-dump", "-uroot", f"-S{at.socket}", "--databases", *DATABASES]
    dump = subprocess.run(argv, capture_output=True, check=True).stdout
    _dump(made).write_bytes(gzip.compress(dump, 1))
    made.rename(at.snapshot)


def _put_back(at: Layout) -> None:
    for folder in KEYS:
        shutil.copytree(at.snapshot / folder, at.run / folder, dirs_exist_ok=True)
    mariadb(at, gzip.decompress(_dump(at.snapshot).read_bytes()).decode())


def _dump(folder: Path) -> Path:
    return folder / "all.sql.gz"
