"""The mail server."""

from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, model_validator

from cloudhands.common.settings.values import LOOPBACK, MailAddress, Port, Table


class Mail(Table):
    """The mail server that `cloud-burst` hands mail to, and from whom it comes.

    While `server` is empty nothing is sent: mail waits in the outbox until it is set. `sender` is
    the address that mail comes from. Where the server asks who we are, `user` says so with the
    first line of `password_file`.

    `tls` speaks TLS from the first byte, `start_tls` after asking for it; either verifies the
    server, by `ca_file` where the system's own authorities do not know it. Mail holds links that
    let people in, so one of them is needed unless the server is on this machine. `port` is 465 with
    `tls`, 587 with `start_tls` and 25 with neither, if it is not set. `timeout` is how many seconds
    to wait for each answer.
    """

    server: str = ""
    port: Port | None = None
    tls: bool = False
    start_tls: bool = False
    ca_file: Path | None = None
    user: str | None = None
    password_file: Path | None = None
    sender: MailAddress | None = None
    timeout: Annotated[float, Field(gt=0, le=60)] = 10

    @property
    def at_port(self) -> int:
        """The port, the usual one filled in."""
        return self.port or (465 if self.tls else 587 if self.start_tls else 25)

    @model_validator(mode="after")
    def _login_needs_both(self) -> Self:
        if (self.user is None) != (self.password_file is None):
            raise ValueError("user and password_file go together")
        return self

    @model_validator(mode="after")
    def _server_needs_a_sender(self) -> Self:
        if self.server and self.sender is None:
            raise ValueError("set sender too, the address that mail comes from")
        return self

    @model_validator(mode="after")
    def _is_encrypted(self) -> Self:
        if self.tls and self.start_tls:
            raise ValueError("tls and start_tls exclude each other: set one of them")
        if self.server and not (self.tls or self.start_tls) and self.server not in LOOPBACK:
            raise ValueError(
                "mail holds links that let people in, and would go over the network as it is: "
                "set start_tls = true or tls = true"
            )
        return self
