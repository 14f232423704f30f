"""Where our files are on a machine, and their text."""

import functools
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib import resources

USER = "cloudhands-keys"
"""The account that sshd asks for keys as; it can do nothing else."""


@dataclass(frozen=True)
class Layout:
    """Folders and names on a machine; a test has others.

    :param etc: what the scripts go by.
    :param state: what they keep; the folder of `user`.
    :param sbin: the scripts.
    :param sshd: where sshd looks for more configuration; of two values the first counts there.
    :param unit: what systemd starts.
    :param log: what cloud-init writes.
    :param path: where the scripts look for programs.
    :param user: who sshd asks for keys as.
    """

    etc: str = "/etc/cloudhands"
    state: str = "/var/lib/cloudhands"
    sbin: str = "/usr/local/sbin"
    sshd: str = "/etc/ssh/sshd_config.d/00-cloudhands.conf"
    unit: str = "/etc/systemd/system/cloudhands-report.service"
    log: str = "/var/log/cloud-init-output.log"
    path: str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    user: str = USER


@dataclass(frozen=True)
class File:
    """A file as cloud-init shall write it."""

    path: str
    content: str
    permissions: str = "0644"
    owner: str = "root:root"

    def as_json(self) -> Mapping[str, str]:
        """An entry of cloud-init's `write_files`."""
        return asdict(self)


@functools.lru_cache(maxsize=32)
def text(name: str, layout: Layout) -> str:
    """One of our files, with the layout's words put in."""
    found = resources.files(__package__).joinpath("files", name).read_text(encoding="utf-8")
    for word, value in asdict(layout).items():
        found = found.replace(f"@{word}@", value)
    return found


def signing_in(layout: Layout) -> list[File]:
    """What makes sshd ask the portal."""
    return [
        File(f"{layout.sbin}/cloudhands-ask", text("ask", layout), "0755"),
        File(f"{layout.sbin}/cloudhands-authorized-keys", text("authorized-keys", layout), "0755"),
        File(layout.sshd, text("sshd.conf", layout), "0600"),
    ]


def reporting(layout: Layout) -> list[File]:
    """What tells the portal how the set-up ended."""
    return [
        File(f"{layout.sbin}/cloudhands-report", text("report", layout), "0755"),
        File(layout.unit, text("report.service", layout)),
    ]
