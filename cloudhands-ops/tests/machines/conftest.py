"""What tests of a machine's scripts share: its folders, and a portal's stand-in."""

import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from cloudhands.burst.testing_machine import ASKER, IS_ROOT, folders, install
from cloudhands.burst.userdata import Machine, render
from cloudhands.burst.userdata.layout import Layout
from cloudhands.common.appliance import sign_in
from cloudhands.common.settings import Portal
from cloudhands.common.testing.databases import SECRET
from cloudhands.common.testing.factories import ITEM


@dataclass
class Installed:
    """A machine's folders, set up as its user data say.

    :param asker: who sshd asks as; None for whoever runs this.
    """

    layout: Layout
    asker: str | None = ASKER if IS_ROOT else None

    @property
    def kept(self) -> Path:
        """The portal's last answer."""
        return Path(self.layout.state, "keys")

    @property
    def programs(self) -> Path:
        """Where the scripts look for programs first."""
        folder = Path(self.layout.path.partition(":")[0])
        folder.mkdir(exist_ok=True)
        return folder

    def put(self, name: str, text: str) -> None:
        """Put a program before those of this host."""
        file = self.programs / name
        file.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
        file.chmod(0o755)

    def set_up(
        self, address: str, uuid: object, *, keys: tuple[str, ...] = (), of: object = None
    ) -> None:
        """Do as the user data of an appliance's machine say; they are rendered for this layout.

        :param of: the appliance whose token it is, if it is another one's.
        """
        definition = ITEM.model_copy(update={"account": ACCOUNT}).model_dump(mode="json")
        token = sign_in.token(SECRET, str(of or uuid), 1)
        machine = Machine(str(uuid), 1, "small", definition, keys, token)
        install(render(machine, Portal(url=address), self.layout))

    def asked(self, account: str = "") -> str:
        """What sshd would be told."""
        command = [f"{self.layout.sbin}/cloudhands-authorized-keys", account or ACCOUNT]
        told = subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            env={},
            user=self.asker,
            # As sshd does: that account's groups, and none of ours.
            group=self.asker,
            extra_groups=None if self.asker is None else [],
        )
        # Else sshd would not take what it was told.
        assert (told.returncode, told.stderr) == (0, "")
        return told.stdout


# Who runs the tests: sshd lets in nobody else without root.
ACCOUNT = subprocess.run(["id", "-un"], capture_output=True, text=True, check=True).stdout.strip()


@dataclass
class StandIn:
    """Answers as it is told, for what the real portal never answers.

    :param answer: the status and body of the next answers.
    :param asked: what it was asked, with the header If-None-Match, and the body.
    """

    address: str
    answer: tuple[int, str] = (200, "")
    asked: list[tuple[str, str | None, str]] = field(default_factory=list)


@pytest.fixture
def machine() -> Iterator[Installed]:
    """The folders of a machine that is not set up yet."""
    with folders() as layout:
        yield Installed(layout)


@pytest.fixture
def stand_in() -> Iterator[StandIn]:
    """A real server that answers as a test wants, if it is asked with a token."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
            made.asked.append((self.path, self.headers.get("If-None-Match"), body))
            is_known = self.headers.get("Authorization", "").startswith("Bearer ")
            status, text = made.answer if is_known else (401, "")
            self.send_response(status)
            self.send_header("Content-Length", str(len(text.encode())))
            if 300 <= status < 304:
                self.send_header("Location", made.address)
            self.end_headers()
            self.wfile.write(text.encode())

        do_POST = do_GET  # noqa: N815 (the base class's name)

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        made = StandIn(f"http://127.0.0.1:{server.server_port}")
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield made
        server.shutdown()
        thread.join()
