"""A real nginx for tests and benchmarks, on a configuration of their own.

The configuration says everything: it names its paths absolutely, listens on a loopback port and
keeps the master in the foreground (`daemon off`).
"""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cloudhands.common.testing.ports import answers
from cloudhands.common.testing.processes import Process, running
from cloudhands.common.testing.programs import require


def command(config: Path, *options: str) -> list[str]:
    """The command line that runs nginx on a configuration, with its first words to the terminal."""
    return [str(require("nginx")), "-e", "stderr", "-c", str(config), *options]


def complaints(config: Path) -> str:
    """What nginx has against a configuration, in its own words; empty if there is nothing.

    Warnings count: the same file has to suit each version that we run on.
    """
    # Quiet (-q) is about what is fine.
    told = subprocess.run(
        command(config, "-t", "-q"), capture_output=True, text=True, check=False, timeout=30
    )
    return told.stdout + told.stderr


@contextmanager
def nginx(config: Path, port: int, *prefix: str) -> Iterator[Process]:
    """An nginx that answers inside the block.

    :param config: its configuration.
    :param port: where that listens on 127.0.0.1.
    :param prefix: what the command line begins with, for example to run it as somebody else.
    :raises ProcessError: if it does not start; the message has its words.
    """
    with running([*prefix, *command(config)], ready=lambda: answers(port)) as process:
        yield process
