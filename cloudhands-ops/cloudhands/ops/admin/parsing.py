"""How a group of commands adds its commands to `cloud-admin`'s arguments."""

import argparse
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from cloudhands.common.limits import MOST

if TYPE_CHECKING:
    # The class is generic for type checkers only.
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]
else:
    Commands = Any

Run = Callable[[argparse.Namespace], int | None]
"""Answers the exit status; None is 0."""


def group(groups: Commands, name: str, purpose: str) -> Commands:
    """Add a group of commands, such as `user`, and return the place for its commands."""
    parser = groups.add_parser(name, help=purpose, description=purpose)
    return parser.add_subparsers(title="commands", metavar="COMMAND", required=True)


def command(place: Commands, name: str, purpose: str, run: Run) -> argparse.ArgumentParser:
    """Add one command.

    :param place: `cloud-admin` itself or a group.
    :param purpose: one sentence, for `--help`.
    :param run: what the command does with its arguments; raises what `service.run` explains.
    :returns: its parser, for arguments of its own; it has `--json` already.
    """
    parser = place.add_parser(name, help=purpose, description=purpose)
    parser.add_argument("--json", action="store_true", help="print the result as one JSON object")
    parser.set_defaults(run=run)
    return parser


def amount(text: str) -> int | None:
    """An argument that is a number of things, or 'none' for no limit.

    :raises argparse.ArgumentTypeError: if it is neither.
    """
    if text == "none":
        return None
    if not (text.isascii() and text.isdecimal() and int(text) <= MOST):
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 0 to {MOST:,} and not 'none'")
    return int(text)
