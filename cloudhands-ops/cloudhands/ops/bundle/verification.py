"""Proves a bundle: signed by somebody whom the host trusts, and as it was when it was signed."""

import dataclasses
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cloudhands.common.errors import BundleError
from cloudhands.ops.bundle import signature, sums, unpacking, wheels
from cloudhands.ops.bundle.manifest import SIGNATURE, SUMS, WHEELS, Manifest
from cloudhands.ops.bundle.python import Python


@dataclass(frozen=True)
class Bundle:
    """An unpacked bundle that was proved.

    :param sums: each file's digest, by its path.
    :param text: of SHA256SUMS, as it was proved.
    :param signer: whose signature it is, in the words of the host; empty if it is not signed.
    """

    folder: Path
    manifest: Manifest
    sums: Mapping[str, str]
    text: bytes
    signer: str

    @property
    def wheels(self) -> Path:
        """The folder of wheels."""
        return self.folder / WHEELS

    @property
    def origin(self) -> str:
        """Who answers for it, for people."""
        return f"signed by {self.signer}" if self.signer else "NOT SIGNED, as --unsigned allows"

    def wheel(self, name: str) -> Path:
        """The wheel of a distribution that has just one.

        :raises BundleError: if there is none, or more than one.
        """
        found = sorted(self.wheels.glob(f"{name}-*.whl"))
        if len(found) != 1:
            raise BundleError(
                f"{self.wheels} holds {len(found)} wheels of {name}, and not one: {sums.AGAIN}"
            )
        return found[0]


@contextmanager
def opened(path: Path, incoming: Path | None = None) -> Iterator[Path]:
    """The folder of a bundle for a `with` block: a tar file is unpacked, and removed at the end.

    :param path: an unpacked bundle, or a tar file.
    :param incoming: the folder to unpack in (default: one for temporary files).
    :raises BundleError: if there is none, or it is not whole.
    """
    if path.is_dir():
        yield path.absolute()
        return
    if not path.exists():
        raise BundleError(f"{path} is not there: name a bundle, a tar file or its folder")
    with place(incoming) as folder:
        yield unpacking.unpack(path, folder)


@contextmanager
def place(incoming: Path | None = None) -> Iterator[Path]:
    """A folder for a `with` block that this user alone can look into and change."""
    if incoming is not None:
        incoming.mkdir(mode=0o750, exist_ok=True)
    with tempfile.TemporaryDirectory(
        prefix="bundle-", dir=incoming, ignore_cleanup_errors=True
    ) as folder:
        yield Path(folder)


def copied(bundle: Bundle, python: Python, to: Path) -> Bundle:
    """A copy of what a Python installs of a bundle, each file as it was proved.

    :param to: an empty folder that nobody else can write: the bundle's may be anybody's.
    :raises BundleError: if a file was changed since.
    """
    fitting = wheels.fitting(bundle.wheels, python.version, python.machine)
    names = [name for name in bundle.sums if "/" not in name]
    for name in (*names, *(f"{WHEELS}/{wheel.file.name}" for wheel in fitting)):
        copy = to / name
        copy.parent.mkdir(exist_ok=True)
        shutil.copyfile(bundle.folder / name, copy)
        if sums.digest_of(copy) != bundle.sums.get(name):
            raise BundleError(f"{bundle.folder / name} was changed while it was read: begin again")
    (to / SUMS).write_bytes(bundle.text)
    if bundle.signer:
        shutil.copyfile(bundle.folder / SIGNATURE, to / SIGNATURE)
    return dataclasses.replace(bundle, folder=to)


def verified(folder: Path, signers: Path | None, kept: Path, *, unsigned: bool) -> Bundle:
    """Prove an unpacked bundle.

    :param signers: the operator's file of allowed signers.
    :param kept: the host's, where the operator gave none.
    :param unsigned: whether a bundle without any signature will do.
    :raises BundleError: if it is not what was signed, or signed by somebody else.
    :raises ConfigurationError: if nobody says whom to trust.
    """
    try:
        text = (folder / SUMS).read_bytes()
    except OSError as error:
        raise BundleError(f"{folder / SUMS} cannot be read: {folder} is no bundle") from error
    signer = ""
    if not unsigned:
        signer = signature.check(text, folder, signature.signers_file(signers, kept, folder))
    found = sums.read(text, folder / SUMS)
    sums.check(folder, found)
    manifest = Manifest.read(folder)
    return Bundle(folder, manifest, found, text, signer)
