"""The reference of the commands, from their argument parsers.

`.. command-reference:: cloud-admin` finds the command by its entry point, and in its module the
function `arguments` that makes its parser. A parser with commands of its own becomes a section for
each of them.
"""

import argparse
import textwrap
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from extensions.text import block, indented, parsed, plain, title

ROOT = Path(__file__).resolve().parents[3]
WIDTH = 88
USAGE = "usage: "


def commands() -> Mapping[str, str]:
    """The module of each of our commands, as the distributions' pyproject.toml name them."""
    found: dict[str, str] = {}
    for file in sorted(ROOT.glob("cloudhands-*/pyproject.toml")):
        project = tomllib.loads(file.read_text(encoding="utf-8"))["project"]
        found |= {
            name: value.partition(":")[0] for name, value in project.get("scripts", {}).items()
        }
    return found


def parser_of(command: str) -> argparse.ArgumentParser:
    """The parser of one of our commands."""
    parser: argparse.ArgumentParser = import_module(commands()[command]).arguments()
    return parser


def parsers(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    """A parser and those of all its commands."""
    yield parser
    for one in below(parser):
        yield from parsers(one)


def below(parser: argparse.ArgumentParser) -> Sequence[argparse.ArgumentParser]:
    """The parsers of a parser's commands."""
    found = [one for one in parser._actions if isinstance(one, argparse._SubParsersAction)]
    return [sub for action in found for sub in action.choices.values()]


def page(parser: argparse.ArgumentParser, level: int) -> Iterator[str]:
    """The text about a parser; about its commands one level deeper."""
    yield from (f".. program:: {parser.prog}", "")
    yield from (plain(parser.description or ""), "")
    yield from block(_usage(parser))
    for action in parser._actions:
        if not isinstance(action, argparse._SubParsersAction | argparse._HelpAction):
            yield from _argument(action, parser.prog)
    yield from _epilog(parser)
    for one in below(parser):
        yield from title(one.prog, level)
        yield from page(one, level + 1)


def _usage(parser: argparse.ArgumentParser) -> str:
    parser.formatter_class = _Wide
    # What is left out at the start of the first line is left out of those below it, too.
    return textwrap.dedent(parser.format_usage().replace(USAGE, " " * len(USAGE), 1))


class _Wide(argparse.HelpFormatter):
    """The same usage on every terminal."""

    def __init__(self, prog: str, **values: Any) -> None:
        super().__init__(prog, width=WIDTH)


def _argument(action: argparse.Action, program: str) -> Iterator[str]:
    value = _value(action)
    names = [f"{name} {value}".strip() for name in action.option_strings] or [value]
    yield from (f".. option:: {', '.join(names)}", "")
    yield from indented([_help(action, program), ""])


def _value(action: argparse.Action) -> str:
    if action.nargs == 0:
        return ""
    if action.metavar is not None:
        return str(action.metavar)
    if action.choices is not None:
        return "|".join(map(str, action.choices))
    return action.dest.upper() if action.option_strings else action.dest


def _help(action: argparse.Action, program: str) -> str:
    words = (action.help or "") % {**vars(action), "prog": program}
    begun = plain(words[:1].upper() + words[1:])
    told = [f"{begun.rstrip('.')}."] if begun else []
    if action.choices is not None:
        told.append(f"One of {', '.join(f'``{one}``' for one in action.choices)}.")
    if "default" not in words and isinstance(action.default, str | int) and _says(action):
        told.append(f"Default: ``{action.default}``.")
    if action.required and action.option_strings:
        told.append("Required.")
    return " ".join(told)


def _says(action: argparse.Action) -> bool:
    return action.default not in (False, "", argparse.SUPPRESS) and action.nargs != 0


def _epilog(parser: argparse.ArgumentParser) -> Iterator[str]:
    if "\n" in (text := (parser.epilog or "").strip("\n")):
        yield from block(text)
    elif text:
        yield from (plain(text), "")


class CommandReference(SphinxDirective):
    """`.. command-reference:: NAME`, below a page's title."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """The page's content."""
        return parsed(self, page(parser_of(self.arguments[0]), 1))


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the directive."""
    app.add_directive("command-reference", CommandReference)
    return {"parallel_read_safe": True}
