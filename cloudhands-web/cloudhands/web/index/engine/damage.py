"""Whether a set of files is as it was written, by tantivy's checksums, which it never looks at.

A disk that gives back other bytes than it was given would show only when a search meets them, and
then as anything. Reading all takes some 20 ms for 100,000 people; a writer does it at its start.
"""

import json
import re
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cloudhands.web.index.engine.place import META

# A file ends with a JSON object about what is before it, that object's length, and this number.
TAIL = struct.Struct("<II")
MAGIC = 1337
CHUNK = 1 << 20
OF_A_SEGMENT = re.compile(r"[0-9a-f]{32}\..+")
DELETED = ".del"


def is_panic(error: BaseException) -> bool:
    """Whether an error is Rust's own, as on damaged files; it is no `Exception`."""
    return type(error).__name__ == "PanicException"


def check(path: Path) -> None:
    """Compare each file of the last commit with its checksum.

    :param path: a set of files.
    :raises ValueError: if one is not as it was written, or not one of tantivy's.
    :raises OSError: if one is missing or cannot be read.
    """
    for file in _committed(path):
        _check(file)


def clean(path: Path) -> None:
    """Remove what a writer wrote that ended before its commit.

    tantivy numbers commits on from the last one, and fails for ever where a file of the next one is
    there already.

    :param path: a set of files that nobody writes.
    :raises ValueError: if it cannot be told what belongs to it; `OSError` too.
    """
    kept = set(_committed(path))
    for file in path.iterdir():
        if OF_A_SEGMENT.fullmatch(file.name) and file not in kept:
            file.unlink()


def _committed(path: Path) -> Iterator[Path]:
    try:
        meta: Any = json.loads((path / META).read_bytes())
        for segment in meta["segments"]:
            name = segment["segment_id"].replace("-", "")
            deletes = segment["deletes"]
            found = [file for file in path.glob(f"{name}.*") if file.suffix != DELETED]
            if not found:
                raise FileNotFoundError(f"{path / name}.* is missing")
            yield from found
            if deletes:
                yield path / f"{name}.{deletes['opstamp']}{DELETED}"
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{META} is not tantivy's: {error!r}") from error


def _check(file: Path) -> None:
    size = file.stat().st_size
    with file.open("rb") as opened:
        opened.seek(max(0, size - TAIL.size))
        tail = opened.read()
        length, magic = TAIL.unpack(tail) if len(tail) == TAIL.size else (0, 0)
        body = size - TAIL.size - length
        if magic != MAGIC or body < 0:
            raise ValueError(f"{file.name} is cut off or not tantivy's")
        opened.seek(body)
        about: Any = json.loads(opened.read(length))
        opened.seek(0)
        if _sum(opened, body) != about["crc"]:
            raise ValueError(f"{file.name} is not as it was written")


def _sum(opened: Any, length: int) -> int:
    found = 0
    while length > 0 and (chunk := opened.read(min(length, CHUNK))):
        found = zlib.crc32(chunk, found)
        length -= len(chunk)
    return found
