"""The user-data templates of catalogue items: Jinja in a sandbox, with the few words of `WORDS`.

What a machine's cloud-init would take for its own template (`## template: jinja`) is put between
`{% raw %}` and `{% endraw %}`, and so is a shell's `${#name}`.
"""

import functools
from collections.abc import Mapping
from typing import Any

from jinja2 import StrictUndefined, Template, TemplateSyntaxError, nodes
from jinja2 import TemplateError as JinjaError
from jinja2.meta import find_undeclared_variables
from jinja2.sandbox import ImmutableSandboxedEnvironment

WORDS: Mapping[str, str] = {
    "uuid": "the appliance's id",
    "generation": "which try it is: 1, and one more with each retry",
    "size": "the name of its size",
    "account": "the account that people sign in to",
    "portal": "the portal's address; empty where machines cannot reach it",
    "keys": "the SSH keys that it was launched with, a list of lines",
}
"""What a template may name, and what it means."""

# For a look at whether it can be rendered at all.
_EXAMPLE: Mapping[str, Any] = {
    "uuid": "00000000-0000-0000-0000-000000000000",
    "generation": 1,
    "size": "small",
    "account": "researcher",
    "portal": "https://portal.example.org",
    "keys": ["ssh-ed25519 AAAA"],
}
_OF_OTHERS = (nodes.Include, nodes.Import, nodes.FromImport, nodes.Extends)
_MARKS = ("{{", "{%", "{#")
# What a template's own expressions raise while it is rendered.
_FAULTS = (JinjaError, ArithmeticError, AttributeError, LookupError, TypeError, ValueError)

_ENVIRONMENT = ImmutableSandboxedEnvironment(
    undefined=StrictUndefined, keep_trailing_newline=True, autoescape=False
)


class BadTemplate(ValueError):
    """It cannot be rendered.

    :param line: of the template, from 1; 0 where nobody knows.
    """

    def __init__(self, sentence: str, line: int = 0) -> None:
        super().__init__(f"line {line}: {sentence}" if line else sentence)
        self.line = line


def check(text: str) -> None:
    """Refuse a template that could not be rendered.

    :raises BadTemplate: naming the line and the remedy.
    """
    try:
        tree = _ENVIRONMENT.parse(text)
        named = find_undeclared_variables(tree)
    except TemplateSyntaxError as error:
        raise _unparsable(error) from None
    for node in tree.find_all(_OF_OTHERS):
        raise BadTemplate("a template stands alone: put the other one's text here", node.lineno)
    unknown = named - set(WORDS) - set(_ENVIRONMENT.globals)
    for name in tree.find_all(nodes.Name):
        if name.name in unknown:
            raise BadTemplate(
                f"there is no {name.name!r}: a template may name {', '.join(WORDS)}", name.lineno
            )
    render(text, _EXAMPLE)


def render(text: str, values: Mapping[str, Any]) -> str:
    """A template filled in.

    :param values: one for each of `WORDS`.
    :raises BadTemplate: if it cannot be.
    """
    if not any(mark in text for mark in _MARKS):
        return text
    try:
        return _compiled(text).render(values)
    except TemplateSyntaxError as error:
        raise _unparsable(error) from None
    except _FAULTS as error:
        raise BadTemplate(f"it cannot be filled in: {error}") from None


@functools.lru_cache(maxsize=256)
def _compiled(text: str) -> Template:
    return _ENVIRONMENT.from_string(text)


def _unparsable(error: TemplateSyntaxError) -> BadTemplate:
    reason = (error.message or "it is no template").rstrip(".")
    return BadTemplate(
        f"{reason}. Mend it, or put it between {{% raw %}} and {{% endraw %}}", error.lineno
    )
