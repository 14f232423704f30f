"""The portal's Jinja environment: everything escaped, and written at the speed of a plain string.

MarkupSafe makes an object of its own of all that it escapes, so that text which is escaped already
is not escaped again. What is written into a page needs none: nobody asks it any more. That is half
of what a page with many rows costs.
"""

import html
from datetime import datetime
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, nodes
from jinja2.compiler import CodeGenerator, Frame
from markupsafe import Markup, escape

from cloudhands.web.representation import ROLES

_ROLES = {role: prompt.lower() for role, prompt in ROLES}


class _PageGenerator(CodeGenerator):
    """Jinja's compiler; what a template writes goes through `PageEnvironment.written`."""

    def _output_child_pre(
        self, node: nodes.Expr, frame: Frame, finalize: CodeGenerator._FinalizeInfo
    ) -> None:
        # As jinja2.nativetypes does it. Where Jinja escapes in another way, that stays.
        if frame.eval_ctx.autoescape and not frame.eval_ctx.volatile and finalize.src is None:
            self.write("environment.written(")
        else:
            super()._output_child_pre(node, frame, finalize)


class PageEnvironment(Environment):
    """An environment that is quick with dictionaries and with text."""

    code_generator_class = _PageGenerator

    @staticmethod
    def written(value: Any) -> str:
        """A value as it stands in a page: escaped, unless it is markup."""
        kind = type(value)
        if kind is str:
            return html.escape(value)
        return value if kind is Markup else escape(value)

    def getattr(self, obj: Any, attribute: str) -> Any:
        """Look for a key first in a dictionary; Jinja tries an attribute, and fails each time."""
        if type(obj) is dict and attribute in obj:
            return obj[attribute]
        try:
            return getattr(obj, attribute)
        except AttributeError:
            return super().getattr(obj, attribute)


def environment() -> PageEnvironment:
    """The environment of every page's templates."""
    made = PageEnvironment(
        loader=PackageLoader("cloudhands.web", ""),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.filters.update(moment=_moment, role=_role, listed=", ".join)
    return made


def _moment(value: datetime) -> str:
    return value.strftime("%Y-%m-%d %H:%M:%S UTC")


def _role(name: str) -> str:
    return _ROLES.get(name, name)
