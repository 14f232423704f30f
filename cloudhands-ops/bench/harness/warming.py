"""Files in memory: so that a figure tells of a program, and not of a disk or of other guests.

A host may take the page cache away from a virtual machine at any time; what is not asked for all
the time is then read from the disk, which costs a large database more than a small one.
"""

import os
from contextlib import suppress
from pathlib import Path

# The kernel reads no more than this for one advice.
CHUNK = 2 * 1024 * 1024


def warm(folder: Path) -> None:
    """Have the kernel read whatever it does not hold of the files below a folder.

    Some hundredths of a second for gigabytes that it holds.
    """
    for file in folder.rglob("*"):
        with suppress(FileNotFoundError):  # a database removes files of its own
            _warm(file)


def _warm(file: Path) -> None:
    if not file.is_file():
        return
    opened = os.open(file, os.O_RDONLY)
    try:
        for start in range(0, os.fstat(opened).st_size, CHUNK):
            os.posix_fadvise(opened, start, CHUNK, os.POSIX_FADV_WILLNEED)
    finally:
        os.close(opened)
