"""The LDAP directory, and the index of the people in it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from cloudhands.common.settings import presets
from cloudhands.common.settings.values import (
    LOOPBACK,
    AttributeName,
    DirectoryUrl,
    Seconds,
    Table,
    UidNumber,
)


class Attributes(Table):
    """Which attribute of a directory entry holds what.

    `id` must never change for a person; `uid` is what they sign in with; `name`, `mail` and
    `uid_number` are shown, and given to the machines that they sign in to.

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

    `url` is the server, ldaps://HOST, or ldap://HOST with `start_tls`; `ca_file` is who signed its
    certificate, where the system does not know them. We sign in as `bind_dn` with the first line of
    `password_file`, and without both anonymously. People are below `base`. `timeout` is how many
    seconds to wait for each answer, `page_size` how many entries to ask for at once.

    `kind` is openldap, freeipa or active-directory, and sets what such a directory calls things:
    `people` and `attributes` then say only what is different here.

    `other_urls` are servers with the same people, tried in this order while the one at `url` does
    not answer; `other_bases` are further places where people are. `people` is the filter that they
    match, `hidden` one for those whom no search may show: they sign in like the others.

    With `other_bases` no server tells `cloud-index` changes as they come (RFC 4533 follows one
    base): it asks every `index.interval`. One base above all of them is quicker, where `people`
    can tell people from the rest that is below it.

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
    timeout: Annotated[float, Field(gt=0, le=3600)] = 10
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
    """The search index of the people in the directory, kept by `cloud-index` in `folder`.

    `interval` is how many seconds lie between two looks at a directory that does not tell its
    changes by itself.

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
