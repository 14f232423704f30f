"""What cloud-init on a new machine is told: the item's own user data, and ours joined to it.

Ours makes the account that people sign in to, and has sshd ask the portal for each sign-in who may
(`files/authorized-keys`), so that a withdrawn membership closes the door; then the machine reports
how its set-up ended (`files/report`). Where machines cannot reach the portal
(`portal.for_machines`), the account keeps the keys of the launch for good, and nothing is reported.

The image needs cloud-init; to ask, an sshd whose configuration includes `sshd_config.d`, and curl
or Python 3; to report, systemd. Whoever is signed in can read a machine's user data, as its cloud
hands it out, and so the token: with that they learn these public keys, and may report once.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cloudhands.burst.userdata import layout as layouts
from cloudhands.burst.userdata.layout import File, Layout
from cloudhands.burst.userdata.mime import Part, join
from cloudhands.common.catalogue import templates
from cloudhands.common.catalogue.templates import BadTemplate
from cloudhands.common.cloud import Invalid
from cloudhands.common.settings import Portal

MAX_BYTES = 16_384
"""What EC2 takes; the others take more."""

# Ours comes second. Lists are joined, ours first; of what else both say, the item's word counts:
# of sshd's configuration the file decides that is read first, and that one is ours.
_MERGE = "list(prepend)+dict(no_replace,recurse_list)+str()"


@dataclass(frozen=True)
class Machine:
    """What the user data of one try of one appliance tells of.

    :param definition: the `ItemDefinition` that it was launched from, as JSON.
    :param keys: the SSH keys that it was launched with.
    :param token: shows the portal which machine it is (`appliance.sign_in.token`).
    """

    uuid: str
    generation: int
    size: str
    definition: Mapping[str, Any]
    keys: Sequence[str]
    token: str

    @property
    def account(self) -> str:
        """The account that people sign in to."""
        return str(self.definition.get("account", "researcher"))

    @property
    def reports(self) -> bool:
        """Whether it can tell how its set-up ended."""
        return bool(self.definition.get("reports"))


def render(machine: Machine, portal: Portal, layout: Layout = Layout()) -> str:  # noqa: B008 (frozen)
    """The user data of a machine, in ASCII.

    :raises Invalid: if the item's template cannot be filled in, or it is too long.
    """
    own = _own(machine, portal)
    asks = bool(portal.for_machines)
    # The keys of the launch are what it goes by if the portal does not answer from the beginning.
    # However many there are, it starts: the portal's first answer has all of them.
    for count in range(len(machine.keys), -1, -1):
        config = _asking(machine, portal, layout, machine.keys[:count]) if asks else _kept(machine)
        written = _joined(own, config, layout, reports=asks and machine.reports)
        if len(written) <= MAX_BYTES:
            return written
        if not asks:
            break
    raise Invalid(
        f"its user data have {len(written)} bytes, more than the {MAX_BYTES} that a cloud takes: "
        f"the item's own {len(own.encode())} must be shortened"
        + ("" if asks else f", or some of the {len(machine.keys)} SSH keys removed")
    )


def _own(machine: Machine, portal: Portal) -> str:
    values = {
        "uuid": machine.uuid,
        "generation": machine.generation,
        "size": machine.size,
        "account": machine.account,
        "portal": portal.for_machines,
        "keys": list(machine.keys),
    }
    try:
        return templates.render(machine.definition["user_data"], values)
    except BadTemplate as error:
        raise Invalid(f"the item's user_data cannot be used: {error}") from error


def _joined(own: str, config: Mapping[str, Any], layout: Layout, *, reports: bool) -> str:
    ours = f"#cloud-config\n{json.dumps(config)}\n"  # JSON is YAML
    if not own.strip() and not reports:
        return ours
    parts = [Part("text/cloud-config", ours, _MERGE)]
    if own.strip():
        parts.insert(0, Part("text/plain", own))
    if reports:
        parts.append(Part("text/x-shellscript", layouts.text("start-report", layout)))
    return join(parts)


def _account(machine: Machine) -> dict[str, Any]:
    account: dict[str, Any] = {
        "name": machine.account,
        "shell": "/bin/bash",
        "lock_passwd": True,
    }
    if machine.definition.get("sudo", True):
        account["sudo"] = "ALL=(ALL) NOPASSWD:ALL"
    return account


def _kept(machine: Machine) -> Mapping[str, Any]:
    """The account keeps the keys of the launch."""
    account = _account(machine) | {"ssh_authorized_keys": list(machine.keys)}
    return {"users": [account], "ssh_pwauth": False}


def _asking(
    machine: Machine, portal: Portal, layout: Layout, keys: Sequence[str]
) -> Mapping[str, Any]:
    """The portal is asked at each sign-in."""
    found = [*_facts(machine, portal, layout, keys), *layouts.signing_in(layout)]
    if machine.reports:
        found += layouts.reporting(layout)
    return {
        "users": [_account(machine)],
        "ssh_pwauth": False,
        # Before the files, some of which are this user's.
        "bootcmd": [
            f"getent passwd {layout.user} >/dev/null || useradd --system --user-group "
            f"--no-create-home --home-dir / --shell /usr/sbin/nologin {layout.user}",
            f"install -d -m 700 -o {layout.user} -g {layout.user} {layout.state}",
        ],
        "write_files": [file.as_json() for file in found],
    }


def _facts(machine: Machine, portal: Portal, layout: Layout, keys: Sequence[str]) -> Sequence[File]:
    minutes = round(portal.keys_stale_hours * 60)
    about = (
        f"account={machine.account}\n"
        f"url={portal.for_machines}/appliances/{machine.uuid}\n"
        f"minutes={minutes}\n"
    )
    user = layout.user
    return [
        File(f"{layout.etc}/machine", about),
        File(
            f"{layout.etc}/authorization",
            f"Authorization: Bearer {machine.token}\n",
            "0640",
            f"root:{user}",
        ),
        File(f"{layout.state}/keys", "".join(f"{key}\n" for key in keys), "0600", f"{user}:{user}"),
    ]
