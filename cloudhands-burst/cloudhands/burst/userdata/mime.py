"""Joins what cloud-init shall read to one text (MIME multipart, RFC 2046)."""

import quopri
from collections.abc import Sequence
from dataclasses import dataclass

BOUNDARY = "==cloudhands=="


@dataclass(frozen=True)
class Part:
    """One of the texts.

    :param kind: its media type; `text/plain` lets cloud-init tell by its first line.
    :param merge: how cloud-init joins it to the configuration before it; empty for its own way.
    """

    kind: str
    text: str
    merge: str = ""


def join(parts: Sequence[Part]) -> str:
    """All parts as one text, in ASCII."""
    written = "".join(f"--{BOUNDARY}\n{_written(part)}\n" for part in parts)
    head = f'Content-Type: multipart/mixed; boundary="{BOUNDARY}"\nMIME-Version: 1.0\n\n'
    return f"{head}{written}--{BOUNDARY}--\n"


def _written(part: Part) -> str:
    head = f'Content-Type: {part.kind}; charset="utf-8"\n'
    if part.merge:
        head += f"Merge-Type: {part.merge}\n"
    # A line of the text that looked like the boundary would end the part.
    if part.text.isascii() and BOUNDARY not in part.text:
        return f"{head}\n{part.text}"
    encoded = quopri.encodestring(part.text.encode()).decode("ascii").replace("--==", "--=3D=")
    return f"{head}Content-Transfer-Encoding: quoted-printable\n\n{encoded}"
