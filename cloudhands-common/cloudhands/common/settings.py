"""One frozen, typed `Settings` for every program, put together from four sources.

Precedence, the later wins: the site's defaults, the settings file (TOML), the environment
(`CLOUDHANDS_DATABASE__URL` is `database.url`), the command line (`--set database.url=...`).
We read the sources ourselves, because pydantic-settings lets a misspelt environment variable
pass and cannot tell which source a wrong value came from; pydantic validates.

Secrets have no place here: a setting names the file that holds one, and a PostgreSQL password
stands in libpq's own password file (`PGPASSFILE`), not in `database.url`.
"""

import os
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from cloudhands.common.errors import SettingsError

ENVIRONMENT_PREFIX = "CLOUDHANDS_"
CONFIG_VARIABLE = "CLOUDHANDS_CONFIG"
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
DEFAULT_CONFIG = Path("/etc/cloudhands/cloudhands.toml")

Seconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Port = Annotated[int, Field(ge=1, le=65535)]
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
    """

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


class Attributes(Table):
    """Which attribute of a directory entry holds what. `id` must never change for a person."""

    id: str = "entryUUID"
    uid: str = "uid"
    name: str = "cn"
    mail: str = "mail"


class Directory(Table):
    """The LDAP directory: how to reach it and how it is laid out."""

    url: Annotated[str, Field(pattern=r"^ldaps?://[^/\s]+/?$")]
    start_tls: bool = False
    ca_file: Path | None = None
    bind_dn: str | None = None
    password_file: Path | None = None
    base: str
    people: str = "(objectClass=inetOrgPerson)"
    attributes: Attributes = Attributes()
    timeout: Seconds = 10
    page_size: Annotated[int, Field(ge=1, le=10_000)] = 500

    @model_validator(mode="after")
    def _bind_needs_both(self) -> Self:
        if (self.bind_dn is None) != (self.password_file is None):
            raise ValueError("bind_dn and password_file go together")
        return self

    @model_validator(mode="after")
    def _passwords_are_encrypted(self) -> Self:
        host = urlsplit(self.url).hostname
        if self.url.startswith("ldap://") and not self.start_tls and host not in LOOPBACK:
            raise ValueError(
                "people's passwords would go over the network as they are: "
                "set start_tls = true, or write ldaps://"
            )
        return self


class Index(Table):
    """The search index of the people in the directory, kept by `cloud-index`."""

    folder: Path = Path("index")
    interval: Seconds = 300


class Burst(Table):
    """How `cloud-burst` works: artifacts in hand at once, and seconds a claim lasts."""

    concurrency: Annotated[int, Field(ge=1, le=256)] = 8
    claim: Seconds = 15
    full_memory: Seconds = 60


class Provider(Table):
    """A cloud: `kind` names the adapter, `options` are the adapter's own."""

    kind: Name
    label: str
    public: bool = False
    priority: int = 100
    options: Mapping[str, Any] = Field(default_factory=dict)


class Settings(Table):
    """Everything that an operator may set. Relative paths are below `state`."""

    state: Path = Path("/var/lib/cloudhands")
    key_file: Path = Path("server.key")
    database: Database = Database()
    portal: Portal = Portal()
    directory: Directory | None = None
    index: Index = Index()
    burst: Burst = Burst()
    providers: Mapping[Name, Provider] = Field(default_factory=dict)

    def path(self, path: Path) -> Path:
        """A path of the settings as an absolute one."""
        return self.state.absolute() / path

    @property
    def database_url(self) -> str:
        """The database's URL, the default filled in."""
        return self.database.url or f"sqlite:///{self.path(Path('cloudhands.db'))}"


Key = tuple[str, ...]
Leaves = dict[Key, tuple[Any, str]]


def load(
    *,
    defaults: Mapping[str, Any] | None = None,
    file: Path | None = None,
    environment: Mapping[str, str] | None = None,
    overrides: Mapping[str, str] | None = None,
) -> Settings:
    """Read every source and validate the result.

    :param defaults: the site's, as nested tables.
    :param file: the settings file; None looks at `CLOUDHANDS_CONFIG`, then at
        `/etc/cloudhands/cloudhands.toml`, and goes without if that is missing.
    :param environment: variables; None means the process's own.
    :param overrides: from the command line, by dotted key.
    :raises SettingsError: naming each wrong key, where it was set, and what to do.
    """
    variables = os.environ if environment is None else environment
    file = file or _default_file(variables)
    leaves: Leaves = {}
    leaves.update(_leaves(defaults or {}, "the site's defaults"))
    if file:
        leaves.update(_leaves(_read(file), str(file)))
    leaves.update(_from_environment(variables))
    leaves.update(_from_command_line(overrides or {}))
    try:
        return Settings.model_validate(_nested(leaves))
    except ValidationError as error:
        raise SettingsError(_explain(error, leaves)) from None


def _default_file(variables: Mapping[str, str]) -> Path | None:
    if named := variables.get(CONFIG_VARIABLE):
        return Path(named)
    return DEFAULT_CONFIG if DEFAULT_CONFIG.exists() else None


def _read(file: Path) -> Mapping[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(
            f"settings file {file} cannot be read: {error.strerror}. "
            f"Name another with --config or {CONFIG_VARIABLE}"
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"settings file {file} is not TOML: {error}") from error


def _leaves(table: Mapping[str, Any], source: str, prefix: Key = ()) -> Leaves:
    found: Leaves = {}
    for key, value in table.items():
        if isinstance(value, Mapping) and value:
            found.update(_leaves(value, source, (*prefix, key)))
        else:
            found[(*prefix, key)] = (value, source)
    return found


def _from_environment(variables: Mapping[str, str]) -> Leaves:
    return {
        tuple(name.removeprefix(ENVIRONMENT_PREFIX).lower().split("__")): (value, f"${name}")
        for name, value in variables.items()
        if name.startswith(ENVIRONMENT_PREFIX) and name != CONFIG_VARIABLE
    }


def _from_command_line(overrides: Mapping[str, str]) -> Leaves:
    return {tuple(key.split(".")): (value, "--set") for key, value in overrides.items()}


def _nested(leaves: Leaves) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    for key, (value, source) in leaves.items():
        table = tree
        for part in key[:-1]:
            table = table.setdefault(part, {})
            if not isinstance(table, dict):
                raise SettingsError(f"{'.'.join(key)} ({source}): {part!r} is a value, not a table")
        table[key[-1]] = value
    return tree


def _explain(error: ValidationError, leaves: Leaves) -> str:
    return "\n".join(_sentences(error, leaves))


def _sentences(error: ValidationError, leaves: Leaves) -> Iterator[str]:
    for problem in error.errors(include_url=False, include_input=False):
        key = tuple(str(part) for part in problem["loc"])
        source = _source(key, leaves)
        remedy = {
            "extra_forbidden": "there is no such setting: mend the spelling or remove it",
            "missing": "is required: set it in the settings file",
        }.get(problem["type"], problem["msg"])
        yield f"{'.'.join(key)}{f' ({source})' if source else ''}: {remedy}"


def _source(key: Key, leaves: Leaves) -> str:
    # A missing key was set nowhere: what its table's other keys came from is where to look.
    for length in range(len(key), 0, -1):
        for leaf, (_, where) in leaves.items():
            if leaf[:length] == key[:length]:
                return where
    return ""
