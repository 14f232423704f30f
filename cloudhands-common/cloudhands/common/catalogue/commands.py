"""Loading the catalogue: TOML files of a site become rows."""

import re
import tomllib
from collections.abc import Iterable, Mapping
from datetime import datetime
from importlib.resources.abc import Traversable
from typing import Annotated

from pydantic import Field, StringConstraints, field_validator, model_validator
from sqlalchemy import select
from sqlalchemy.orm import Session

from cloudhands.common import history, permissions
from cloudhands.common.actor.queries import roles_of
from cloudhands.common.actor.tables import Actor
from cloudhands.common.catalogue import templates
from cloudhands.common.catalogue.tables import CatalogueItem
from cloudhands.common.errors import ConfigurationError, InvalidInput
from cloudhands.common.forms import Form, Label, Line, Slug, parse
from cloudhands.common.provider.commands import check_soon
from cloudhands.common.settings import Name
from cloudhands.common.settings.toml_lines import lines
from cloudhands.common.settings.values import Days

# Accounts that a machine has already: nobody signs in to them.
RESERVED = frozenset({"root", "nobody", "daemon", "bin", "sshd", "cloudhands-keys"})
# What cloud-init tells the kind of user data by.
BEGINNINGS = ("#cloud-config\n", "#!", "#cloud-boothook\n", "#include", "## template: jinja\n")


class Size(Form):
    """How big an appliance is. `on` names the size at each provider."""

    title: Label
    vcpus: Annotated[int, Field(ge=1, le=1024)]
    memory_mb: Annotated[int, Field(ge=64)]
    disk_gb: Annotated[int, Field(ge=1)]
    on: Mapping[Name, Line]


class ItemDefinition(Form):
    """A catalogue item as its TOML file defines it. `images` names the image at each provider.

    People sign in to the account `account`, which may become root if `sudo` is set. `user_data`
    is for cloud-init, a template (`catalogue.templates`); ours is joined to it. `reports` says
    that the image has cloud-init and systemd, so that a machine tells when it is ready.
    `locations` are those of the settings' providers where its data may lie; empty for anywhere.
    `lifetime_days`: how long one lasts; without it, as the settings say.
    """

    name: Slug
    title: Label
    summary: Line
    description: str = ""
    images: Mapping[Name, Line]
    sizes: Annotated[Mapping[Slug, Size], Field(min_length=1)]
    default_size: Slug
    external_address: bool = False
    locations: tuple[Label, ...] = ()
    user_data: Annotated[str, Field(max_length=16_384)] = ""
    lifetime_days: Days | None = None
    account: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,30}$")] = "researcher"
    sudo: bool = True
    reports: bool = True

    @model_validator(mode="after")
    def _default_exists(self) -> "ItemDefinition":
        if self.default_size not in self.sizes:
            raise ValueError(f"default_size {self.default_size!r} is not among the sizes")
        return self

    @field_validator("user_data")
    @classmethod
    def _can_be_rendered(cls, user_data: str) -> str:
        if user_data.strip() and not user_data.startswith(BEGINNINGS):
            kinds = ", ".join(beginning.strip() for beginning in BEGINNINGS)
            raise ValueError(f"line 1: cloud-init wants it to begin with one of {kinds}")
        templates.check(user_data)
        return user_data

    @field_validator("account")
    @classmethod
    def _is_for_people(cls, account: str) -> str:
        if account in RESERVED:
            raise ValueError(f"{account} is a machine's own account: name another")
        return account


def read_definitions(folder: Traversable) -> list[ItemDefinition]:
    """Every `*.toml` of a folder, in sorted order.

    :raises ConfigurationError: naming the file and the field that is wrong.
    """
    files = sorted(
        (file for file in folder.iterdir() if file.name.endswith(".toml")),
        key=lambda file: file.name,
    )
    if not files:
        raise ConfigurationError(f"{folder} has no catalogue items (*.toml)")
    return [_read_definition(file) for file in files]


def _read_definition(file: Traversable) -> ItemDefinition:
    try:
        text = file.read_text(encoding="utf-8")
        values = tomllib.loads(text)
        try:
            return parse(ItemDefinition, values)
        except InvalidInput as error:
            raise ConfigurationError(f"catalogue item {_place(file, text, error)}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"catalogue item {file}: {error}") from error


def _place(file: Traversable, text: str, error: InvalidInput) -> str:
    """The file and what is wrong with it; of user data also on which line of the file."""
    within = re.match(r"line ([0-9]+): ", error.fields.get("user_data", ""))
    if within is None:
        return f"{file}: {error}"
    begins = lines(text)["user_data",]
    # TOML leaves out a line break that follows the opening quotes.
    opened = text.split("\n")[begins - 1].rstrip().endswith(('= """', "= '''", '="""', "='''"))
    return f"{file}, line {begins + opened + int(within[1]) - 1}: {error}"


def load(
    session: Session, actor: Actor, definitions: Iterable[ItemDefinition], now: datetime
) -> Mapping[str, str]:
    """Add what is new and change what differs; what was launched keeps what it had.

    Whether the providers have its images and sizes is then looked at.

    :returns: what was done by item name: `added`, `changed` or `unchanged`.
    """
    permissions.require("catalogue.load", roles_of(actor))
    known = {item.name: item for item in session.scalars(select(CatalogueItem))}
    done = {
        wanted.name: _put(session, actor, known.get(wanted.name), wanted, now)
        for wanted in definitions
    }
    if set(done.values()) - {"unchanged"}:
        check_soon(session, now)
    return done


def _put(
    session: Session,
    actor: Actor,
    item: CatalogueItem | None,
    wanted: ItemDefinition,
    now: datetime,
) -> str:
    definition = wanted.model_dump(mode="json")
    if item is not None and item.definition == definition:
        return "unchanged"
    done = "added" if item is None else "changed"
    item = item or CatalogueItem(name=wanted.name, created_at=now, version=0)
    item.title, item.summary, item.definition = wanted.title, wanted.summary, definition
    session.add(item)
    history.record(session, item, actor, f"{done} from a file", now)
    return done
