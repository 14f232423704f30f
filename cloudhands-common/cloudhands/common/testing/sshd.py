"""A real sshd on a free loopback port, and a real ssh client that signs in to it."""

import getpass
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cloudhands.common.testing.ports import LOOPBACK, answers, free_port
from cloudhands.common.testing.processes import running
from cloudhands.common.testing.programs import require

# Where Debian's sshd wants a folder when it is started by root.
_SEPARATION = Path("/run/sshd")


@dataclass(frozen=True)
class Key:
    """A key pair; `file` is the private one's."""

    file: Path

    @property
    def public(self) -> str:
        """The line of the public one, without its comment."""
        line = self.file.with_suffix(".pub").read_text(encoding="ascii")
        return " ".join(line.split()[:2])


def make_key(file: Path) -> Key:
    """A new key pair."""
    program = require("ssh-keygen", "openssh-client")
    command = [str(program), "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(file)]
    subprocess.run(command, check=True, timeout=30, stdin=subprocess.DEVNULL)
    return Key(file)


@dataclass(frozen=True)
class Sshd:
    """One that runs.

    :param known_hosts: the file that tells the client which host it is.
    """

    port: int
    known_hosts: Path

    def lets_in(self, key: Key, account: str = "") -> bool:
        """Whether somebody with that key may sign in and run a program.

        :param account: the one of whoever runs this if it is empty.
        """
        options = {
            "BatchMode": "yes",
            "IdentitiesOnly": "yes",
            "IdentityAgent": "none",
            "PreferredAuthentications": "publickey",
            "StrictHostKeyChecking": "yes",
            "UserKnownHostsFile": str(self.known_hosts),
            "LogLevel": "ERROR",
        }
        command = [str(require("ssh", "openssh-client")), "-F", "none", "-n", "-i", str(key.file)]
        command += [f"-o{name}={value}" for name, value in options.items()]
        command += [
            "-p",
            str(self.port),
            f"{account or getpass.getuser()}@{LOOPBACK}",
            "echo",
            "in",
        ]
        told = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        if told.returncode and "Permission denied" not in told.stderr:
            raise AssertionError(f"ssh could not be tried: {told.stderr}")
        return told.returncode == 0 and told.stdout == "in\n"


@contextmanager
def sshd(folder: Path, extra: Path) -> Iterator[Sshd]:
    """An sshd that answers inside the block, with keys of its own.

    :param folder: for its configuration and log.
    :param extra: a file that its configuration includes at the beginning.
    :raises ProcessError: if it does not start; the message has its words.
    """
    program = require("sshd", "openssh-server")
    host, port, config = make_key(folder / "host"), free_port(), folder / "sshd_config"
    if os.geteuid() == 0:
        _SEPARATION.mkdir(mode=0o755, exist_ok=True)
    config.write_text(
        f"Include {extra}\nListenAddress {LOOPBACK}:{port}\nHostKey {host.file}\nPidFile none\n"
        f"UsePAM no\n{_without_penalties(program, host)}",
        encoding="ascii",
    )
    known = folder / "known_hosts"
    known.write_text(f"[{LOOPBACK}]:{port} {host.public}\n", encoding="ascii")
    command = [str(program), "-D", "-e", "-f", str(config)]
    with running(command, ready=lambda: answers(port), log=folder / "sshd.log"):
        yield Sshd(port, known)


def _without_penalties(program: Path, host: Key) -> str:
    """Since OpenSSH 9.8 whoever was refused is kept waiting; older ones do not know the word."""
    line = "PerSourcePenalties no"
    command = [str(program), "-t", "-f", "/dev/null", "-h", str(host.file)]
    command += ["-o", line.replace(" ", "=")]
    known = subprocess.run(command, capture_output=True, timeout=30, check=False).returncode == 0
    return f"{line}\n" if known else ""
