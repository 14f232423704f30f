"""Builds bundles from clones of this repository, as a release engineer would."""

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cloudhands.ops.bundle.manifest import SUMS

ROOT = Path(__file__).resolve().parents[2]
MIGRATIONS = Path("cloudhands-common/cloudhands/common/migrations/versions")
SIGNER = "releases@example.org"
MACHINE = os.uname().machine
MIGRATION = '''"""What the next release adds."""

import sqlalchemy as sa
from alembic import op

revision = "{revision}"
down_revision = "{before}"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply. Older code runs on it, and does not look at the table."""
    op.create_table("next_release", sa.Column("id", sa.Integer(), primary_key=True))
'''


class Failed(RuntimeError):
    """A command that should have succeeded did not; the message has its last words."""


def run(argv: Sequence[str | Path], **environment: str) -> str:
    """Run a command to its end; returns what it printed.

    :raises Failed: if it fails.
    """
    done = asked(argv, **environment)
    if done.returncode:
        said = (done.stdout + done.stderr).strip().splitlines()[-8:]
        raise Failed("\n".join([f"{' '.join(map(str, argv))} ended with {done.returncode}", *said]))
    return done.stdout


def asked(argv: Sequence[str | Path], **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command to its end, however it ends; nothing of this Python's own goes with it."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PYTHON", "CLOUDHANDS_", "VIRTUAL_ENV"))
    }
    return subprocess.run(
        argv, capture_output=True, text=True, check=False, env={**kept, **environment}
    )


@dataclass(frozen=True)
class Bundle:
    """A bundle that was built.

    :param file: the tar file.
    :param seconds: what building it took.
    """

    file: Path
    seconds: float

    @property
    def version(self) -> str:
        """The version that its name tells."""
        return self.file.stem.removeprefix("cloudhands-")

    @property
    def name(self) -> str:
        """Of the folder that is in it."""
        return self.file.stem

    def unpack(self, folder: Path) -> Path:
        """Unpack it as a person would; returns its own folder."""
        folder.mkdir(parents=True, exist_ok=True)
        run(["tar", "-xf", self.file, "-C", folder])
        return folder / self.file.stem


@dataclass(frozen=True)
class Keys:
    """A key that signs, and the list of signers that a host has.

    :param folder: an empty one for them.
    """

    folder: Path

    def make(self) -> "Keys":
        """Make them."""
        self.folder.mkdir()
        run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", SIGNER, "-f", self.key])
        public = self.key.with_suffix(".pub").read_text(encoding="ascii")
        self.signers.write_text(f"{SIGNER} {public}", encoding="ascii")
        return self

    @property
    def key(self) -> Path:
        """The private key."""
        return self.folder / "release"

    @property
    def signers(self) -> Path:
        """The file of allowed signers."""
        return self.folder / "allowed_signers"


@dataclass(frozen=True)
class Builder:
    """Builds with one vendor folder and one key."""

    vendor: Path
    keys: Keys

    def build(self, tree: Path, output: Path, *options: str, python: str = "") -> Bundle:
        """Build the tree's commit.

        :param options: of build.sh, besides those that say where things are.
        :param python: the interpreter (default: this one).
        :raises Failed: with its words.
        """
        began = time.monotonic()
        argv = [tree / "cloudhands-ops" / "build.sh", "--key", self.keys.key, "--output", output]
        run([*argv, "--vendor-folder", self.vendor, *options], PYTHON=python or sys.executable)
        seconds = time.monotonic() - began
        (file,) = output.glob("cloudhands-*.tar")
        return Bundle(file, seconds)


def clones(*folders: Path) -> Sequence[Path]:
    """Clones of this repository at the same commit, with their own copies of every object."""
    commit = run(["git", "-C", ROOT, "rev-parse", "HEAD"]).strip()
    for folder in folders:
        run(["git", "clone", "--quiet", "--no-hardlinks", ROOT, folder])
        run(["git", "-C", folder, "checkout", "--quiet", "--detach", commit])
    return folders


def add_next_release(tree: Path) -> None:
    """Commit what a next release may bring: a migration that adds a table."""
    newest = max(tree.joinpath(MIGRATIONS).glob("[0-9]*.py")).name[:4]
    coming = f"{int(newest) + 1:04}"
    file = tree / MIGRATIONS / f"{coming}_next_release.py"
    file.write_text(MIGRATION.format(revision=coming, before=newest), encoding="utf-8")
    git = ["git", "-C", tree, "-c", f"user.email={SIGNER}", "-c", "user.name=Release"]
    run([*git, "add", "--all"])
    run([*git, "commit", "--quiet", "-m", "The next release"])


def pythons() -> dict[str, str]:
    """The Pythons of this machine that a bundle is for, by version."""
    found = {}
    for version in ("3.11", "3.12", "3.13"):
        try:
            told = run([f"python{version}", "-c", "import sys; print(sys.executable)"])
        except (Failed, OSError):
            continue  # a name may lead to an interpreter that is not there
        found[version] = told.strip()
    return found


def differing(first: Bundle, second: Bundle, folder: Path) -> Sequence[str]:
    """The files that two bundles have not both with the same bytes; empty if the tars are one."""
    if first.file.read_bytes() == second.file.read_bytes():
        return []
    sums = [
        set((one.unpack(folder / str(number)) / SUMS).read_text(encoding="utf-8").splitlines())
        for number, one in enumerate((first, second))
    ]
    return sorted({line.split("  ", 1)[1] for line in sums[0] ^ sums[1]}) or ["the tar file itself"]
