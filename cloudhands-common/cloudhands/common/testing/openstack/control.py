"""Starts the control plane with fresh state, and stops all of it again."""

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from cloudhands.common.errors import ConfigurationError
from cloudhands.common.testing import ports
from cloudhands.common.testing.openstack import configuration, schemas, services, tenancy
from cloudhands.common.testing.openstack.layout import (
    HOME,
    PORTS,
    SERVICES,
    Layout,
    default_home,
    default_port,
)
from cloudhands.common.testing.processes import Process, running

LIMIT = 120
REMEDY = "run tools/openstack-services.sh as root"


@dataclass(frozen=True)
class ControlPlane:
    """A running control plane.

    :param processes: by the service's name.
    """

    layout: Layout
    processes: Mapping[str, Process]

    @contextmanager
    def frozen(self, service: str) -> Iterator[None]:
        """Let a service's processes stand still within the block."""
        group = self.processes[service].pid
        os.killpg(group, signal.SIGSTOP)
        try:
            yield
        finally:
            os.killpg(group, signal.SIGCONT)

    def project(self, name: str, **quota: int) -> tenancy.Project:
        """A new project with a network and a user of its own.

        :param quota: how much of what it may use: `instances`, `cores`, `floating_ips`.
        """
        return tenancy.project(self.layout, name, quota)


@contextmanager
def control_plane() -> Iterator[ControlPlane]:
    """A control plane with images, sizes and networks, for as long as the block runs.

    :raises ConfigurationError: if it is not installed, or something has its ports.
    """
    with tempfile.TemporaryDirectory(prefix="ch-os-") as sockets:
        layout = Layout(default_home(), Path(sockets), default_port())
        _check(layout)
        _clear(layout)
        configuration.write(layout)
        with ExitStack() as stack:
            yield _started(layout, stack)


def _check(at: Layout) -> None:
    if not (at.venv / "installed.txt").is_file():
        raise ConfigurationError(f"no OpenStack is installed in {at.home}: {REMEDY}, or set {HOME}")
    for service in SERVICES:
        if ports.answers(at.port(service)):
            raise ConfigurationError(
                f"port {at.port(service)} ({service}) is in use: set {PORTS} to the first of "
                f"{len(SERVICES)} others"
            )


def _clear(at: Layout) -> None:
    shutil.rmtree(at.run, ignore_errors=True)
    for folder in ("log", "rabbitmq", "images", "nova", "neutron", *schemas.KEYS):
        (at.run / folder).mkdir(parents=True, mode=0o700)


def _started(at: Layout, stack: ExitStack) -> ControlPlane:
    processes: dict[str, Process] = {}

    def start(service: services.Service) -> None:
        process = running(
            service.argv,
            log=at.run / "log" / f"{service.name}.log",
            environment=service.environment,
            stop_limit=service.stop_limit,
        )
        processes[service.name] = stack.enter_context(process)

    def wait(*waited: services.Service) -> None:
        for service in waited:
            if service.ready is not None:
                processes[service.name].wait_until(service.ready, LIMIT)

    _install_database(at)
    for service in services.database(at):
        start(service)
        wait(service)
    schemas.make(at)
    keystone = services.keystone(at)
    start(keystone)
    wait(keystone)
    tenancy.catalogue(at)
    others = services.others(at)
    for service in others:
        start(service)
    wait(*others)
    processes["nova-compute"].wait_until(lambda: _has_host(at), LIMIT)
    tenancy.prepare(at)
    return ControlPlane(at, processes)


def _install_database(at: Layout) -> None:
    argv = ["mariadb-install-db", "--no-defaults", f"--datadir={at.run / 'db'}"]
    argv += ["--skip-test-db", "--auth-root-authentication-method=normal"]
    argv += ["--user=root"] if os.geteuid() == 0 else []
    with (at.run / "log/mariadb-install.log").open("wb") as output:
        subprocess.run(argv, check=True, stdout=output, stderr=output)


def _has_host(at: Layout) -> bool:
    argv = [at.program("nova-manage"), *at.options("nova.conf")]
    subprocess.run([*argv, "cell_v2", "discover_hosts"], check=False, capture_output=True)
    return int(schemas.mariadb(at, "select count(*) from nova_api.host_mappings")) > 0
