"""One representation of each resource, for people and programs alike.

It has four parts: `info` (what it is), `nav` (where to go from here), `items` (what it holds)
and `options` (what can be done now, with its fields). `http.hal` renders it as HAL-FORMS, a
page's template as HTML; neither knows what the other does.
"""

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, NamedTuple

from pydantic import BaseModel

NOTHING: Mapping[str, Any] = MappingProxyType({})
Choices = Sequence[tuple[str, str]]

ROLES: Choices = (("member", "Member"), ("admin", "Administrator"))
"""The roles of a membership, as people read them."""


class Link(NamedTuple):
    """A way to another resource.

    :param rel: an IANA relation, or one of ours with the prefix `ch:`.
    :param href: where; with `{?q}` at its end if templated (RFC 6570).
    """

    rel: str
    href: str
    title: str
    templated: bool = False

    @property
    def path(self) -> str:
        """Where the link leads without its variables."""
        return self.href.partition("{")[0]


@dataclass(frozen=True)
class Field:
    """One field of an option, as a form shows it and HAL-FORMS describes it."""

    name: str
    prompt: str
    required: bool
    type: str = "text"
    value: str = ""
    hint: str = ""
    min_length: int | None = None
    max_length: int | None = None
    minimum: float | None = None
    maximum: float | None = None
    choices: Choices = ()
    error: str = ""


@dataclass(frozen=True)
class Option:
    """Something that the viewer may do now.

    :param key: the template's name in HAL-FORMS.
    :param form: the model of its fields, if it has any.
    :param values: what fields start with.
    :param choices: the allowed values of fields, with the text that people see.
    :param fixed: names of fields that the viewer does not fill in.
    :param warning: what it destroys, in a sentence; empty if it destroys nothing.
    :param if_match: the tag of what it edits; empty if it edits nothing.
    :param idempotency_key: for a form that makes something, so that it is not made twice.
    """

    key: str
    title: str
    target: str
    form: type[BaseModel] | None = None
    values: Mapping[str, Any] = field(default_factory=dict)
    choices: Mapping[str, Choices] = field(default_factory=dict)
    fixed: frozenset[str] = frozenset()
    errors: Mapping[str, str] = field(default_factory=dict)
    warning: str = ""
    if_match: str = ""
    idempotency_key: str = ""

    @property
    def danger(self) -> bool:
        """Whether it destroys something."""
        return bool(self.warning)

    @property
    def fields(self) -> Sequence[Field]:
        """The fields of the option's model."""
        if self.form is None:
            return ()
        schema = _schema(self.form)
        required = schema.get("required", ())
        return [
            self._field(name, about, name in required)
            for name, about in schema.get("properties", {}).items()
        ]

    @property
    def other_errors(self) -> Mapping[str, str]:
        """What is wrong with none of the fields that people see."""
        shown = {field.name for field in self.fields if field.type != "hidden"}
        return {name: why for name, why in self.errors.items() if name not in shown}

    def _field(self, name: str, about: Mapping[str, Any], required: bool) -> Field:
        # An answer of the schema may stand behind an `anyOf`; ours are plain.
        choices = self.choices.get(name) or [(value, value) for value in about.get("enum", ())]
        plain = "number" if about.get("type") in ("integer", "number") else "text"
        kind = "hidden" if name in self.fixed else about.get("format", plain)
        return Field(
            name=name,
            prompt=about.get("title", name),
            required=required,
            type="select" if choices and kind == "text" else kind,
            value=str(self.values.get(name, about.get("default", ""))),
            hint=about.get("description", ""),
            min_length=about.get("minLength"),
            max_length=about.get("maxLength"),
            minimum=about.get("minimum"),
            maximum=about.get("maximum"),
            choices=choices,
            error=self.errors.get(name, ""),
        )


class Representation(NamedTuple):
    """A resource as the viewer may see it now.

    :param title: what people call it.
    :param items: what it holds, by relation.
    :param options: what can be done now, by key.
    """

    title: str
    info: Mapping[str, Any] = NOTHING
    nav: Sequence[Link] = ()
    items: Mapping[str, Sequence["Representation"]] = NOTHING
    options: Mapping[str, Option] = NOTHING

    def link(self, rel: str) -> Link | None:
        """The first link of a relation."""
        return next((link for link in self.nav if link.rel == rel), None)

    def links(self, rel: str) -> Sequence[Link]:
        """Every link of a relation."""
        return [link for link in self.nav if link.rel == rel]

    def get(self, rel: str) -> Sequence["Representation"]:
        """What the resource holds by a relation."""
        return self.items.get(rel, ())

    @property
    def has_errors(self) -> bool:
        """Whether something that was typed into one of its options is wrong."""
        return any(option.errors for option in self.options.values())

    def with_errors(
        self, key: str, values: Mapping[str, Any], errors: Mapping[str, str]
    ) -> "Representation":
        """The same, with what somebody typed into an option and what was wrong with it."""
        failed = replace(self.options[key], values=values, errors=errors)
        return self._replace(options={**self.options, key: failed})


@functools.cache
def _schema(form: type[BaseModel]) -> Mapping[str, Any]:
    return form.model_json_schema()


def options(*offered: Option | None) -> Mapping[str, Option]:
    """Options by key; None stands for one that the viewer does not have."""
    return {option.key: option for option in offered if option is not None}
