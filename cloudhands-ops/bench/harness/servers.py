"""The servers that are measured, each in a process of its own on a free port of 127.0.0.1."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cloudhands.common.settings import Portal
from cloudhands.common.testing.ports import answers, free_port
from cloudhands.common.testing.processes import running

CLOUD_SERVE = Path(sys.executable).with_name("cloud-serve")
HELLO = Path(__file__).with_name("hello.py")
LIMIT = 60


@contextmanager
def hello() -> Iterator[int]:
    """The bare application under a waitress like the portal's; the block gets its port."""
    port = free_port()
    argv = [sys.executable, str(HELLO), str(port), str(Portal().threads)]
    with running(argv, ready=lambda: answers(port), limit=LIMIT):
        yield port


@contextmanager
def portal(settings_file: Path) -> Iterator[int]:
    """The real `cloud-serve` with its own defaults but for a port; the block gets that port."""
    port = free_port()
    argv = [
        str(CLOUD_SERVE),
        f"--config={settings_file}",
        f"--set=portal.port={port}",
        "--log-level=warning",
    ]
    with running(argv, ready=lambda: answers(port), limit=LIMIT):
        yield port
