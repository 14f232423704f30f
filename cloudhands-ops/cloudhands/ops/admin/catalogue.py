"""`cloud-admin catalogue`: the appliances as advertised."""

import argparse
from collections.abc import Iterable, Mapping
from importlib.resources.abc import Traversable
from pathlib import Path

from cloudhands.common import site
from cloudhands.common.catalogue.commands import ItemDefinition, load, read_definitions
from cloudhands.common.errors import InvalidInput
from cloudhands.ops.admin.operation import answer, operation
from cloudhands.ops.admin.parsing import Commands, command, group


def add_commands(groups: Commands) -> None:
    """Add this group."""
    place = group(groups, "catalogue", "the appliances as advertised")
    parser = command(place, "load", "Add what is new and change what differs.", load_folder)
    parser.add_argument(
        "folder",
        nargs="?",
        type=Path,
        metavar="FOLDER",
        help="a TOML file for each item (default: the site's own)",
    )


def load_folder(options: argparse.Namespace) -> None:
    """Load every item of a folder; what was launched keeps what it had.

    :raises Refused: if the folder is not one.
    :raises ConfigurationError: if an item is wrong.
    """
    definitions = read_definitions(_folder(options.folder))
    with operation(options) as work:
        unknown = _unknown_providers(definitions, work.settings.providers)
        done = load(work.session, work.actor, definitions, work.now)
    lines = [f"{name}: {what}" for name, what in done.items()]
    lines += [f"warning: {sentence}" for sentence in unknown]
    next_step = "Next: members of organisations find these in the portal."
    answer(options, {"items": dict(done), "warnings": unknown}, *lines, next_step)


def _folder(folder: Path | None) -> Traversable:
    if folder is None:
        return site.installed().catalogue
    if not folder.is_dir():
        raise InvalidInput({"FOLDER": f"{folder} is not a folder."})
    return folder


def _unknown_providers(
    definitions: Iterable[ItemDefinition], providers: Mapping[str, object]
) -> list[str]:
    """A sentence for each item that names a provider which the settings do not define."""
    return [
        f"{item.name} is also for {name}, which is no provider of the settings"
        for item in definitions
        for name in sorted(_named_by(item) - set(providers))
    ]


def _named_by(item: ItemDefinition) -> set[str]:
    return {*item.images, *(name for size in item.sizes.values() for name in size.on)}
