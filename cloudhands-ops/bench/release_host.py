"""One host: its releases, its state, its settings; deployed to as the manual writes it."""

import http.client
import subprocess
import time
from collections.abc import Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

from release_builds import Failed, run

from cloudhands.common.testing import programs
from cloudhands.common.testing.ports import LOOPBACK, free_port

COMMANDS = ("cloud-serve", "cloud-index", "cloud-burst", "cloud-admin")
PASSWORD = "a password of the bench's own"
UID, NAME, TITLE = "bench", "Ada Bench", "The bench"
STOP_SECONDS = 40


@dataclass(frozen=True)
class Host:
    """A host.

    :param folder: an empty one; its path must be short enough for a socket.
    :param signers: whose bundles it trusts.
    :param port: where its portal is.
    """

    folder: Path
    signers: Path
    port: int

    @classmethod
    def make(cls, folder: Path, signers: Path) -> "Host":
        """Write the settings: nginx in front, where it is installed."""
        host = cls(folder, signers, free_port())
        host.state.mkdir(parents=True)
        nginx = str(programs.find("nginx") is not None).lower()
        host.settings.write_text(
            f'state = "{host.state}"\n[portal]\nport = {host.port}\nnginx = {nginx}\n'
            "requests_per_second = 0\n[directory]\nurl = "
            f'"ldap://{LOOPBACK}:{free_port()}"\nbase = "dc=example,dc=org"\n',
            encoding="utf-8",
        )
        return host

    @property
    def state(self) -> Path:
        """What changes."""
        return self.folder / "state"

    @property
    def releases(self) -> Path:
        """What deploy.sh keeps."""
        return self.folder / "srv"

    @property
    def settings(self) -> Path:
        """The settings file."""
        return self.folder / "cloudhands.toml"

    @property
    def address(self) -> str:
        """The portal's."""
        return f"http://{LOOPBACK}:{self.port}/"

    def deploy(self, bundle: Path, python: str, *options: str) -> float:
        """Run the deploy.sh of an unpacked bundle; returns the seconds that it took.

        :raises Failed: with its words.
        """
        began = time.monotonic()
        run([*self.deploying(bundle), *options], PYTHON=python)
        return time.monotonic() - began

    def deploying(self, bundle: Path) -> Sequence[str | Path]:
        """The command that deploys a bundle here."""
        given = ("--config", self.settings, "--signers", self.signers)
        return [bundle / "deploy.sh", "--dir", self.releases, *given]

    def admin(self, *arguments: str | Path) -> str:
        """Run the deployed `cloud-admin`.

        :raises Failed: with its words.
        """
        return run([self.program("cloud-admin"), *arguments], CLOUDHANDS_CONFIG=str(self.settings))

    def program(self, name: str) -> Path:
        """One of the deployed commands."""
        return self.releases / "current" / "venv" / "bin" / name

    def let_somebody_in(self) -> None:
        """Make a user who is the administrator of an organisation."""
        secret = self.folder / "password"
        secret.write_text(PASSWORD, encoding="utf-8")
        self.admin("catalogue", "load")
        user = ("user", "create", UID, "--name", NAME, "--mail", "bench@example.org")
        self.admin(*user, "--password-file", secret)
        self.admin("org", "create", "bench", "--title", TITLE, "--admin", UID)

    def versions(self) -> Sequence[str]:
        """What each command says to --version."""
        return [run([self.program(name), "--version"]).strip() for name in COMMANDS]

    def is_ready(self) -> bool:
        """Whether the portal says that it can do its work."""
        with closing(http.client.HTTPConnection(LOOPBACK, self.port, timeout=20)) as connection:
            connection.request("GET", "/health/ready")
            return connection.getresponse().status == 200

    def shut_down(self) -> None:
        """Stop supervisord and all programs, if they run.

        :raises Failed: if they do not end.
        """
        control = self.releases / "supervisor" / "venv" / "bin" / "supervisorctl"
        pid_file = self.state / "run" / "supervisord.pid"
        with suppress(FileNotFoundError):
            pid = pid_file.read_text(encoding="ascii").strip()
            argv = [control, "-c", self.releases / "deploy" / "supervisord.conf", "shutdown"]
            subprocess.run(argv, capture_output=True, check=False)
            deadline = time.monotonic() + STOP_SECONDS
            while Path(f"/proc/{pid}/cmdline").exists():
                if time.monotonic() > deadline:
                    raise Failed(f"supervisord, process {pid}, does not end")
                time.sleep(0.05)
