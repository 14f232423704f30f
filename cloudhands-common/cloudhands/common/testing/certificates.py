"""A certificate for a test server on this machine, made by the `openssl` program."""

import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Certificate:
    """A self-signed certificate, so that it is its own authority.

    :param file: the certificate, PEM; also what a client trusts.
    :param key_file: its private key, PEM.
    """

    file: Path
    key_file: Path


def self_signed(folder: Path, *names: str) -> Certificate:
    """Make a certificate for host names or addresses.

    :param folder: where the two files go.
    :param names: as in a subject alternative name, for example `DNS:localhost`, `IP:127.0.0.1`.
    :raises subprocess.CalledProcessError: if openssl refuses; its words are in `stderr`.
    """
    made = Certificate(folder / "certificate.pem", folder / "key.pem")
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
            *("-noenc", "-days", "2", "-subj", "/CN=test", "-addext"),
            f"subjectAltName={','.join(names)}",
            *("-keyout", str(made.key_file), "-out", str(made.file)),
        ],
        check=True,
        capture_output=True,
        text=True,
    )
    return made
