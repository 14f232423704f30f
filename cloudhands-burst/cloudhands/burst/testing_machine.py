"""Does on this host what cloud-init would do with our user data, in folders of a test's own."""

import grp
import json
import os
import pwd
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_string
from pathlib import Path
from typing import Any

from cloudhands.burst.userdata.layout import Layout

CLOUD_CONFIG = "#cloud-config\n"
IS_ROOT = os.geteuid() == 0
# sshd asks as somebody else than root; this account is on every system, with a group of its name.
ASKER = "daemon" if IS_ROOT else pwd.getpwuid(os.geteuid()).pw_name


def parts(user_data: str) -> list[tuple[str, str]]:
    """The media types and texts of user data, as cloud-init takes them apart."""
    if user_data.startswith(CLOUD_CONFIG):
        return [("text/cloud-config", user_data)]
    found = []
    for part in message_from_string(user_data).walk():
        if not part.is_multipart():
            text = part.get_payload(decode=True)
            assert isinstance(text, bytes)
            found.append((part.get_content_type(), text.decode()))
    return found


def ours(user_data: str) -> dict[str, Any]:
    """Our own part of user data: JSON, which is YAML too."""
    (text,) = [text for kind, text in parts(user_data) if kind == "text/cloud-config"]
    assert text.startswith(CLOUD_CONFIG)
    found: dict[str, Any] = json.loads(text.removeprefix(CLOUD_CONFIG))
    return found


@contextmanager
def folders() -> Iterator[Layout]:
    """A machine's folders, made as `bootcmd` does.

    sshd wants a script's folders to be root's alone up to the top: a temporary one is not.
    """
    with tempfile.TemporaryDirectory(dir="/run" if IS_ROOT else None) as name:
        top = Path(name)
        top.chmod(0o755)
        state = top / "state"
        state.mkdir(mode=0o700)
        if IS_ROOT:
            shutil.chown(state, ASKER)
        yield Layout(
            etc=str(top / "etc"),
            state=str(state),
            sbin=str(top / "sbin"),
            sshd=str(top / "etc" / "sshd.conf"),
            unit=str(top / "etc" / "report.service"),
            log=str(top / "cloud-init.log"),
            path=f"{top / 'bin'}:/usr/sbin:/usr/bin:/sbin:/bin",
            user=ASKER,
        )


def install(user_data: str) -> None:
    """Write the files of our part, with their owners if that is allowed here."""
    for wanted in ours(user_data).get("write_files", ()):
        file = Path(wanted["path"])
        file.parent.mkdir(exist_ok=True)
        file.write_text(wanted["content"], encoding="utf-8")
        file.chmod(int(wanted["permissions"], 8))
        user, group = wanted["owner"].split(":")
        if IS_ROOT:
            os.chown(file, pwd.getpwnam(user).pw_uid, grp.getgrnam(group).gr_gid)
