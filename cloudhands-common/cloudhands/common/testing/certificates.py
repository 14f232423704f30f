"""Certificates for test servers on this machine, made by the `openssl` program."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

NEW_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc", "-days", "2")


@dataclass(frozen=True)
class Certificate:
    """A certificate and its key.

    :param file: the certificate, PEM; if it is self-signed also what a client trusts.
    :param key_file: its private key, PEM.
    """

    file: Path
    key_file: Path


def self_signed(folder: Path, *names: str) -> Certificate:
    """Make a certificate for host names or addresses that is its own authority.

    :param folder: where the two files go.
    :param names: as in a subject alternative name, for example `DNS:localhost`, `IP:127.0.0.1`.
    :raises subprocess.CalledProcessError: if openssl refuses; its words are in `stderr`.
    """
    made = Certificate(folder / "certificate.pem", folder / "key.pem")
    return _request(made, "/CN=test", "-addext", f"subjectAltName={','.join(names)}")


def authority(folder: Path) -> Certificate:
    """Make an authority, whose `file` clients trust.

    :param folder: where the two files go.
    :raises subprocess.CalledProcessError: if openssl refuses; its words are in `stderr`.
    """
    made = Certificate(folder / "authority.pem", folder / "authority.key")
    # Python 3.13 refuses an authority that does not say that it may sign.
    usage = ("-addext", "keyUsage=critical,keyCertSign,cRLSign")
    return _request(made, "/CN=test authority", *usage)


def issued(by: Certificate, folder: Path, *names: str) -> Certificate:
    """Make a certificate for host names or addresses, signed by an authority.

    :param by: what `authority` made.
    :param folder: where the two files go.
    :param names: as in a subject alternative name, for example `DNS:localhost`, `IP:127.0.0.1`.
    :raises subprocess.CalledProcessError: if openssl refuses; its words are in `stderr`.
    """
    made = Certificate(folder / "certificate.pem", folder / "key.pem")
    signed = ("-CA", str(by.file), "-CAkey", str(by.key_file))
    leaf = ("-addext", "basicConstraints=critical,CA:FALSE")
    return _request(
        made, "/CN=test", *signed, *leaf, "-addext", f"subjectAltName={','.join(names)}"
    )


def _request(made: Certificate, subject: str, *options: str) -> Certificate:
    subprocess.run(
        [
            *("openssl", "req", "-x509", *NEW_KEY, "-subj", subject, *options),
            *("-keyout", str(made.key_file), "-out", str(made.file)),
        ],
        check=True,
        capture_output=True,
        text=True,
    )
    return made
