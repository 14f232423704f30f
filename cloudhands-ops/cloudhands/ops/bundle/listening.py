"""Where a process of supervisord's listens, asked of the kernel.

supervisord holds the socket that it opened when it was started, whatever its configuration says by
now.
"""

import re
import socket
from pathlib import Path

_SOCKET = re.compile(r"socket:\[(\d+)\]")


def address_of(pid: int) -> str:
    """The address of the socket that is a process's standard input, as supervisord writes it.

    :returns: unix://PATH or tcp://HOST:PORT; empty if there is no such process or socket.
    """
    process = Path(f"/proc/{pid}")
    try:
        found = _SOCKET.fullmatch(str((process / "fd" / "0").readlink()))
        if found is None:
            return ""
        return _unix(process, found[1]) or _tcp(process, found[1])
    except OSError:
        return ""


def _unix(process: Path, inode: str) -> str:
    for line in (process / "net" / "unix").read_text(encoding="utf-8").splitlines()[1:]:
        fields = line.split(maxsplit=7)
        if len(fields) == 8 and fields[6] == inode:
            return f"unix://{fields[7]}"
    return ""


def _tcp(process: Path, inode: str) -> str:
    for line in (process / "net" / "tcp").read_text(encoding="ascii").splitlines()[1:]:
        fields = line.split()
        if fields[9] == inode:
            number, _, port = fields[1].partition(":")
            # The kernel writes the number as this machine keeps it.
            host = socket.inet_ntoa(int(number, 16).to_bytes(4, "little"))
            return f"tcp://{'127.0.0.1' if host == '0.0.0.0' else host}:{int(port, 16)}"
    return ""
