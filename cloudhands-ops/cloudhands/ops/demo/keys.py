"""Makes the line of a new SSH public key, as it stands in a `.pub` file."""

import base64
import secrets

TYPE = b"ssh-ed25519"


def new_line(comment: str) -> str:
    """A well-formed ed25519 public key (RFC 8709) to which nobody has the private one."""
    blob = b"".join(len(part).to_bytes(4, "big") + part for part in (TYPE, secrets.token_bytes(32)))
    return f"{TYPE.decode()} {base64.b64encode(blob).decode()} {comment}"
