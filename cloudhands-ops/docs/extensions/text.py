"""Makes reStructuredText of what was written for terminals and docstrings."""

import re
from collections.abc import Iterable, Iterator

from docutils import nodes
from sphinx.util.docutils import SphinxDirective

UNDERLINES = "=-~^"
_SPECIAL = re.compile(r"([\\*`|_])")
_OPTION = re.compile(r"(?<![\w`-])(--[a-z][a-z-]*)")


def plain(text: str) -> str:
    """Text of a terminal: nothing in it is markup, and options are set as such."""
    return _OPTION.sub(r"``\1``", _SPECIAL.sub(r"\\\1", " ".join(text.split())))


def literal_names(docstring: str) -> str:
    """A docstring's text, in which single backticks stand around names."""
    return re.sub(r"(?<![`:])`([^`]+)`(?!`)", r"``\1``", docstring)


def title(text: str, level: int) -> Iterator[str]:
    """A heading and the blank line after it."""
    yield from (text, UNDERLINES[level] * len(text), "")


def block(text: str) -> Iterator[str]:
    """What is shown as it is."""
    yield from ("::", "", *(f"    {line}".rstrip() for line in text.strip("\n").splitlines()), "")


def indented(lines: Iterable[str]) -> Iterator[str]:
    """Lines as the content of what stands above them."""
    yield from (f"   {line}".rstrip() for line in lines)


def parsed(directive: SphinxDirective, lines: Iterable[str]) -> list[nodes.Node]:
    """Generated text as part of the page, sections included."""
    return directive.parse_text_to_nodes("\n".join(lines), allow_section_headings=True)
