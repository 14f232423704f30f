"""Where the control plane keeps what, and on which ports it listens."""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from cloudhands.common.testing.ports import LOOPBACK

PASSWORD = "secret"
REGION = "RegionOne"
HOME = "OPENSTACK_HOME"
PORTS = "OPENSTACK_PORTS"
FIRST_PORT = 16_000
DATABASES = ("keystone", "glance", "placement", "neutron", "nova_api", "nova_cell0", "nova")


@dataclass(frozen=True)
class Layout:
    """Folders and ports.

    :param home: what stays from one start to the next: the installed services, empty schemas.
    :param sockets: a folder with a short path: that of a socket may have 107 bytes only.
    :param first_port: the ports from there on are used; the schemas hold them, so they are fixed.
    """

    home: Path
    sockets: Path
    first_port: int

    @property
    def venv(self) -> Path:
        """The Python environment of the services."""
        return self.home / "venv"

    @property
    def run(self) -> Path:
        """What is made anew at every start."""
        return self.home / "run"

    @property
    def etc(self) -> Path:
        """The configuration."""
        return self.run / "etc"

    @property
    def snapshot(self) -> Path:
        """The schemas as the first start made them, for these services and ports."""
        installed = (self.venv / "installed.txt").read_bytes()
        digest = hashlib.sha256(installed).hexdigest()[:12]
        return self.home / f"schemas-{digest}-{self.first_port}"

    @property
    def socket(self) -> Path:
        """MariaDB's."""
        return self.sockets / "mariadb"

    def program(self, name: str) -> str:
        """The path of a program of the services' environment."""
        return str(self.venv / "bin" / name)

    def options(self, *files: str) -> list[str]:
        """The words of a command line that name configuration files."""
        return [word for file in files for word in ("--config-file", str(self.etc / file))]

    def port(self, service: str) -> int:
        """The port of a service."""
        return self.first_port + SERVICES.index(service)

    def url(self, service: str) -> str:
        """Where a service's interface is."""
        return f"http://{LOOPBACK}:{self.port(service)}"

    @property
    def auth_url(self) -> str:
        """Where tokens are given."""
        return f"{self.url('keystone')}/v3"

    def database(self, name: str) -> str:
        """The URL of a database."""
        port = self.port("mariadb")
        return f"mysql+pymysql://os:{PASSWORD}@{LOOPBACK}:{port}/{name}?charset=utf8"

    @property
    def queue(self) -> str:
        """The URL of RabbitMQ."""
        return f"rabbit://guest:guest@{LOOPBACK}:{self.port('rabbitmq')}/"


SERVICES = (
    "keystone",
    "glance",
    "placement",
    "nova",
    "neutron",
    "mariadb",
    "rabbitmq",
    "erlang",
    "epmd",
)


def default_home() -> Path:
    """Where it lies unless the environment says otherwise: `.check/openstack` here."""
    return Path(os.environ.get(HOME) or ".check/openstack").absolute()


def default_port() -> int:
    """The first port unless the environment says otherwise."""
    return int(os.environ.get(PORTS) or FIRST_PORT)
