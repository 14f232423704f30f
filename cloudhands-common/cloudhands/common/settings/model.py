"""What an operator may set: one frozen, typed model for every program."""

import re
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Self
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from cloudhands.common.settings.directory import Directory, Index
from cloudhands.common.settings.table import LOOPBACK, Seconds, Table

EVERYWHERE = frozenset({"", "*", "0.0.0.0", "::"})

Port = Annotated[int, Field(ge=1, le=65535)]
Days = Annotated[int, Field(ge=1, le=3650)]
MailAddress = Annotated[str, Field(pattern=r"^[^\s@]{1,64}@[^\s@]{1,189}$")]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,31}$")]


class Database(Table):
    """Where the shared rows live. `url` is SQLAlchemy's; empty means SQLite in the state folder."""

    url: str = ""


class Portal(Table):
    """How people reach the portal, and how long they stay signed in.

    `host` and `port` are where their connections arrive. `cloud-serve` itself listens there, unless
    `nginx` is set: then nginx does, and `cloud-serve` behind it on the Unix socket `socket`. Only
    there it believes forwarded headers, since nobody but the socket's owner can open it.

    `processes` is how many `cloud-serve` supervisord keeps on one socket, `threads` how many
    requests may be under way in each: one is worked on, the others wait for something.

    nginx speaks TLS with `tls_certificate` (PEM, with the chain) and `tls_key`; session cookies are
    then secure unless `secure_cookies` says otherwise. Plain HTTP to `redirect_port` leads there.

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


class Burst(Table):
    """How `cloud-burst` works: artifacts in hand at once, and seconds a claim lasts.

    With `metrics_port` set it tells numbers (`/metrics`) and its health (`/health/live`,
    `/health/ready`) at `metrics_host`; port 0 is one that is free, which the log names. Nobody is
    asked who they are there: leave it on loopback, or behind a firewall.
    """

    concurrency: Annotated[int, Field(ge=1, le=256)] = 8
    claim: Seconds = 15
    full_memory: Seconds = 60
    metrics_host: str = "127.0.0.1"
    metrics_port: Annotated[int, Field(ge=0, le=65535)] | None = None


class Appliances(Table):
    """How long appliances last, and their machines may take to be set up.

    `lifetime_days` holds for catalogue items that do not say it themselves; without it these never
    expire. It counts for what is launched or extended from then on. What has expired is stopped,
    and deleted `grace_days` later.

    A machine that runs and has not reported how its own set-up ended for `booting_minutes` is shown
    as one that should be looked at.
    """

    lifetime_days: Days | None = None
    grace_days: Annotated[int, Field(ge=1, le=365)] = 7
    booting_minutes: Annotated[int, Field(ge=1, le=1440)] = 30


class Mail(Table):
    """The mail server that `cloud-burst` hands mail to, and from whom it comes.

    While `server` is empty nothing is sent: mail waits in the outbox until it is set.

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


class Price(Table):
    """What one of a provider's sizes, by the provider's own name, costs an hour."""

    size: str
    running: Annotated[Decimal, Field(ge=0, allow_inf_nan=False)]
    stopped: Annotated[Decimal, Field(ge=0, allow_inf_nan=False)] = Decimal(0)


class Provider(Table):
    """A cloud: `kind` names the adapter, `options` are the adapter's own.

    `location` is where data lie there, as organisations name it. At most `calls_at_once` calls are
    under way in each process, and at most `calls_per_second` begin. Everything there is listed
    every `listing` seconds, beyond 5,000 servers less often; where more than `missing_share` of
    the known servers is missing from it, the provider is paused. A server whose creation nobody
    told us of is looked for during `settle` seconds before another is asked for. One that is still
    being built `build_seconds` after it was asked for is deleted, and counts as one that could not
    be built.
    """

    kind: Name
    label: str
    public: bool = False
    priority: int = 100
    location: str = ""
    prices: tuple[Price, ...] = ()
    calls_at_once: Annotated[int, Field(ge=1, le=256)] = 16
    calls_per_second: Annotated[float, Field(gt=0, le=10_000)] = 50
    listing: Seconds = 30
    missing_share: Annotated[float, Field(gt=0, le=1)] = 0.5
    settle: Annotated[float, Field(ge=0, le=3600)] = 60
    build_seconds: Annotated[float, Field(ge=1, le=86_400)] = 1800
    options: Mapping[str, Any] = Field(default_factory=dict)

    @field_validator("prices")
    @classmethod
    def _one_price_for_a_size(cls, prices: tuple[Price, ...]) -> tuple[Price, ...]:
        sizes = [price.size for price in prices]
        if twice := sorted({size for size in sizes if sizes.count(size) > 1}):
            raise ValueError(f"more than one price for {', '.join(twice)}")
        return prices


class Settings(Table):
    """Everything that an operator may set. Relative paths are below `state`.

    `currency` is what prices are in, for people to read. `operators_mail` is whom to tell what
    only an operator can mend; empty for nobody: it is in the log in any case.
    """

    state: Path = Path("/var/lib/cloudhands")
    key_file: Path = Path("server.key")
    currency: str = "EUR"
    operators_mail: Annotated[str, Field(pattern=r"^([^@\s]+@[^@\s]+)?$")] = ""
    database: Database = Database()
    portal: Portal = Portal()
    directory: Directory | None = None
    index: Index = Index()
    burst: Burst = Burst()
    appliances: Appliances = Appliances()
    mail: Mail = Mail()
    providers: Mapping[Name, Provider] = Field(default_factory=dict)

    def path(self, path: Path) -> Path:
        """A path of the settings as an absolute one."""
        return self.state.absolute() / path

    @property
    def database_url(self) -> str:
        """The database's URL, the default filled in."""
        return self.database.url or f"sqlite:///{self.path(Path('cloudhands.db'))}"
