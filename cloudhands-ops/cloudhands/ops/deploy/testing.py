"""nginx in front of an application of a test's own, as an installation has it."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx

from cloudhands.common.settings import Portal, Settings
from cloudhands.common.testing.nginx import nginx
from cloudhands.common.testing.ports import LOOPBACK, free_port
from cloudhands.ops.deploy import files
from cloudhands.web.listening import listening
from cloudhands.web.testing import serving


class Front:
    """An nginx with the rendered configuration, and an application behind it.

    :param folder: the state folder; its path must be short enough for a socket.
    :param app: a WSGI application; another one may take its place while it is down.
    :param portal: settings of `[portal]`, besides the port.
    """

    def __init__(self, folder: Path, app: Any, **portal: Any) -> None:
        self.settings = Settings(
            state=folder, portal=Portal(host=LOOPBACK, port=free_port(), nginx=True, **portal)
        )
        self.layout = files.Layout(config=folder / "cloudhands.toml", state=folder)
        self.app = app
        self._serving = ExitStack()

    @property
    def address(self) -> str:
        """The address that people know."""
        return f"{self.settings.portal.scheme}://{LOOPBACK}:{self.settings.portal.port}"

    def write(self) -> Path:
        """Render the files; returns nginx's configuration."""
        files.write(self.layout, self.settings.portal, self.settings.state)
        return self.settings.state / files.NGINX

    def bring_up(self) -> None:
        """Serve the application behind nginx."""
        listener: socket.socket = self._serving.enter_context(listening(self.settings))
        self._serving.enter_context(serving(self.app, listener))

    def take_down(self) -> None:
        """Serve it no more."""
        self._serving.close()

    def client(self, **headers: str) -> httpx.Client:
        """A client that sends these headers, and of its own nothing that matters here."""
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        plain = {"Accept": "*/*", "Accept-Encoding": "identity", "User-Agent": "test"}
        return httpx.Client(base_url=self.address, headers=plain | given, trust_env=False)


@contextmanager
def fronted(folder: Path, app: Any, **portal: Any) -> Iterator[Front]:
    """Nginx and the application, answering inside the block.

    :raises ProcessError: if nginx does not start.
    """
    front = Front(folder, app, **portal)
    with nginx(front.write(), front.settings.portal.port):
        front.bring_up()
        try:
            yield front
        finally:
            front.take_down()
