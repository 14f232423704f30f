"""The virtual environment in which bundles are made: from the vendor's wheels, by their hashes."""

import os
import re
import subprocess
import sys
from pathlib import Path

from building import vendor
from building.saying import in_words, say
from cloudhands.common.errors import ConfigurationError

LOCK = Path("requirements", "building.txt")
BUNDLE_LOCK = Path("requirements", "bundle.txt")


def offline(folder: Path, root: Path, wheels: Path) -> Path:
    """Make the environment without a network; returns its Python.

    :param wheels: the vendor folder.
    :raises ConfigurationError: if it has not what this Python needs.
    """
    pip = _pip(root, wheels)
    python = _make(folder, "--without-pip")
    say("Installing the tools for building")
    run = [str(python), "-I", f"{pip}/pip", "--isolated", "install", "--no-index"]
    options = ["--no-compile", "--no-cache-dir", "--find-links", str(wheels), "--require-hashes"]
    _run(
        [*run, "--quiet", "--disable-pip-version-check", *options, "-r", str(root / LOCK)],
        f"{wheels} has not the tools for building with this Python: build.sh --vendor fetches them",
        PIP_CONFIG_FILE=os.devnull,  # "--isolated" still reads the whole machine's
    )
    return python


def _pip(root: Path, wheels: Path) -> Path:
    """The wheel of pip that the lock names. It runs from then on: no other may."""
    named = _pin(root / BUNDLE_LOCK, "pip")
    for wheel in sorted(wheels.glob("pip-*.whl")):
        if vendor.sha256(wheel) in named:
            return wheel
    raise ConfigurationError(
        f"{wheels} lacks the wheel of pip that {BUNDLE_LOCK} names: fetch it with build.sh --vendor"
    )


def online(folder: Path, root: Path) -> Path:
    """Make the environment for fetching; returns its Python.

    :raises ConfigurationError: if pip cannot fetch.
    """
    python = _make(folder)
    wanted = folder / "fetching.txt"
    wanted.write_text(_pin(root / LOCK, "packaging") + _pin(root / BUNDLE_LOCK, "pip"))
    pip = [str(python), "-P", "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    _run([*pip, "--require-hashes", "-r", str(wanted)], "pip cannot fetch")
    return python


def _pin(lock: Path, name: str) -> str:
    """A lock's lines for one package: nothing that could read a lock is there yet."""
    text = lock.read_text(encoding="utf-8")
    found = re.search(rf"^{name}==(?:.*\\\n)*.*\n", text, re.MULTILINE)
    if found is None:
        raise ConfigurationError(f"{lock} does not name {name}: run requirements/compile.sh")
    return found[0]


def _make(folder: Path, *options: str) -> Path:
    _run([sys.executable, "-I", "-m", "venv", *options, str(folder)], "no virtual environment")
    return folder / "bin" / "python"


def _run(command: list[str], failure: str, **environment: str) -> None:
    environ = {**os.environ, "LC_ALL": "C.UTF-8", **environment}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environ)
    if done.returncode:
        raise ConfigurationError(f"{failure} ({in_words(done.stdout + done.stderr)})")
