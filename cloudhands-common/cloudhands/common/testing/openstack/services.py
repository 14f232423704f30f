"""The services' command lines: what is started, in which order, and when it is ready."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from urllib.error import HTTPError
from urllib.request import urlopen

from cloudhands.common.testing import ports
from cloudhands.common.testing.openstack.layout import Layout
from cloudhands.common.testing.openstack.schemas import mariadb
from cloudhands.common.testing.ports import LOOPBACK
from cloudhands.common.testing.processes import Ready
from cloudhands.common.testing.programs import find

RABBITMQ = "/usr/lib/rabbitmq/bin/rabbitmq-server"
ERLANG = "-kernel inet_dist_use_interface {127,0,0,1} +sbwt none"


@dataclass(frozen=True)
class Service:
    """One process.

    :param stop_limit: seconds that it has to stop; what it holds is thrown away anyhow.
    """

    name: str
    argv: Sequence[str]
    ready: Ready | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    stop_limit: float = 3


def database(at: Layout) -> list[Service]:
    """What all others need."""
    return [_mariadb(at), *_rabbitmq(at)]


def keystone(at: Layout) -> Service:
    """Where the others find each other, so that it comes first."""
    files = {"OS_KEYSTONE_CONFIG_FILES": str(at.etc / "keystone.conf")}
    return _http(at, "keystone", "keystone.wsgi.api", files)


def others(at: Layout) -> list[Service]:
    """The rest, started together."""
    etc = str(at.etc)
    glance = {"OS_GLANCE_CONFIG_DIR": etc, "OS_GLANCE_CONFIG_FILES": "glance-api.conf"}
    neutron = {"OS_NEUTRON_CONFIG_DIR": etc, "OS_NEUTRON_CONFIG_FILES": "neutron.conf;ml2.ini"}
    return [
        _http(at, "glance", "glance.wsgi.api", glance),
        _http(at, "placement", "placement.wsgi.api", {"OS_PLACEMENT_CONFIG_DIR": etc}),
        _http(at, "neutron", "neutron.wsgi.api", neutron),
        _http(at, "nova", "nova.wsgi.osapi_compute", {"OS_NOVA_CONFIG_DIR": etc}),
        _nova(at, "conductor"),
        _nova(at, "scheduler"),
        _nova(at, "compute", "compute.conf"),
    ]


def _mariadb(at: Layout) -> Service:
    argv = [
        str(find("mariadbd")),
        "--no-defaults",
        f"--datadir={at.run / 'db'}",
        f"--socket={at.socket}",
        f"--port={at.port('mariadb')}",
        f"--bind-address={LOOPBACK}",
        f"--pid-file={at.run / 'mariadb.pid'}",
        "--innodb-flush-log-at-trx-commit=0",
        "--innodb-buffer-pool-size=128M",
        "--max-connections=400",
        "--skip-log-bin",
        *(["--user=root"] if os.geteuid() == 0 else []),
    ]
    return Service("mariadb", argv, lambda: not mariadb(at, ""))


def _rabbitmq(at: Layout) -> list[Service]:
    # Erlang would leave a name server of its own behind: this one goes with the others.
    epmd = {"ERL_EPMD_PORT": str(at.port("epmd")), "ERL_EPMD_ADDRESS": LOOPBACK}
    environment = {
        **epmd,
        "HOME": str(at.run / "rabbitmq"),
        "RABBITMQ_NODENAME": "cloudhands@localhost",
        "RABBITMQ_MNESIA_BASE": str(at.run / "rabbitmq"),
        "RABBITMQ_LOG_BASE": str(at.run / "log"),
        "RABBITMQ_CONFIG_FILE": str(at.etc / "rabbitmq.conf"),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(at.etc / "enabled_plugins"),
        "RABBITMQ_DIST_PORT": str(at.port("erlang")),
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": ERLANG,
    }
    names = Service("epmd", [str(find("epmd"))], _listens(at, "epmd"), epmd)
    # Asked to stop it would start a second Erlang to stop the first.
    queue = Service("rabbitmq", [RABBITMQ], None, environment, stop_limit=0)
    return [names, queue]


def _nova(at: Layout, part: str, *more: str) -> Service:
    files = at.options("nova.conf", *more)
    threads = {"OS_NOVA_DISABLE_EVENTLET_PATCHING": "true"}
    return Service(f"nova-{part}", [at.program(f"nova-{part}"), *files], None, threads)


def _http(at: Layout, name: str, module: str, environment: Mapping[str, str]) -> Service:
    where = f"{LOOPBACK}:{at.port(name)}"
    socket = f"--http-socket {where} --post-buffering 65536"
    if name == "glance":
        socket = f"--http {where} --http-raw-body --http-chunked-input --http-auto-chunked"
        socket += " --chunked-input-limit 65536"
    words = "--callable application --master --die-on-term --enable-threads --lazy-apps"
    words += " --processes 1 --threads 8 --buffer-size 65535 --thunder-lock --disable-logging"
    argv = [
        at.program("uwsgi"),
        *socket.split(),
        *("--add-header", "Connection: close"),
        *("--module", module, "--virtualenv", str(at.venv), "--need-app"),
        *words.split(),
    ]
    return Service(name, argv, lambda: _answers(at.url(name)), environment)


def _listens(at: Layout, service: str) -> Ready:
    return lambda: ports.answers(at.port(service))


def _answers(url: str) -> bool:
    try:
        with urlopen(url, timeout=5):  # noqa: S310 - our own http://
            return True
    except HTTPError as error:
        # Whatever it says of the path, it speaks.
        error.close()
        return True
