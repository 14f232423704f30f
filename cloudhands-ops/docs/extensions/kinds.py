"""What a setting takes, in words, from its type and its limits."""

import types
import typing
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from ipaddress import IPv4Network
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

NAMES: Mapping[Any, str] = {
    bool: "``true`` or ``false``",
    int: "a whole number",
    float: "a number",
    Decimal: "a number",
    str: "text",
    Path: "a path",
    IPv4Network: "a network, as 192.0.2.0/24",
    Any: "anything",
}
LIMITS: Mapping[str, str] = {"ge": "from", "gt": "above", "le": "to", "lt": "below"}


def tables_in(annotation: Any) -> Iterator[tuple[type[BaseModel], bool, bool]]:
    """The tables that a type holds; whether each has a name of its own, whether it is a list."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation, False, False
        return
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin in (Union, types.UnionType):
        for one in inner:
            yield from tables_in(one)
    elif origin is tuple:
        yield from ((model, named, True) for model, named, _ in tables_in(inner[0]))
    elif origin is Mapping:
        yield from ((model, True, many) for model, _, many in tables_in(inner[1]))


def is_one_value(annotation: Any) -> bool:
    """Whether a type can be written as one word, as an environment variable has to."""
    return get_origin(_bare(annotation)) not in (tuple, Mapping)


def words(field: FieldInfo) -> str:
    """What a setting takes."""
    return _words(field.annotation, field.metadata)


def _words(annotation: Any, metadata: Sequence[Any] = ()) -> str:
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _words(inner[0], annotation.__metadata__)
    if origin in (Union, types.UnionType):
        return " or ".join(_words(one, metadata) for one in inner if one is not types.NoneType)
    if origin is Literal:
        return " or ".join(f'``"{one}"``' for one in inner)
    if origin is tuple:
        return _list(inner, metadata)
    if origin is Mapping:
        return "a table"
    return f"{NAMES[annotation]}{_limits(metadata)}"


def _list(inner: Sequence[Any], metadata: Sequence[Any]) -> str:
    if inner[-1] is Ellipsis:
        least = _constraints(metadata).get("min_length")
        return f"a list, each {_words(inner[0])}" + (f", {least} at least" if least else "")
    return f"a list of {len(inner)}, each {_words(inner[0])}"


def _limits(metadata: Sequence[Any]) -> str:
    found = _constraints(metadata)
    told = [f" {word} {found[name]:,}" for name, word in LIMITS.items() if name in found]
    if "pattern" in found:
        told.append(f" that matches ``{found['pattern']}``")
    if found.get("min_length"):
        told.append(", not empty")
    return "".join(told)


def _constraints(metadata: Sequence[Any]) -> Mapping[str, Any]:
    """The limits that pydantic keeps, by name, wherever it keeps them."""
    found: dict[str, Any] = {}
    for one in metadata:
        for each in one.metadata if isinstance(one, FieldInfo) else [one]:
            names = (*LIMITS, "pattern", "min_length")
            found |= {
                name: value for name in names if (value := getattr(each, name, None)) is not None
            }
    return found


def _bare(annotation: Any) -> Any:
    if get_origin(annotation) is Annotated:
        return _bare(typing.get_args(annotation)[0])
    return annotation
