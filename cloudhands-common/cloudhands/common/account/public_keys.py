"""SSH public keys: what is one (RFC 4253, 5656, 8709 and OpenSSH's PROTOCOL.u2f), and what is not.

As strict as sshd, which ignores a key that it cannot read: whoever pasted one is told now.
"""

import base64
import binascii
import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Self

Parts = Sequence[bytes]

ED25519_BYTES = 32
MIN_RSA_BITS, MAX_RSA_BITS = 2048, 16_384
MAX_EXPONENT_BITS = 64


@dataclass(frozen=True)
class Curve:
    """y² = x³ - 3x + b over the integers modulo p (FIPS 186-4, D.1.2)."""

    p: int
    b: int

    def holds(self, point: bytes) -> bool:
        """Whether an uncompressed point (SEC 1, 2.3.3) is on the curve."""
        size = (self.p.bit_length() + 7) // 8
        if len(point) != 1 + 2 * size or point[0] != 4:
            return False
        x, y = (int.from_bytes(half, "big") for half in (point[1 : 1 + size], point[1 + size :]))
        return max(x, y) < self.p and (y * y - (x**3 - 3 * x + self.b)) % self.p == 0


CURVES: Mapping[bytes, Curve] = {
    b"nistp256": Curve(
        2**256 - 2**224 + 2**192 + 2**96 - 1,
        0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B,
    ),
    b"nistp384": Curve(
        2**384 - 2**128 - 2**96 + 2**32 - 1,
        0xB3312FA7E23EE7E4988E056BE3F82D19181D9C6EFE8141120314088F5013875AC656398D8A2ED19D2A85C8EDD3EC2AEF,
    ),
    b"nistp521": Curve(
        2**521 - 1,
        0x0051953EB9618E1C9A1F929A21A0B68540EEA2DA725B99B315F3B8B489918EF109E156193951EC7E937B1652C0BD3BB1BF073573DF883D2C34F1EF451FD46B503F00,
    ),
}


def _ed25519(parts: Parts) -> None:
    if len(parts[0]) != ED25519_BYTES:
        raise ValueError(f"The key is damaged: it has {len(parts[0])} bytes, not {ED25519_BYTES}.")


def _ecdsa(curve: bytes) -> Callable[[Parts], None]:
    def check(parts: Parts) -> None:
        if parts[0] != curve:
            raise ValueError(f"The key is damaged: its curve is not {curve.decode()}.")
        if not CURVES[curve].holds(parts[1]):
            raise ValueError(f"The key is damaged: it is no point of {curve.decode()}.")

    return check


def _rsa(parts: Parts) -> None:
    exponent, modulus = (_positive(part) for part in parts)
    if exponent < 3 or not exponent % 2 or exponent.bit_length() > MAX_EXPONENT_BITS:
        raise ValueError("The key is damaged: its exponent is not one of RSA.")
    if modulus.bit_length() < MIN_RSA_BITS:
        raise ValueError(
            f"This RSA key has {modulus.bit_length()} bits; at least {MIN_RSA_BITS} are needed. "
            "Make another key: ssh-keygen -t ed25519"
        )
    if modulus.bit_length() > MAX_RSA_BITS:
        raise ValueError(f"This RSA key has more than {MAX_RSA_BITS} bits, the most SSH can use.")
    if not modulus % 2:
        raise ValueError("The key is damaged: its modulus is even.")


def _positive(part: bytes) -> int:
    """A number as RFC 4251, section 5, writes a positive `mpint`."""
    value = int.from_bytes(part, "big")
    if value.to_bytes(value.bit_length() // 8 + 1, "big") != part:
        raise ValueError("The key is damaged: a number in it is not written as one.")
    return value


@dataclass(frozen=True)
class _Kind:
    """What follows the type in a key: the names of its parts, and what must hold for them."""

    parts: Sequence[str]
    check: Callable[[Parts], None]


_KINDS: Mapping[str, _Kind] = {
    "ssh-ed25519": _Kind(("key",), _ed25519),
    "sk-ssh-ed25519@openssh.com": _Kind(("key", "application"), _ed25519),
    "ecdsa-sha2-nistp256": _Kind(("curve", "point"), _ecdsa(b"nistp256")),
    "ecdsa-sha2-nistp384": _Kind(("curve", "point"), _ecdsa(b"nistp384")),
    "ecdsa-sha2-nistp521": _Kind(("curve", "point"), _ecdsa(b"nistp521")),
    "sk-ecdsa-sha2-nistp256@openssh.com": _Kind(
        ("curve", "point", "application"), _ecdsa(b"nistp256")
    ),
    "ssh-rsa": _Kind(("exponent", "modulus"), _rsa),
}
TYPES = tuple(_KINDS)


@dataclass(frozen=True)
class PublicKey:
    """A key as OpenSSH writes it in one line, without the comment."""

    type: str
    blob: bytes

    @classmethod
    def parse(cls, line: str) -> Self:
        """Read a line of an `id_*.pub` file.

        :raises ValueError: with a sentence for the person who pasted it.
        """
        _refuse_other_things(line)
        words = line.split()
        if len(words) < 2 or words[0] not in _KINDS:
            raise ValueError(_no_key(words))
        if any(word in _KINDS for word in words[2:]):
            raise ValueError("These are several keys. Add them one by one.")
        try:
            blob = base64.b64decode(words[1], validate=True)
        except (binascii.Error, ValueError):
            raise ValueError("The key is damaged: its second word is not base64.") from None
        _check(words[0], blob)
        return cls(words[0], blob)

    @property
    def line(self) -> str:
        """The key as it goes into `authorized_keys`."""
        return f"{self.type} {base64.b64encode(self.blob).decode()}"

    @property
    def fingerprint(self) -> str:
        """As `ssh-keygen -l` prints it."""
        digest = base64.b64encode(hashlib.sha256(self.blob).digest()).decode().rstrip("=")
        return f"SHA256:{digest}"


def _refuse_other_things(text: str) -> None:
    """Say what it is that somebody pasted in place of a line of a .pub file."""
    if "PRIVATE KEY" in text or "PuTTY-User-Key-File" in text:
        raise ValueError("This is a private key. Keep it secret; paste the public key instead.")
    if "BEGIN SSH2 PUBLIC KEY" in text:
        raise ValueError(
            "This is a key in the format of SSH2. Convert it: ssh-keygen -i -f FILE, "
            "and paste the line that this prints."
        )
    if "-----BEGIN" in text:
        raise ValueError(
            "This is a file in PEM format. A public key in it is converted by "
            "ssh-keygen -i -m PKCS8 -f FILE; paste the line that this prints."
        )
    lines = len(text.strip().splitlines())
    if lines > 1:
        raise ValueError(
            f"These are {lines} lines. Add several keys one by one, and each on one line."
        )


def _no_key(words: Sequence[str]) -> str:
    """Why these words are no key that is taken here."""
    first = words[0] if words else ""
    if "-cert-v0" in first:
        return "This is a certificate. Paste the public key itself, from the other .pub file."
    if first == "ssh-dss":
        return "DSA keys are not safe any more. Make another key: ssh-keygen -t ed25519"
    if first not in _KINDS and any(word in _KINDS for word in words[1:]):
        return "There are options before the key. Paste it from its type on, without them."
    if first in _KINDS:
        return "The key is damaged: only its type is there."
    return f"A public key starts with one of {', '.join(_KINDS)}."


def _check(type_: str, blob: bytes) -> None:
    kind = _KINDS[type_]
    parts, rest = _split(blob, 1 + len(kind.parts))
    if parts[:1] != [type_.encode()]:
        raise ValueError("The key is damaged: it does not hold the type that it names.")
    missing = kind.parts[len(parts) - 1 :]
    if missing or not all(parts):
        raise ValueError(f"The key is damaged: without its {' and '.join(missing or ['parts'])}.")
    if rest:
        raise ValueError("The key is damaged: there is more in it than a key.")
    kind.check(parts[1:])


def _split(blob: bytes, count: int) -> tuple[list[bytes], bytes]:
    """Up to `count` length-prefixed parts (RFC 4251, section 5), and what is left after them."""
    parts: list[bytes] = []
    rest = blob
    while len(parts) < count:
        end = 4 + int.from_bytes(rest[:4], "big")
        if len(rest) < max(end, 4):
            break
        parts.append(rest[4:end])
        rest = rest[end:]
    return parts, rest
