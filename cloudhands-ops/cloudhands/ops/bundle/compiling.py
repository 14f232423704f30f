"""Tells which compiled modules below a folder are not what their sources say, as JSON.

Run by the Python that they are for; it imports none of them.
"""

import json
import marshal
import sys
from collections.abc import Iterator
from pathlib import Path

HEADER_BYTES = 16


def differing(folder: Path) -> Iterator[str]:
    """The paths of the compiled modules that differ, or have no source."""
    for compiled in sorted(folder.rglob("__pycache__/*.pyc")):
        source = compiled.parent.parent / f"{compiled.name.split('.')[0]}.py"
        if not source.is_file() or not _is_of(compiled, source):
            yield str(compiled)


def _is_of(compiled: Path, source: Path) -> bool:
    try:
        kept = marshal.loads(compiled.read_bytes()[HEADER_BYTES:])  # noqa: S302
        made = compile(source.read_bytes(), str(source), "exec", dont_inherit=True)
    except (OSError, ValueError, EOFError, TypeError, SyntaxError):
        return False
    return bool(kept == made)


if __name__ == "__main__":
    json.dump(list(differing(Path(sys.argv[1]))), sys.stdout)
