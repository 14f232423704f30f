"""For the tests of building: wheels with nothing in them, and a repository that names them."""

import shutil
import subprocess
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from packaging.utils import canonicalize_name

from building import locks, vendor

ROOT = Path(__file__).resolve().parents[2]
PURE = "py3-none-any"
# What a bundle is built from; without the manual, whose parts need every dependency.
_TAKEN = ("LICENSE", "VERSION", ".gitattributes", ".gitignore", "requirements", "tools")
_PARTS = ("common", "web", "burst", "ops", "jasmin")
_NOT_TAKEN = ("__pycache__", "*.egg-info", "build", "tests", "bench", "docs")
_NOW = (2026, 1, 1, 0, 0, 0)


def write_wheel(
    folder: Path,
    name: str,
    version: str,
    tag: str = PURE,
    *,
    requires: Iterable[str] = (),
    fields: Mapping[str, str] | None = None,
    files: Mapping[str, str] | None = None,
) -> Path:
    """Write a wheel; the same one has the same bytes.

    :param requires: what it requires, a line each.
    :param fields: more of its metadata.
    :param files: more files in its .dist-info folder.
    """
    stem = f"{name.replace('-', '_')}-{version}"
    lines = ["Metadata-Version: 2.4", f"Name: {name}", f"Version: {version}"]
    lines += [f"{key}: {value}" for key, value in (fields or {}).items()]
    lines += [f"Requires-Dist: {each}" for each in requires]
    info = {
        "METADATA": "\n".join(lines) + "\n",
        "WHEEL": f"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: {tag}\n",
        "RECORD": "",
        **(files or {}),
    }
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{stem}-{tag}.whl"
    with zipfile.ZipFile(file, "w") as archive:
        for path, text in info.items():
            archive.writestr(zipfile.ZipInfo(f"{stem}.dist-info/{path}", _NOW), text)
    return file


def write_lock(
    file: Path, wheels: Sequence[Path], markers: Mapping[str, str] | None = None
) -> Path:
    """Write a lock that names these wheels.

    :param markers: by the name of the distribution.
    """
    found: dict[tuple[str, str], list[str]] = {}
    for wheel in wheels:
        name, version, *_ = wheel.name.split("-")
        found.setdefault((canonicalize_name(name), version), []).append(vendor.sha256(wheel))
    text = ""
    for (name, version), hashes in sorted(found.items()):
        marker = f" ; {markers[name]}" if markers and name in markers else ""
        lines = [f"{name}=={version}{marker}", *(f"    --hash=sha256:{each}" for each in hashes)]
        text += " \\\n".join(lines) + "\n    # via test\n"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    return file


def git(folder: Path, *arguments: str) -> str:
    """Run git as nobody in particular, whatever is configured."""
    who = ["-c", "user.name=Test", "-c", "user.email=test@example.org"]
    return subprocess.run(
        ["git", *who, "-C", folder, *arguments], check=True, capture_output=True, text=True
    ).stdout.strip()


def commit(folder: Path) -> str:
    """Make a repository of a folder, or one more commit in it; returns the commit."""
    if not (folder / ".git").exists():
        git(folder, "init", "-q", "-b", "main")
    git(folder, "add", "--all")
    git(folder, "commit", "-q", "--allow-empty", "-m", "A commit")
    return git(folder, "rev-parse", "HEAD")


def copy_repository(folder: Path, vendor_folder: Path) -> None:
    """Copy this repository as it is now; its locks name wheels with nothing in them.

    :param vendor_folder: where these wheels are written.
    """
    for name in _TAKEN:
        source = ROOT / name
        copy = shutil.copytree if source.is_dir() else shutil.copy
        copy(source, folder / name)
    for part in _PARTS:
        shutil.copytree(
            ROOT / f"cloudhands-{part}",
            folder / f"cloudhands-{part}",
            symlinks=True,
            ignore=shutil.ignore_patterns(*_NOT_TAKEN),
        )
    lock = folder / "requirements" / "bundle.txt"
    named = [each for each in locks.read(lock) if each.marker is None]
    extras = {"psycopg": {"Provides-Extra": "binary"}}
    wheels = [
        write_wheel(vendor_folder, each.name, str(each.version), fields=extras.get(each.name))
        for each in named
    ]
    write_lock(lock, wheels)
    write_lock(folder / "requirements" / "building.txt", [])
    commit(folder)
