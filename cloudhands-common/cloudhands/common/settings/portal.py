"""How people reach the portal."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Self
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from cloudhands.common.settings.values import EVERYWHERE, LOOPBACK, Port, Table


class Portal(Table):
    """How people reach the portal, and how long they stay signed in.

    `host` and `port` are where their connections arrive. `cloud-serve` itself listens there, unless
    `nginx` is set: then nginx does, and `cloud-serve` behind it on the Unix socket `socket`. Only
    there it believes forwarded headers, since nobody but the socket's owner can open it.

    `processes` is how many `cloud-serve` supervisord keeps on one socket, `threads` how many
    requests may be under way in each: one is worked on, the others wait for something.

    nginx speaks TLS with `tls_certificate` (PEM, with the chain) and `tls_key`; session cookies are
    then secure unless `secure_cookies` says otherwise. Plain HTTP to `redirect_port` leads there.

    `session_hours` is how long somebody stays signed in, however busy.

    `requests_per_second` is what nginx passes on for one client address, behind which there may be
    a whole institute; 0 sets no limit. Attempts to sign in have a limit of their own there, common
    to all processes, while `cloud-serve` counts them in each process.

    `url` is the portal's address for whoever is elsewhere: mails lead there, and the machines of
    appliances ask there who may sign in to them. Where it is empty it follows from `host` and
    `port`, and counts for machines only if that is TLS on an address of its own. Machines that have
    no address to ask keep the SSH keys that they were launched with. While the portal does not
    answer, a machine goes by its last answer for `keys_stale_hours`; 0 lets nobody in meanwhile.
    """

    url: str = ""
    host: str = "127.0.0.1"
    port: Port = 8080
    nginx: bool = False
    socket: Path = Path("run/portal.sock")
    processes: Annotated[int, Field(ge=1, le=64)] = 2
    threads: Annotated[int, Field(ge=1, le=64)] = 4
    tls_certificate: Path | None = None
    tls_key: Path | None = None
    redirect_port: Port | None = None
    requests_per_second: Annotated[int, Field(ge=0, le=1_000_000)] = 500
    session_hours: Annotated[float, Field(gt=0, le=24 * 31)] = 12
    secure_cookies: bool = False
    keys_stale_hours: Annotated[float, Field(ge=0, le=24 * 31)] = 24

    @field_validator("url")
    @classmethod
    def _is_an_address(cls, url: str) -> str:
        if not url:
            return url
        if not re.fullmatch(r"https?://[A-Za-z0-9._:\[\]-]+(/[A-Za-z0-9._~/-]*)?", url):
            raise ValueError("write the portal's address as https://HOST, without a query")
        if url.startswith("http://") and urlsplit(url).hostname not in LOOPBACK:
            raise ValueError(
                "machines would let in whomever somebody on the way names: write https://"
            )
        return url.rstrip("/")

    @model_validator(mode="before")
    @classmethod
    def _tls_means_secure_cookies(cls, table: Any) -> Any:
        if isinstance(table, Mapping) and table.get("tls_certificate"):
            return {"secure_cookies": True, **table}
        return table

    @model_validator(mode="after")
    def _tls_is_nginx(self) -> Self:
        if (self.tls_certificate is None) != (self.tls_key is None):
            raise ValueError("tls_certificate and tls_key go together")
        if self.tls_certificate and not self.nginx:
            raise ValueError("nginx alone speaks TLS: with tls_certificate set nginx = true")
        if self.redirect_port and not self.tls_certificate:
            raise ValueError("redirect_port leads to TLS: set tls_certificate and tls_key too")
        if self.redirect_port == self.port:
            raise ValueError("redirect_port and port must differ")
        return self

    @property
    def scheme(self) -> str:
        """Of the portal's address, as people see it."""
        return "https" if self.tls_certificate else "http"

    @property
    def address(self) -> str:
        """The portal's address as people write it, without a slash at its end."""
        return self.url or f"{self.scheme}://{self.host}:{self.port}"

    @property
    def for_machines(self) -> str:
        """The address where machines ask; empty if there is none that they could trust or reach."""
        if self.url or self.scheme != "https" or self.host in LOOPBACK | EVERYWHERE:
            return self.url
        return f"https://{self.host}:{self.port}"
