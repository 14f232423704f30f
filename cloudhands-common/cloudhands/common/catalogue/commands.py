"""Loading the catalogue: TOML files of a site become rows."""

import tomllib
from collections.abc import Iterable, Mapping
from datetime import datetime
from importlib.resources.abc import Traversable
from typing import Annotated

from pydantic import Field, model_validator
from sqlalchemy import select
from sqlalchemy.orm import Session

from cloudhands.common import history, permissions
from cloudhands.common.actor.queries import roles_of
from cloudhands.common.actor.tables import Actor
from cloudhands.common.catalogue.tables import CatalogueItem
from cloudhands.common.errors import ConfigurationError, InvalidInput
from cloudhands.common.forms import Form, Label, Line, Slug, parse
from cloudhands.common.provider.commands import check_soon
from cloudhands.common.settings import Name
from cloudhands.common.settings.model import Days


class Size(Form):
    """How big an appliance is. `on` names the size at each provider."""

    title: Label
    vcpus: Annotated[int, Field(ge=1, le=1024)]
    memory_mb: Annotated[int, Field(ge=64)]
    disk_gb: Annotated[int, Field(ge=1)]
    on: Mapping[Name, Line]


class ItemDefinition(Form):
    """A catalogue item as its TOML file defines it. `images` names the image at each provider.

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

    @model_validator(mode="after")
    def _default_exists(self) -> "ItemDefinition":
        if self.default_size not in self.sizes:
            raise ValueError(f"default_size {self.default_size!r} is not among the sizes")
        return self


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
        return parse(ItemDefinition, tomllib.loads(file.read_text(encoding="utf-8")))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, InvalidInput) as error:
        raise ConfigurationError(f"catalogue item {file}: {error}") from error


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
