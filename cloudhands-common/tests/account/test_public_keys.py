"""SSH public keys: what sshd reads, and what people paste in its place."""

import base64
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from cloudhands.common.account.public_keys import TYPES, PublicKey
from cloudhands.common.testing.factories import KEY
from cloudhands.common.testing.programs import require

ED25519 = bytes(range(32))
# The generators of the curves (FIPS 186-4, D.1.2) are points of them, and keys like any other.
P256 = bytes.fromhex(
    "04"
    "6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296"
    "4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5"
)
RSA = (1 << 2047) + 1


def number(value: int) -> bytes:
    return value.to_bytes(value.bit_length() // 8 + 1, "big")


def line(type_: str, *parts: bytes, holds: str = "", tail: bytes = b"") -> str:
    whole = ((holds or type_).encode(), *parts)
    blob = b"".join(len(part).to_bytes(4, "big") + part for part in whole) + tail
    return f"{type_} {base64.b64encode(blob).decode()}"


SK_ECDSA, SK_ED25519 = "sk-ecdsa-sha2-nistp256@openssh.com", "sk-ssh-ed25519@openssh.com"


@pytest.fixture
def keygen(tmp_path: Path) -> Callable[..., str]:
    program = str(require("ssh-keygen", "openssh-client"))

    def run(*arguments: str) -> str:
        made = subprocess.run(
            [program, *arguments], check=True, capture_output=True, text=True, cwd=tmp_path
        )
        return made.stdout

    return run


MADE = [("ed25519", "256"), ("ecdsa", "256"), ("ecdsa", "384"), ("ecdsa", "521"), ("rsa", "2048")]


@pytest.mark.parametrize(("kind", "bits"), MADE)
def test_what_ssh_keygen_makes(
    keygen: Callable[..., str], tmp_path: Path, kind: str, bits: str
) -> None:
    keygen("-q", "-t", kind, "-b", bits, "-N", "", "-C", "a comment", "-f", "key")
    written = (tmp_path / "key.pub").read_text()
    key = PublicKey.parse(written)
    assert key.line == written.removesuffix(" a comment\n")
    assert key.fingerprint == keygen("-l", "-f", "key.pub").split()[1]
    with pytest.raises(ValueError, match="private key"):
        PublicKey.parse((tmp_path / "key").read_text())
    converted = keygen("-e", "-f", "key.pub")
    with pytest.raises(ValueError, match="ssh-keygen -i -f FILE"):
        PublicKey.parse(converted)
    if kind != "ed25519":  # which this ssh-keygen does not write in that format
        with pytest.raises(ValueError, match="ssh-keygen -i -m PKCS8 -f FILE"):
            PublicKey.parse(keygen("-e", "-m", "PKCS8", "-f", "key.pub"))


@pytest.mark.parametrize(
    ("type_", "parts"),
    [
        (SK_ED25519, (ED25519, b"ssh:")),
        (SK_ECDSA, (b"nistp256", P256, b"ssh:")),
        ("ecdsa-sha2-nistp256", (b"nistp256", P256)),
        ("ssh-rsa", (number(65537), number(RSA))),
        ("ssh-rsa", (number(3), number((1 << 16_383) + 1))),
    ],
)
def test_what_we_make_up_is_read_here_and_by_ssh_keygen(
    keygen: Callable[..., str], tmp_path: Path, type_: str, parts: tuple[bytes, ...]
) -> None:
    made = line(type_, *parts)
    key = PublicKey.parse(f"  {made} somebody@laptop\n")
    assert (key.type, key.line) == (type_, made)
    (tmp_path / "key.pub").write_text(made)
    assert key.fingerprint == keygen("-l", "-f", "key.pub").split()[1]


def test_a_certificate_is_not_the_key(keygen: Callable[..., str], tmp_path: Path) -> None:
    for name in ("ca", "user"):
        keygen("-q", "-t", "ed25519", "-N", "", "-f", name)
    keygen("-q", "-s", "ca", "-I", "user", "user.pub")
    with pytest.raises(ValueError, match="This is a certificate"):
        PublicKey.parse((tmp_path / "user-cert.pub").read_text())


OFF_THE_CURVE = P256[:-1] + b"\0"
PUTTY = "PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\nComment: x\nPublic-Lines: 2\nAAAA\n"


@pytest.mark.parametrize(
    ("pasted", "sentence"),
    [
        ("", "starts with one of"),
        ("hello", "starts with one of ssh-ed25519, "),
        ("ssh-ed25519", "only its type"),
        ("ssh-dss AAAAB3NzaC1kc3M=", "DSA keys are not safe"),
        ("ssh-ed25519 é", "not base64"),
        ("ssh-ed25519 AAA", "not base64"),
        ("ssh-ed25519 AAAA", "does not hold the type"),
        (line("ssh-ed25519", ED25519, holds="ssh-rsa"), "does not hold the type"),
        (line("ssh-ed25519"), "without its key"),
        (line("ssh-ed25519", b""), "without its parts"),
        (line("ssh-ed25519", ED25519)[:-24], "without its key"),
        (line("ssh-ed25519", ED25519[1:]), "31 bytes, not 32"),
        (line("ssh-ed25519", ED25519, tail=b"\0"), "more in it"),
        (line("ssh-ed25519", ED25519, b"more"), "more in it"),
        (line(SK_ED25519, ED25519), "without its application"),
        (line(SK_ED25519, ED25519, b""), "without its parts"),
        (line(SK_ECDSA, b"nistp256", P256), "without its application"),
        (line(SK_ECDSA, b"nistp256"), "without its point and application"),
        (line("ecdsa-sha2-nistp256", b"nistp384", P256), "its curve is not nistp256"),
        (line("ecdsa-sha2-nistp256", b"nistp256", P256[:-1]), "no point of nistp256"),
        (line("ecdsa-sha2-nistp256", b"nistp256", b"\2" + P256[1:]), "no point of nistp256"),
        (line("ecdsa-sha2-nistp256", b"nistp256", OFF_THE_CURVE), "no point of nistp256"),
        (line("ecdsa-sha2-nistp521", b"nistp521", P256), "no point of nistp521"),
        (line("ssh-rsa"), "without its exponent and modulus"),
        (line("ssh-rsa", number(65537)), "without its modulus"),
        (line("ssh-rsa", number(1), number(RSA)), "its exponent is not"),
        (line("ssh-rsa", number(65536), number(RSA)), "its exponent is not"),
        (line("ssh-rsa", number((1 << 64) + 1), number(RSA)), "its exponent is not"),
        (line("ssh-rsa", b"\xff\xff", number(RSA)), "not written as one"),
        (line("ssh-rsa", b"\0\3", number(RSA)), "not written as one"),
        (line("ssh-rsa", number(65537), number((1 << 2046) + 1)), "has 2047 bits; at least 2048"),
        (line("ssh-rsa", number(65537), number((1 << 1023) + 1)), "has 1024 bits; at least 2048"),
        (line("ssh-rsa", number(65537), number((1 << 16_384) + 1)), "more than 16384 bits"),
        (line("ssh-rsa", number(65537), number(1 << 2047)), "its modulus is even"),
        (f'command="ls -l" {KEY}', "options before the key"),
        (f"no-pty,restrict {KEY} comment", "options before the key"),
        (f"ssh-ed25519-cert-v01@openssh.com {KEY.split()[1]}", "This is a certificate"),
        (f"{KEY} one\n{KEY} two", "These are 2 lines"),
        (f"{KEY} one {KEY} two", "These are several keys"),
        (f"{KEY[:40]}\n{KEY[40:]}", "These are 2 lines"),
        ("-----BEGIN OPENSSH PRIVATE KEY-----\nb3Blb\n", "private key"),
        ("-----BEGIN RSA PRIVATE KEY-----\nb3Blb\n", "private key"),
        (PUTTY, "private key"),
        ("---- BEGIN SSH2 PUBLIC KEY ----\nAAAA\n---- END SSH2 PUBLIC KEY ----", "-i -f FILE"),
    ],
)
def test_what_is_no_key(pasted: str, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence) as caught:
        PublicKey.parse(pasted)
    assert str(caught.value)[0].isupper()


def test_no_secret_is_told() -> None:
    with pytest.raises(ValueError, match="private key") as caught:
        PublicKey.parse("-----BEGIN OPENSSH PRIVATE KEY-----\nverysecret\n")
    assert "verysecret" not in str(caught.value)


def test_every_type_that_openssh_takes(keygen: Callable[..., str]) -> None:
    ssh = str(require("ssh", "openssh-client"))
    asked = subprocess.run([ssh, "-Q", "key-plain"], check=True, capture_output=True, text=True)
    known = set(asked.stdout.split())
    assert set(TYPES) <= known
    assert known - set(TYPES) <= {"ssh-dss", "webauthn-sk-ecdsa-sha2-nistp256@openssh.com"}
