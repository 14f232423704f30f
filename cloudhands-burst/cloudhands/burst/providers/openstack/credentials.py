"""Reads the file with which a project of an OpenStack cloud is entered.

TOML, JSON or YAML by its suffix. Either the keys themselves, or a `clouds.yaml` as the cloud's own
pages offer it: `clouds`, below it a name, below it `auth` with the keys, `region_name`,
`interface`. What a `clouds.yaml` says of TLS is not heard: certificates are always verified.
"""

import json
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from cloudhands.burst.providers.openstack.options import Options, is_encrypted
from cloudhands.common.cloud import Denied

PASSWORD = frozenset({"username", "user_id", "password", "user_domain_name", "user_domain_id"})
PROJECT = frozenset({"project_name", "project_id", "project_domain_name", "project_domain_id"})
APPLICATION = frozenset(
    {
        "application_credential_id",
        "application_credential_name",
        "application_credential_secret",
    }
)
KEYS = {"auth_url", *PASSWORD, *PROJECT, *APPLICATION}
BESIDE = {"auth", "auth_type", "region_name", "interface"}

READERS: Mapping[str, Callable[[str], Any]] = {
    ".json": json.loads,
    ".toml": tomllib.loads,
    ".yaml": yaml.safe_load,
    ".yml": yaml.safe_load,
}


@dataclass(frozen=True)
class Credentials:
    """What opens a project.

    :param auth: the keys for keystoneauth's plugin; never shown.
    :param application: whether it is an application credential; else a password.
    :param region: empty where the cloud has but one.
    """

    auth: Mapping[str, str] = field(repr=False)
    application: bool
    region: str


def read(file: Path, options: Options) -> Credentials:
    """The credentials in a file.

    :raises Denied: naming file, key and remedy, never a value: the operator has to mend it.
    """
    table = _chosen(_parsed(file), file, options.cloud)
    # In a clouds.yaml much stands beside "auth" that is not ours; in a plain file nothing may.
    given = table["auth"] if isinstance(table.get("auth"), Mapping) else _plain(table, file)
    auth = {key: str(value) for key, value in given.items() if value is not None}
    if unknown := sorted(set(auth) - KEYS):
        raise Denied(f"{file}: there is no such key: {', '.join(unknown)}; mend or remove it")
    auth.setdefault("auth_url", options.auth_url)
    _check(auth, file)
    region = options.region or str(table.get("region_name") or "")
    return Credentials(auth, "application_credential_secret" in auth, region)


def _parsed(file: Path) -> Mapping[str, Any]:
    reader = READERS.get(file.suffix.lower())
    if reader is None:
        raise Denied(f"{file}: name the file of credentials *{', *'.join(READERS)}")
    try:
        table = reader(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise Denied(f"{file}: the file of credentials cannot be read: {error.strerror}") from None
    except (ValueError, yaml.YAMLError):
        # The parser's own words may quote the line, and so the secret.
        kind = file.suffix.lower().removeprefix(".").upper()
        raise Denied(f"{file}: the file of credentials is not {kind}: mend it") from None
    if not isinstance(table, Mapping):
        raise Denied(f"{file}: the file of credentials must hold keys and values")
    return table


def _chosen(table: Mapping[str, Any], file: Path, name: str) -> Mapping[str, Any]:
    if "clouds" not in table:
        return table
    clouds = table["clouds"] if isinstance(table["clouds"], Mapping) else {}
    if not name and len(clouds) == 1:
        name = next(iter(clouds))
    chosen = clouds.get(name)
    if not isinstance(chosen, Mapping):
        known = ", ".join(map(str, clouds)) or "none"
        raise Denied(f"{file}: clouds: it has {known}; name one in the option 'cloud'")
    return chosen


def _plain(table: Mapping[str, Any], file: Path) -> Mapping[str, Any]:
    if "auth" in table:
        raise Denied(f"{file}: auth: must hold keys and values")
    return {key: value for key, value in table.items() if key not in BESIDE}


def _check(auth: Mapping[str, str], file: Path) -> None:
    if missing := _missing(auth):
        raise Denied(f"{file}: {missing} is missing: add it")
    if not is_encrypted(auth["auth_url"]):
        raise Denied(
            f"{file}: auth_url: the secret would go over the network as it is: write https://"
        )


def _missing(auth: Mapping[str, str]) -> str:
    """The first key that is not there; empty if none is missing."""

    def one_of(*keys: str) -> str:
        return "" if any(auth.get(key) for key in keys) else " or ".join(keys)

    user = one_of("username", "user_id")
    if any(key in auth for key in APPLICATION):
        named = one_of("application_credential_id") and (
            one_of("application_credential_id", "application_credential_name") or user
        )
        parts = [one_of("application_credential_secret"), named]
    else:
        parts = [user, one_of("password"), one_of("project_name", "project_id")]
    return next((part for part in (one_of("auth_url"), *parts) if part), "")
