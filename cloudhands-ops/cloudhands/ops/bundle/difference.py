"""What is different in another bundle: read from both, and nothing of either is run.

A `Content` is one bundle's facts, by the kind of fact; two of them are compared key by key.
"""

import ast
import json
import re
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cloudhands.common.errors import BundleError
from cloudhands.ops.bundle import verification, wheels
from cloudhands.ops.bundle.host import Host
from cloudhands.ops.bundle.manifest import REQUIREMENTS, SBOM, WHEELS, Manifest
from cloudhands.ops.bundle.models import settings_of
from cloudhands.ops.bundle.sums import AGAIN

KINDS = ("versions", "dependencies", "migrations", "settings", "licences")
MIGRATIONS = "cloudhands/common/migrations/versions/"
SETTINGS = "cloudhands/common/settings/"
OURS = "cloudhands-"
_PINNED = re.compile(r"^([\w.-]+)==([^\s;\\]+)", re.MULTILINE)

Facts = Mapping[str, str]
Content = Mapping[str, Facts]


@dataclass(frozen=True)
class Change:
    """One fact that differs; None where there is none."""

    name: str
    before: str | None
    after: str | None


@dataclass(frozen=True)
class Difference:
    """What differs between two bundles, by its kind."""

    before: str
    after: str
    changes: Mapping[str, list[Change]]


def between(host: Host, before: str, after: str) -> Difference:
    """Compare two bundles.

    :param before: a bundle's tar file or folder, or the version of a release on the host.
    :param after: likewise.
    :raises BundleError: if one is no bundle.
    :raises NotFound: if one is neither there nor installed.
    """
    with ExitStack() as stack:
        folders = [
            stack.enter_context(verification.opened(_place(host, one))) for one in (before, after)
        ]
        first, second = (content(folder) for folder in folders)
        names = [Manifest.read(folder).version for folder in folders]
    changes = {kind: list(_changes(first[kind], second[kind])) for kind in KINDS}
    return Difference(names[0], names[1], changes)


def _place(host: Host, name: str) -> Path:
    path = Path(name)
    return path if path.exists() else host.finished(name).bundle


def _changes(before: Facts, after: Facts) -> Iterator[Change]:
    for name in sorted(before.keys() | after.keys()):
        if before.get(name) != after.get(name):
            yield Change(name, before.get(name), after.get(name))


def content(folder: Path) -> Content:
    """The facts of an unpacked bundle.

    :raises BundleError: if it is none.
    """
    manifest = Manifest.read(folder)
    try:
        with _common(folder) as common:
            return {
                "versions": _versions(manifest),
                "dependencies": _dependencies(folder),
                "migrations": dict(_migrations(common)),
                "settings": settings_of(_modules(common, SETTINGS)),
                "licences": dict(_licences(folder)),
            }
    except (zipfile.BadZipFile, ValueError, SyntaxError) as error:
        raise BundleError(f"{folder} is not as it was built ({error}): {AGAIN}") from error


def _common(folder: Path) -> zipfile.ZipFile:
    found = sorted((folder / WHEELS).glob("cloudhands_common-*.whl"))
    if not found:
        raise BundleError(f"{folder / WHEELS} holds no wheel of cloudhands-common")
    return zipfile.ZipFile(found[0])


def _modules(wheel: zipfile.ZipFile, folder: str) -> Iterator[str]:
    for name in sorted(wheel.namelist()):
        if name.startswith(folder) and name.endswith(".py"):
            yield wheel.read(name).decode("utf-8")


def _versions(manifest: Manifest) -> Facts:
    made = datetime.fromtimestamp(manifest.epoch, UTC).isoformat()
    return {
        "version": manifest.version,
        "revision": manifest.revision,
        "committed": made,
        "site": manifest.site,
        "pythons": " ".join(manifest.pythons),
        "platforms": " ".join(manifest.platforms),
        "glibc": manifest.glibc,
        "database": manifest.schema,
    }


def _dependencies(folder: Path) -> Facts:
    found: dict[str, set[str]] = {}
    # Not the wheels: of an installed release only those of its host are kept.
    text = (folder / REQUIREMENTS).read_text(encoding="utf-8")
    for name, version in _PINNED.findall(text):
        if not name.startswith(OURS):
            found.setdefault(wheels.normal(name), set()).add(version)
    return {name: " ".join(sorted(versions)) for name, versions in found.items()}


def _migrations(common: zipfile.ZipFile) -> Iterator[tuple[str, str]]:
    for name in sorted(common.namelist()):
        number = name.removeprefix(MIGRATIONS)[:4]
        if not (name.startswith(MIGRATIONS) and name.endswith(".py") and number.isdecimal()):
            continue
        module = ast.parse(common.read(name))
        purpose = (ast.get_docstring(module) or "").partition("\n")[0]
        raised = "oldest_code" in _assigned(module)
        yield number, f"{purpose}{' Older code cannot use the database then.' if raised else ''}"


def _assigned(module: ast.Module) -> set[str]:
    targets = (
        target for one in module.body if isinstance(one, ast.Assign) for target in one.targets
    )
    return {target.id for target in targets if isinstance(target, ast.Name)}


def _licences(folder: Path) -> Iterator[tuple[str, str]]:
    try:
        found = json.loads((folder / SBOM).read_text(encoding="utf-8"))
        for one in found.get("components", []):
            told = [
                each.get("expression") or each["license"].get("id") or each["license"]["name"]
                for each in one.get("licenses", [])
            ]
            yield wheels.normal(one["name"]), ", ".join(sorted(told))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise BundleError(f"{folder / SBOM} cannot be read: {error!r}") from error


def as_json(found: Difference) -> Mapping[str, Any]:
    """For a script."""
    changes = {
        kind: [{"name": one.name, "before": one.before, "after": one.after} for one in changes]
        for kind, changes in found.changes.items()
    }
    return {"before": found.before, "after": found.after, **changes}


def lines(found: Difference) -> list[str]:
    """For a person."""
    told = [f"From {found.before} to {found.after}:"]
    for kind, changes in found.changes.items():
        told.append(f"{kind}: {len(changes) or 'no'} change{'' if len(changes) == 1 else 's'}")
        told += [f"  {_line(change)}" for change in changes]
    return told


def _line(change: Change) -> str:
    if change.before is None:
        return f"+ {change.name}: {change.after}"
    if change.after is None:
        return f"- {change.name}: {change.before}"
    return f"  {change.name}: {change.before} -> {change.after}"
