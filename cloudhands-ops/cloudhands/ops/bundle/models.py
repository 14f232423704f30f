"""The settings that a release knows, read from the text of its model without running it."""

import ast
from collections.abc import Iterable, Iterator, Mapping

ROOT = "Settings"


def settings_of(texts: Iterable[str]) -> Mapping[str, str]:
    """Each setting's type and default, as the model writes them, by its key in the settings file.

    :param texts: of the modules of `cloudhands.common.settings`.
    """
    statements = [one for text in texts for one in ast.parse(text).body]
    classes = {one.name: one for one in statements if isinstance(one, ast.ClassDef)}
    return dict(_fields(ROOT, "", classes)) if ROOT in classes else {}


def _fields(
    name: str, prefix: str, classes: Mapping[str, ast.ClassDef]
) -> Iterator[tuple[str, str]]:
    for one in classes[name].body:
        if not (isinstance(one, ast.AnnAssign) and isinstance(one.target, ast.Name)):
            continue
        key = f"{prefix}{one.target.id}"
        table = _table(one.annotation, classes)
        if table is None:
            default = f" = {ast.unparse(one.value)}" if one.value else ""
            yield key, f"{ast.unparse(one.annotation)}{default}"
        else:
            named, is_mapping = table
            yield from _fields(named, f"{key}.NAME." if is_mapping else f"{key}.", classes)


def _table(annotation: ast.expr, classes: Mapping[str, ast.ClassDef]) -> tuple[str, bool] | None:
    """The table that a field is, and whether there is one for each name."""
    found = [
        node.id
        for node in ast.walk(annotation)
        if isinstance(node, ast.Name) and node.id in classes
    ]
    if len(found) != 1:
        return None
    words = {node.id for node in ast.walk(annotation) if isinstance(node, ast.Name)}
    return found[0], bool(words & {"Mapping", "dict"})
