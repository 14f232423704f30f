"""The servers that are measured, each in a process of its own on a free port of 127.0.0.1."""

import socket
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from cloudhands.common import settings, site
from cloudhands.common.testing.nginx import nginx
from cloudhands.common.testing.ports import answers, free_port
from cloudhands.common.testing.processes import Ready, running
from cloudhands.ops.deploy import files

CLOUD_SERVE = Path(sys.executable).with_name("cloud-serve")
HELLO = Path(__file__).with_name("hello.py")
LIMIT = 60
CONSTANT = """
daemon off;
pid {folder}/nginx.pid;
worker_processes auto;
events {{ worker_connections 4096; }}
http {{
    access_log off;
    client_body_temp_path {folder}/client_body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    keepalive_requests 10000;
    server {{ listen 127.0.0.1:{port}; location / {{ return 200 "{body}"; }} }}
}}
"""


@contextmanager
def hello() -> Iterator[int]:
    """The bare application under a waitress like the portal's; the block gets its port."""
    port = free_port()
    argv = [sys.executable, str(HELLO), str(port), str(settings.Portal().threads)]
    with running(argv, ready=lambda: answers(port), limit=LIMIT):
        yield port


@contextmanager
def portal(settings_file: Path) -> Iterator[int]:
    """The real `cloud-serve` with its own defaults but for a port; the block gets that port."""
    port = free_port()
    with _cloud_serve(settings_file, {"portal.port": str(port)}, lambda: answers(port)):
        yield port


@contextmanager
def portal_behind_nginx(settings_file: Path, folder: Path) -> Iterator[int]:
    """Nginx as `cloud-admin deploy-files` sets it up before a `cloud-serve`; gives nginx's port.

    Only the limit of requests from one address is not set: all the load comes from one.

    :param folder: for nginx's configuration, caches and socket.
    :raises ConfigurationError: if nginx is not installed.
    """
    port = free_port()
    socket_file = folder / "portal.sock"
    overrides = {
        "portal.port": str(port),
        "portal.nginx": "true",
        "portal.socket": str(socket_file),
        "portal.requests_per_second": "0",
    }
    known = settings.load(
        defaults=site.installed().settings, file=settings_file, overrides=overrides
    )
    files.write(files.Layout(settings_file, folder), known.portal, folder)
    with (
        _cloud_serve(settings_file, overrides, lambda: _accepts(socket_file)),
        nginx(folder / files.NGINX, port),
    ):
        yield port


@contextmanager
def nginx_saying(body: bytes, folder: Path) -> Iterator[int]:
    """The least that nginx can do: it answers so many bytes out of its memory, and logs nothing.

    What comes out of its cache cannot be quicker than that.

    :param folder: for the configuration.
    """
    port = free_port()
    folder.mkdir()
    config = folder / "nginx.conf"
    config.write_text(CONSTANT.format(port=port, folder=folder, body="x" * len(body)))
    with nginx(config, port):
        yield port


@contextmanager
def _cloud_serve(settings_file: Path, overrides: Mapping[str, str], ready: Ready) -> Iterator[None]:
    sets = [f"--set={key}={value}" for key, value in overrides.items()]
    argv = [str(CLOUD_SERVE), f"--config={settings_file}", *sets, "--log-level=warning"]
    with running(argv, ready=ready, limit=LIMIT):
        yield


def _accepts(file: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        probe.connect(str(file))
    return True
