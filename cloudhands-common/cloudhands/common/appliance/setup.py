"""How far a machine's own set-up is: `booting` once the cloud runs it, then what it reports itself.

`ready` says that people can sign in and that what the item promises is installed; `failed` that
it is not. Of each generation the first report counts, so that a machine cannot fill its history.
"""

import re
from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field, StringConstraints
from sqlalchemy.orm import Session

from cloudhands.common import history, permissions
from cloudhands.common.actor.queries import roles_of
from cloudhands.common.actor.tables import Actor
from cloudhands.common.appliance.tables import Appliance
from cloudhands.common.errors import Conflict
from cloudhands.common.forms import Form, writable

LOG_BYTES = 4096
SENTENCES = {
    "ready": "its machine says that it is ready",
    "failed": "its machine says that its set-up failed",
}

# Colours and other orders to a terminal (ECMA-48), and what is neither text nor a line's end.
_ORDERS = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-_])")
_NO_TEXT = re.compile(r"[^\t\n\x20-\x7e\xa0-\U0010ffff]|[\u2028-\u202e\u2066-\u2069]")


class Report(Form):
    """What a machine says of its set-up, with the last lines of its log."""

    state: Annotated[Literal["ready", "failed"], Field(title="State")]
    log: Annotated[str, StringConstraints(max_length=65_536), Field(title="Log")] = ""


def begin(appliance: Appliance, now: datetime) -> None:
    """The cloud runs it, and its machine will report; one that has done so already was quicker.

    The caller records it with the change of its state.
    """
    if appliance.setup == "" and appliance.definition.get("reports"):
        appliance.setup, appliance.setup_at = "booting", now


def forget(appliance: Appliance) -> None:
    """Another try begins: nothing is known of its machine. The caller records it."""
    appliance.setup, appliance.setup_log, appliance.setup_at = "", "", None


def silence(appliance: Appliance, since: datetime) -> str:
    """What is told of a machine that has not reported for too long, in a sentence; else nothing.

    :param since: who has been booting since then or longer should have reported.
    """
    at = appliance.setup_at
    if appliance.state != "running" or appliance.setup != "booting" or at is None or at > since:
        return ""
    return (
        f"Its machine has not reported since {at:%d %B %Y, %H:%M} UTC: look at the console log "
        "that its cloud keeps."
    )


def report(
    session: Session, actor: Actor, appliance: Appliance, said: Report, now: datetime
) -> None:
    """Write down what the machine says; no effect if it said the same before.

    :param actor: the machine, whose token fits the appliance.
    :param appliance: locked by the caller.
    :raises Conflict: if it said something else before.
    """
    permissions.require("appliance.report", roles_of(actor))
    log = plain(said.log)
    if appliance.setup in SENTENCES:
        if (appliance.setup, appliance.setup_log) != (said.state, log):
            raise Conflict("This machine has reported already.")
        return
    appliance.setup, appliance.setup_log, appliance.setup_at = said.state, log, now
    state = appliance.state
    why = SENTENCES[said.state]
    history.record(session, appliance, actor, why, now, from_state=state, to_state=state)


def plain(log: str) -> str:
    """The end of a log as text that can be shown anywhere, at most `LOG_BYTES` in UTF-8."""
    text = writable(log).replace("\r\n", "\n").replace("\r", "\n")
    text = _NO_TEXT.sub("", _ORDERS.sub("", text)).strip()
    return text.encode()[-LOG_BYTES:].decode(errors="ignore").strip()
