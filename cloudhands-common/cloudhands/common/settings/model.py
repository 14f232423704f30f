"""What an operator may set: one frozen, typed model for every program."""

import re
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from cloudhands.common.settings import presets

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
EVERYWHERE = frozenset({"", "*", "0.0.0.0", "::"})

Seconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]
# Below are a system's own accounts, above are -1 and -2, which name nobody.
UidNumber = Annotated[int, Field(ge=1000, le=2**32 - 3)]
Port = Annotated[int, Field(ge=1, le=65535)]
Days = Annotated[int, Field(ge=1, le=3650)]
MailAddress = Annotated[str, Field(pattern=r"^[^\s@]{1,64}@[^\s@]{1,189}$")]
AttributeName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9.;_-]*$")]
DirectoryUrl = Annotated[str, Field(pattern=r"^ldaps?://[^/\s]+/?$")]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,31}$")]


class Table(BaseModel):
    """A table of the settings file: unknown keys are errors, values never change."""

    model_config = ConfigDict(frozen=True, extra="forbid")


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


class Attributes(Table):
    """Which attribute of a directory entry holds what. `id` must never change for a person.

    `changed` grows with every change of an entry. `disabled` tells whose account is switched off:
    by bit 2 of userAccountControl, by pwdAccountLockedTime's value for locked by an administrator,
    by TRUE in any other one; empty for a directory that does not tell.
    """

    id: AttributeName = "entryUUID"
    uid: AttributeName = "uid"
    name: AttributeName = "cn"
    mail: AttributeName = "mail"
    uid_number: AttributeName = "uidNumber"
    changed: AttributeName = "modifyTimestamp"
    disabled: AttributeName | Literal[""] = "pwdAccountLockedTime"


class Directory(Table):
    """The LDAP directory: how to reach it and how it is laid out.

    `kind` is openldap, freeipa or active-directory, and sets what such a directory calls things:
    `people` and `attributes` then say only what is different here.

    `other_urls` are servers with the same people, tried in this order while the one at `url` does
    not answer; `other_bases` are further places where people are. `people` is the filter that they
    match, `hidden` one for those whom no search may show: they sign in like the others.

    Name Active Directory's controllers, not their domain: each of them counts its changes by
    itself, so that after another one was asked everybody has to be read again.

    `decoder` reads what the servers send to `cloud-index`: "own" is quick and takes only what is
    LDAP to the letter, "ldap3" is many times slower, for a server that the quick one refuses.

    `sync` is how `cloud-index` keeps up: "persist" is told every change as it comes and "refresh"
    asks for them (both RFC 4533, entryUUID alone), "changes" asks by `attributes.changed` and now
    and then for all identifiers, "full" reads everybody each time; "auto" takes the first of these
    that the server offers.

    `uid_numbers` are the first and the last uidNumber for people who register here; none of them
    is given to two people, ever.
    """

    kind: Literal["openldap", "freeipa", "active-directory"] = "openldap"
    url: DirectoryUrl
    other_urls: tuple[DirectoryUrl, ...] = ()
    start_tls: bool = False
    ca_file: Path | None = None
    bind_dn: str | None = None
    password_file: Path | None = None
    base: str
    other_bases: tuple[str, ...] = ()
    people: str = "(objectClass=inetOrgPerson)"
    hidden: str = ""
    attributes: Attributes = Attributes()
    timeout: Seconds = 10
    page_size: Annotated[int, Field(ge=1, le=10_000)] = 500
    decoder: Literal["own", "ldap3"] = "own"
    sync: Literal["auto", "persist", "refresh", "changes", "full"] = "auto"
    uid_numbers: tuple[UidNumber, UidNumber] = (200_000, 299_999)

    @property
    def urls(self) -> tuple[str, ...]:
        """Every server, in the order in which they are tried."""
        return (self.url, *self.other_urls)

    @property
    def bases(self) -> tuple[str, ...]:
        """Every place where people are."""
        return (self.base, *self.other_bases)

    @property
    def shown(self) -> str:
        """The filter for people whom a search may show, but for disabled ones."""
        return f"(&{self.people}(!{self.hidden}))" if self.hidden else self.people

    @model_validator(mode="before")
    @classmethod
    def _kind_names_things(cls, table: Any) -> Any:
        if not isinstance(table, Mapping):
            return table
        attributes = table.get("attributes", {})
        if isinstance(attributes, Attributes):
            attributes = attributes.model_dump(exclude_unset=True)
        if not isinstance(attributes, Mapping):
            return table
        return presets.with_defaults(table, attributes)

    @field_validator("people", "hidden")
    @classmethod
    def _is_a_filter(cls, filter: str) -> str:
        if filter and not _is_in_parentheses(filter):
            raise ValueError(
                "write an LDAP filter in parentheses, each of which is closed: (objectClass=person)"
            )
        return filter

    @field_validator("people")
    @classmethod
    def _is_not_empty(cls, filter: str) -> str:
        if not filter:
            raise ValueError("write the LDAP filter that people match, or leave it out")
        return filter

    @model_validator(mode="after")
    def _uid_numbers_rise(self) -> Self:
        first, last = self.uid_numbers
        if first > last:
            raise ValueError(f"uid_numbers: the last one, {last}, is below the first, {first}")
        return self

    @model_validator(mode="after")
    def _bind_needs_both(self) -> Self:
        if (self.bind_dn is None) != (self.password_file is None):
            raise ValueError("bind_dn and password_file go together")
        return self

    @model_validator(mode="after")
    def _passwords_are_encrypted(self) -> Self:
        for url in self.urls:
            if url.startswith("ldaps://") and self.start_tls:
                raise ValueError(
                    f"{url} is encrypted from the first byte: leave out start_tls, or write ldap://"
                )
            host = urlsplit(url).hostname
            if url.startswith("ldap://") and not self.start_tls and host not in LOOPBACK:
                raise ValueError(
                    f"people's passwords would go to {url} as they are: "
                    "set start_tls = true, or write ldaps://"
                )
        return self

    @model_validator(mode="after")
    def _servers_differ(self) -> Self:
        named = [url.rstrip("/").lower() for url in self.urls]
        if twice := sorted({url for url in named if named.count(url) > 1}):
            raise ValueError(f"other_urls: {', '.join(twice)} is there more than once")
        return self


def _is_in_parentheses(filter: str) -> bool:
    depth = 0
    for place, sign in enumerate(filter):
        depth += (sign == "(") - (sign == ")")
        # What is closed before the end is followed by something that is not in parentheses.
        if depth <= 0 and place != len(filter) - 1:
            return False
    return depth == 0


class Index(Table):
    """The search index of the people in the directory, kept by `cloud-index`.

    The portal says how old it is once that is more than `stale_minutes`. Somebody who is signed in
    may search `searches_per_minute` times, ten times as often in an hour and twenty times in a day:
    each letter that is typed may be a search. Each process of the portal counts for itself: with
    `portal.processes` of them somebody may search up to so many times as often.

    Where more than `missing_share` of the people are gone from the directory within an hour they
    stay in the index until an operator confirms that they are gone.

    With `metrics_port` set `cloud-index` tells numbers and its health at `metrics_host`, as
    `cloud-burst` does.
    """

    folder: Path = Path("index")
    interval: Seconds = 300
    stale_minutes: Annotated[int, Field(ge=1, le=60 * 24 * 31)] = 30
    searches_per_minute: Annotated[int, Field(ge=1, le=100_000)] = 90
    missing_share: Annotated[float, Field(gt=0, le=1)] = 0.2
    metrics_host: str = "127.0.0.1"
    metrics_port: Annotated[int, Field(ge=0, le=65535)] | None = None


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
