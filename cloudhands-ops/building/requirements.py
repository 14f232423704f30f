"""requirements.txt and pylock.toml: what the bundle installs, each file with its hash."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from building.content import Content, Package
from cloudhands.ops.bundle import manifest

_HEAD = """\
# cloudhands {version}: everything that is installed from this bundle, by hash. As constraints:
#   pip install --no-index --find-links wheels --require-hashes -c requirements.txt {site}
"""


def write_requirements(content: Content) -> None:
    """Write requirements.txt: in the lock's form, with the hashes of the bundle's files alone."""
    head = _HEAD.format(version=content.manifest.version, site=content.manifest.site)
    text = head + "".join(_requirement(package) for package in content.packages)
    (content.folder / manifest.REQUIREMENTS).write_text(text, encoding="utf-8")


def write_pylock(content: Content) -> None:
    """Write pylock.toml, the standard form of a lock (PEP 751), with paths into the bundle."""
    text = "".join(_lines(content))
    (content.folder / manifest.PYLOCK).write_text(text, encoding="utf-8")


def _requirement(package: Package) -> str:
    marker = f" ; {package.marker}" if package.marker else ""
    hashes = sorted(sha256 for _, sha256 in package.files())
    lines = [f"    --hash=sha256:{each}" for each in hashes]
    return " \\\n".join([f"{package.name}=={package.version}{marker}", *lines]) + "\n"


def _lines(content: Content) -> Iterator[str]:
    about = content.manifest
    environments = [
        f"python_version == '{target.python}' and platform_machine == '{target.machine}' "
        "and sys_platform == 'linux'"
        for target in sorted(content.wheels)
    ]
    yield 'lock-version = "1.0"\n'
    yield f"environments = {_value(environments)}\n"
    yield 'requires-python = ">=3.11"\n'
    yield 'created-by = "cloudhands-ops/build.sh"\n'
    yield f"\n[tool.cloudhands]\nversion = {_value(about.version)}\n"
    yield f"revision = {_value(about.revision)}\nsite = {_value(about.site)}\n"
    for package in content.packages:
        yield f"\n[[packages]]\nname = {_value(package.name)}\n"
        yield f"version = {_value(str(package.version))}\n"
        if package.marker:
            yield f"marker = {_value(str(package.marker))}\n"
        if requires := str(package.wheels[0].requires_python):
            yield f"requires-python = {_value(requires)}\n"
        for path, sha256 in package.files():
            key = "[[packages.wheels]]" if path.endswith(".whl") else "[packages.sdist]"
            yield f"{key}\nname = {_value(Path(path).name)}\npath = {_value(path)}\n"
            yield f"size = {(content.folder / path).stat().st_size}\n"
            yield f"hashes = {{ sha256 = {_value(sha256)} }}\n"


def _value(value: Any) -> str:
    """A string or a list of them in TOML, which writes them as JSON does."""
    return json.dumps(value, ensure_ascii=False)
