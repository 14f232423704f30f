"""The settings: one frozen, typed `Settings` for every program, put together from four sources.

Precedence, the later wins: the site's defaults, the settings file (TOML), the environment
(`CLOUDHANDS_DATABASE__URL` is `database.url`), the command line (`--set database.url=...`).
`model` says what there is, with `portal`, `directory`, `clouds` and `mail`; `sources` reads it,
`toml_lines` knows the line of each key, `problems` says what is wrong with it, `effective` what
holds now and where it came from.

We read the sources ourselves, because pydantic-settings lets a misspelt environment variable
pass and cannot tell which source a wrong value came from; pydantic validates.

A setting names the file that holds a secret, and a PostgreSQL password stands in libpq's own
password file (`PGPASSFILE`). One that is written into a setting nevertheless is never shown, and
not taken from the command line, which everybody on the machine can read.
"""

from cloudhands.common.settings.clouds import Appliances, Burst, Price, Provider
from cloudhands.common.settings.directory import Attributes, Directory, Index
from cloudhands.common.settings.effective import Effective, Entry, load, read
from cloudhands.common.settings.mail import Mail
from cloudhands.common.settings.model import Database, Settings
from cloudhands.common.settings.portal import Portal
from cloudhands.common.settings.sources import (
    CONFIG_VARIABLE,
    DEFAULT_CONFIG,
    ENVIRONMENT_PREFIX,
    MOVE_VARIABLE,
)
from cloudhands.common.settings.values import Name

__all__ = [
    "CONFIG_VARIABLE",
    "DEFAULT_CONFIG",
    "ENVIRONMENT_PREFIX",
    "MOVE_VARIABLE",
    "Appliances",
    "Attributes",
    "Burst",
    "Database",
    "Directory",
    "Effective",
    "Entry",
    "Index",
    "Mail",
    "Name",
    "Portal",
    "Price",
    "Provider",
    "Settings",
    "load",
    "read",
]
