"""Who signed a bundle, told by OpenSSH's ssh-keygen.

Whom to believe is the host's to say: a file of allowed signers that came with the bundle proves
nothing, because whoever made another bundle could have made that too.
"""

import os
import re
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from cloudhands.common.errors import BundleError, ConfigurationError
from cloudhands.ops.bundle import disk
from cloudhands.ops.bundle.manifest import NAMESPACE, SIGNATURE, SUMS

_KEY = re.compile(r"with (\S+ key SHA256:\S+)")


def signers_file(given: Path | None, kept: Path, bundle: Path) -> Path:
    """The file that says whose signatures count.

    :param given: the operator's; it goes before the one that is kept.
    :param kept: the host's own.
    :param bundle: the bundle, in which it must not lie.
    :raises ConfigurationError: if there is none, or it is the bundle's own.
    """
    file = given or kept
    if not file.is_file():
        raise ConfigurationError(
            f"{file} is not there: give the file with the public keys of those whose releases "
            "you trust with --signers FILE (each line: NAME ssh-ed25519 KEY)"
        )
    if not os.access(file, os.R_OK):
        raise ConfigurationError(f"{file} may not be read by this user: change its permissions")
    if file.resolve().is_relative_to(bundle.resolve()):
        raise ConfigurationError(
            f"--signers {file} came with the bundle, and proves nothing: take one that reached "
            "you in another way"
        )
    return file


def check(sums: bytes, folder: Path, signers: Path) -> str:
    """Refuse sums that nobody signed whom the host knows.

    :param sums: the text of SHA256SUMS, as it is going to be used.
    :param folder: of the bundle, with the signature.
    :returns: the signer's name in `signers`.
    :raises BundleError: if it is not signed, or by a key that `signers` does not name.
    """
    signature = folder / SIGNATURE
    if not signature.is_file():
        raise BundleError(
            f"{signature} is missing: the bundle is not signed. Build it with --key, or say "
            "--unsigned if you know where it comes from"
        )
    with tempfile.TemporaryDirectory(prefix="cloudhands-signature-") as place:
        # A copy: what is checked cannot be exchanged between two looks at it.
        copy = Path(place) / SIGNATURE
        content = signature.read_bytes()
        with disk.naming(copy):
            copy.write_bytes(content)
        key = _key(sums, copy, signature)
        name = _principal(copy, signers)
        if not name or not _is_verified(sums, copy, signers, name):
            raise BundleError(
                f"{signature} is by a foreign key ({key}), which {signers} does not allow: "
                "do not use the bundle unless you know whose it is"
            )
    return name


def _key(sums: bytes, copy: Path, signature: Path) -> str:
    """The key that the signature is by, whoever's; the sums are what it signed."""
    done = _ssh_keygen(["-Y", "check-novalidate", "-n", NAMESPACE, "-s", str(copy)], sums)
    found = _KEY.search(done.stdout)
    if done.returncode or found is None:
        raise BundleError(f"{signature} does not sign this {SUMS}: one of them was changed")
    return found[1]


def _principal(copy: Path, signers: Path) -> str:
    done = _ssh_keygen(["-Y", "find-principals", "-s", str(copy), "-f", str(signers)], b"")
    lines = done.stdout.splitlines()
    return lines[0] if lines and not done.returncode else ""


def _is_verified(sums: bytes, copy: Path, signers: Path, name: str) -> bool:
    argv = ["-Y", "verify", "-f", str(signers), "-I", name, "-n", NAMESPACE, "-s", str(copy)]
    return _ssh_keygen(argv, sums).returncode == 0


def _ssh_keygen(arguments: Sequence[str], given: bytes) -> subprocess.CompletedProcess[str]:
    try:
        done = subprocess.run(
            ["ssh-keygen", *arguments], input=given, capture_output=True, check=False
        )
    except FileNotFoundError:
        raise ConfigurationError(
            "ssh-keygen is missing, which verifies signatures: apt-get install openssh-client"
        ) from None
    return subprocess.CompletedProcess(
        done.args,
        done.returncode,
        done.stdout.decode(errors="replace"),
        done.stderr.decode(errors="replace"),
    )
