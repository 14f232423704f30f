"""Bundles that somebody tampered with, and whether a host takes any of them."""

import io
import os
import shutil
import tarfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from release_builds import Bundle, Failed, Keys, asked, run
from release_host import Host

from cloudhands.ops.bundle.manifest import NAMESPACE, SIGNATURE, SUMS, WHEELS


@dataclass(frozen=True)
class Tampering:
    """Makes tampered copies of a bundle.

    :param bundle: the good one.
    :param unpacked: its folder.
    :param place: an empty folder for the copies.
    """

    bundle: Bundle
    unpacked: Path
    place: Path

    def folders(self, *, every: bool) -> Mapping[str, Callable[[Path], None]]:
        """What is done to a copy of the folder, by what a person would call it.

        :param every: also what is much like something else.
        """
        first = {
            "a changed wheel": self._change_wheel,
            "a changed sum": self._change_sum,
            "a foreign key": self._sign_with_another_key,
            "an added file": lambda copy: _write(copy / "sitecustomize.py", b"print('hello')\n"),
        }
        return (
            first
            if not every
            else {
                **first,
                "a changed wheel and its sum": self._change_wheel_and_sum,
                "no signature": lambda copy: (copy / SIGNATURE).unlink(),
                "an added wheel": lambda copy: _write(
                    # Found before the good one by whoever takes the first.
                    copy / WHEELS / "cloudhands_ops-0-py3-none-any.whl",
                    b"PK",
                ),
                "a missing file": lambda copy: self._wheel(copy).unlink(),
                "a link": lambda copy: (copy / "passwd").symlink_to("/etc/passwd"),
            }
        )

    def tars(self, *, every: bool) -> Mapping[str, Callable[[Path], None]]:
        """What is written instead of the tar file."""
        first = {
            "a truncated tar": self._truncate,
            "a path that escapes": lambda file: self._add(file, "../escaped"),
        }
        return (
            first
            if not every
            else {
                **first,
                "an absolute path": lambda file: self._add(file, "/tmp/escaped"),
                "a path that escapes below": lambda file: self._add(
                    file, f"{self.unpacked.name}/../../escaped"
                ),
            }
        )

    def copy(self, number: int) -> Path:
        """A copy of the folder; files that are not changed are the same on the disk."""
        copy = self.place / f"{number}" / self.unpacked.name
        shutil.copytree(self.unpacked, copy, copy_function=os.link)
        return copy

    def _wheel(self, copy: Path) -> Path:
        return sorted((copy / WHEELS).glob("cloudhands_common-*.whl"))[0]

    def _change_wheel(self, copy: Path) -> None:
        content = bytearray(self._wheel(copy).read_bytes())
        content[len(content) // 2] ^= 1
        _write(self._wheel(copy), bytes(content))

    def _change_sum(self, copy: Path) -> None:
        lines = (copy / SUMS).read_text(encoding="utf-8")
        first = "0" if lines[0] != "0" else "1"
        _write(copy / SUMS, (first + lines[1:]).encode())

    def _change_wheel_and_sum(self, copy: Path) -> None:
        wheel = self._wheel(copy)
        before = run(["sha256sum", wheel]).split()[0]
        self._change_wheel(copy)
        after = run(["sha256sum", wheel]).split()[0]
        text = (copy / SUMS).read_text(encoding="utf-8")
        _write(copy / SUMS, text.replace(before, after).encode())

    def _sign_with_another_key(self, copy: Path) -> None:
        (copy / SIGNATURE).unlink()
        stranger = Keys(copy.parent / "stranger").make()
        sign = ("ssh-keygen", "-q", "-Y", "sign", "-n", NAMESPACE, "-f", stranger.key)
        run([*sign, copy / SUMS])

    def _truncate(self, file: Path) -> None:
        size = self.bundle.file.stat().st_size
        with self.bundle.file.open("rb") as whole:
            file.write_bytes(whole.read(size // 2))

    def _add(self, file: Path, name: str) -> None:
        shutil.copyfile(self.bundle.file, file)
        with tarfile.open(file, "a") as tar:
            member = tarfile.TarInfo(name)
            member.size = 4
            tar.addfile(member, io.BytesIO(b"evil"))


def _write(file: Path, content: bytes) -> None:
    # Anew: what was there is the good bundle's own file, too.
    file.unlink(missing_ok=True)
    file.write_bytes(content)


def refused(
    tampering: Tampering, host: Host, python: str, *, every: bool
) -> Iterator[tuple[str, str]]:
    """Try to deploy each on a host; gives what was done to it, and the line that refuses it.

    :raises Failed: if one is not refused, in a line, with the host as it was.
    """
    before = _state(host)
    for number, (name, change) in enumerate(tampering.folders(every=every).items()):
        copy = tampering.copy(number)
        change(copy)
        yield name, _line(name, host.deploying(copy), python)
        shutil.rmtree(copy.parent)
    for name, write in tampering.tars(every=every).items():
        file = tampering.place / tampering.bundle.file.name
        write(file)
        verifying = [*_installing(host), file]
        yield name, _line(name, verifying, python)
        file.unlink()
    if before != _state(host):
        raise Failed(f"tampered bundles left something behind: {sorted(before ^ _state(host))}")


def _installing(host: Host) -> Sequence[str | Path]:
    """What installs a tar file: the deployed `cloud-admin`."""
    admin = (host.program("cloud-admin"), "bundle", "install")
    return [*admin, "--dir", host.releases, "--signers", host.signers]


def _line(name: str, argv: Sequence[str | Path], python: str) -> str:
    done = asked(argv, PYTHON=python)
    lines = done.stderr.strip().splitlines()
    if done.returncode not in (1, 2) or len(lines) != 1:
        raise Failed(
            f"{name} ended with {done.returncode} and {len(lines)} lines instead of a refusal in "
            f"one:\n{done.stdout}{done.stderr}"
        )
    return lines[0]


def _state(host: Host) -> set[str]:
    """The files on the host, and where the present release is; not what its programs write."""
    found = {
        str(file.relative_to(host.releases))
        for folder in (host.releases, host.releases / "releases", host.releases / "backups")
        for file in (folder.iterdir() if folder.is_dir() else ())
        if file.name not in (".lock", "incoming")
    }
    escaped = {
        str(file) for file in (Path("/tmp/escaped"), host.releases / "escaped") if file.exists()
    }
    return {*found, str((host.releases / "current").resolve()), *escaped}
