"""Renders a representation as HAL with HAL-FORMS templates (`application/prs.hal-forms+json`).

HAL: draft-kelly-json-hal; HAL-FORMS: https://rwcbook.github.io/hal-forms/. Our own relations
are compact URIs with the prefix `ch:`.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import TypeAdapter

from cloudhands.web.http import fields
from cloudhands.web.representation import Choices, Field, Link, Option, Representation

# Three times as quick as json.dumps, and it knows moments and ids.
_JSON: TypeAdapter[Any] = TypeAdapter(Any)
CURIES = [{"name": "ch", "href": "/rels/{rel}", "templated": True}]


def render(page: Representation, csrf_token: str) -> dict[str, Any]:
    """The whole document, for `dumps`.

    :param csrf_token: goes into every template as a read-only property.
    """
    document = _resource(page, csrf_token)
    document["_links"] = {**document.get("_links", {}), "curies": CURIES}
    return document


def _resource(page: Representation, csrf_token: str) -> dict[str, Any]:
    document: dict[str, Any] = {"title": page.title, **page.info}
    if page.nav:
        document["_links"] = _links(page.nav)
    if page.items:
        document["_embedded"] = {
            rel: [_resource(item, csrf_token) for item in items]
            for rel, items in page.items.items()
        }
    if page.options:
        document["_templates"] = {
            key: _template(option, csrf_token) for key, option in page.options.items()
        }
    return document


def dumps(document: Any) -> bytes:
    """A document as JSON in UTF-8; moments as RFC 3339 writes them."""
    return _JSON.dump_json(document)


def _links(nav: Sequence[Link]) -> dict[str, Any]:
    links: dict[str, Any] = {}
    for link in nav:
        shown = {"href": link.href, "title": link.title}
        if link.templated:
            shown["templated"] = True  # type: ignore[assignment]
        links.setdefault(link.rel, []).append(shown)
    # What may come several times is always a list, so that a client need not tell.
    return {rel: found if rel in MANY else found[0] for rel, found in links.items()}


MANY = frozenset({"ch:organisation", "item"})
"""Relations that are lists even when there is one link."""


def _template(option: Option, csrf_token: str) -> dict[str, Any]:
    own = {fields.CSRF_TOKEN: csrf_token, fields.IF_MATCH: option.if_match}
    return {
        "title": option.title,
        "method": "POST",
        "target": option.target,
        "contentType": "application/json",
        "properties": [
            *(_property(field) for field in option.fields),
            *(_fixed(name, value) for name, value in own.items() if value),
        ],
    }


def _fixed(name: str, value: str) -> Mapping[str, Any]:
    return {"name": name, "value": value, "readOnly": True, "required": True}


def _property(field: Field) -> Mapping[str, Any]:
    about: dict[str, Any] = {
        "name": field.name,
        "prompt": field.prompt,
        "required": field.required,
        "type": "text" if field.type == "select" else field.type,
    }
    if field.value:
        about["value"] = field.value
    if field.type == "hidden":
        about["readOnly"] = True
    if field.choices:
        about["options"] = _options(field.choices)
    return about | _limits(field)


def _limits(field: Field) -> dict[str, Any]:
    limits = {
        "minLength": field.min_length,
        "maxLength": field.max_length,
        "min": field.minimum,
        "max": field.maximum,
    }
    return {name: limit for name, limit in limits.items() if limit is not None}


def _options(choices: Choices) -> Mapping[str, Any]:
    return {"inline": [{"value": value, "prompt": prompt} for value, prompt in choices]}
