"""Which release this is: a version, and the commit that it was built from.

The file REVISION beside this module bears the commit: git writes it into every archive of a commit
(see .gitattributes), build.sh into what it builds. In a work tree, which is no commit, it does not.
"""

import re
from importlib import resources
from importlib.metadata import version

UNKNOWN = "unknown: a work tree"
_COMMIT = re.compile(r"[0-9a-f]{40,64}")


def revision() -> str | None:
    """The commit that this code was built from, in full; None for that of a work tree."""
    file = resources.files("cloudhands.common") / "REVISION"
    text = file.read_text(encoding="ascii").strip()
    return text if _COMMIT.fullmatch(text) else None


def told(program: str, distribution: str) -> str:
    """What a program says to `--version`.

    :param distribution: whose version it is.
    """
    return f"{program} {version(distribution)} (revision {revision() or UNKNOWN})"
