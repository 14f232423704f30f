"""Makes virtual environments from a bundle's wheels: without any network, each wheel by its hash.

An environment cannot be moved, so it is made in its place. What says that it is whole is a stamp,
written last: one without a stamp was interrupted, and is made anew.
"""

import hashlib
import json
import os
import re
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

from cloudhands.common.errors import BundleError, CloudhandsError, Conflict, DeploymentError
from cloudhands.ops.bundle import host, wheels
from cloudhands.ops.bundle.host import Release
from cloudhands.ops.bundle.manifest import (
    INSTALL,
    LICENCES,
    MANIFEST,
    PYLOCK,
    REQUIREMENTS,
    SBOM,
    SIGNATURE,
    SUMS,
    WHEELS,
)
from cloudhands.ops.bundle.python import Python, environment, run
from cloudhands.ops.bundle.telling import Tell
from cloudhands.ops.bundle.verification import Bundle

SUPERVISOR = ("supervisor", "setuptools")
KEPT = (MANIFEST, REQUIREMENTS, PYLOCK, SBOM, LICENCES, INSTALL, SUMS, SIGNATURE)
COMMANDS = ("cloud-serve", "cloud-index", "cloud-burst", "cloud-admin")


def install(bundle: Bundle, release: Release, python: Python, tell: Tell) -> None:
    """Make a release, unless it is there.

    :raises Conflict: if another bundle of that version is installed.
    :raises BundleError: if a wheel is not the one that the requirements name.
    :raises DeploymentError: if it cannot be made, or does not run.
    """
    if release.is_complete:
        check_same(bundle, release)
        tell(f"{release.version} is installed already in {release.folder}.")
        return
    if release.folder.exists():
        tell(f"{release.folder} was begun and never finished: it is made anew.")
        shutil.rmtree(release.folder)
    try:
        tell(f"Making the environment {release.venv} with Python {python.version}.")
        make(bundle, release.venv, python, bundle.folder / REQUIREMENTS)
        tell(f"Keeping the wheels and sums of {release.version} in {release.bundle}.")
        _keep(bundle, release, python)
        tell(f"Trying {release.version}: its commands, and what they need of each other.")
        try_out(release, bundle)
        _stamp(release.stamp, bundle)
    except (OSError, CloudhandsError):
        # The host is to be as it was; and what it holds may be in the way, on a full disk.
        shutil.rmtree(release.folder, ignore_errors=True)
        raise


def install_supervisor(
    bundle: Bundle, folder: Path, python: Python, tell: Tell, *, is_used: bool
) -> None:
    """Make supervisord's environment, unless it is there: it outlives releases.

    :param is_used: whether a supervisord runs from it: then it is left as it is.
    :raises DeploymentError: if it cannot be made.
    """
    if has_supervisor(bundle, folder):
        return
    stamp, venv = folder / host.STAMP, folder / host.VENV
    if stamp.is_file() and is_used:
        tell(
            f"The bundle brings another supervisord. To take it: stop the one that runs, and "
            f"install {bundle.manifest.version} again."
        )
        return
    tell(f"Making the environment of supervisord, {venv}.")
    stamp.unlink(missing_ok=True)
    if venv.exists():
        shutil.rmtree(venv)
    folder.mkdir(mode=0o755, exist_ok=True)
    requirements = folder / REQUIREMENTS
    requirements.write_text(_of_supervisor(bundle), encoding="utf-8")
    make(bundle, venv, python, requirements)
    _stamp(stamp, bundle)


def has_supervisor(bundle: Bundle, folder: Path) -> bool:
    """Whether supervisord's environment is there as the bundle would make it."""
    if not (folder / host.STAMP).is_file():
        return False
    return (folder / REQUIREMENTS).read_text(encoding="utf-8") == _of_supervisor(bundle)


def make(bundle: Bundle, venv: Path, python: Python, requirements: Path) -> None:
    """Make one environment.

    :param requirements: what is installed in it, each with its hashes.
    :raises DeploymentError: with pip's words, if that fails.
    """
    run(
        "making the environment",
        [python.program, "-I", "-m", "venv", "--without-pip", venv],
        writes=venv,
    )
    own = venv / "bin" / "python"
    run(
        "installing from the bundle",
        [
            *(own, "-I", bundle.wheel("pip") / "pip"),
            *("--isolated", "--quiet", "--disable-pip-version-check", "--no-input", "install"),
            *("--no-index", "--find-links", bundle.wheels, "--only-binary", ":all:"),
            *("--no-compile", "--require-hashes", "--requirement", requirements),
        ],
        bundle.folder,
        writes=venv,
    )
    # On all cores, and without pip, which hardly ever runs. The status tells of files that are no
    # modules of this Python, such as templates: they are no matter.
    (site,) = (venv / "lib").glob("python*/site-packages")
    subprocess.run(
        [own, "-I", "-m", "compileall", "-qq", "-j", "0", "-x", "/pip/", site],
        env=environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=False,
    )


def try_out(release: Release, bundle: Bundle) -> None:
    """Ask each command for its version, and pip whether all fits together.

    :raises DeploymentError: if one does not run, or is of another version.
    """
    with ThreadPoolExecutor(len(COMMANDS)) as at_once:
        told = at_once.map(lambda one: (one, _version(release, one)), COMMANDS)
    for command, line in told:
        if bundle.manifest.version not in line.split():
            raise DeploymentError(
                f"trying {command}: it says {line!r}, and not {bundle.manifest.version}"
            )
    python = release.programs / "python"
    run("trying the environment", [python, "-I", "-m", "pip", "--isolated", "check"])


def _version(release: Release, command: str) -> str:
    return run(f"trying {command}", [release.programs / command, "--version"]).strip()


def _of_supervisor(bundle: Bundle) -> str:
    """What supervisord's environment needs, of the bundle's requirements.

    :raises BundleError: if it is not there.
    """
    text = (bundle.folder / REQUIREMENTS).read_text(encoding="utf-8")
    found = {
        wheels.normal(re.split(r"[^\w.-]", one, maxsplit=1)[0]): one
        for one in re.split(r"^(?=\w)", text, flags=re.MULTILINE)
    }
    if missing := [name for name in SUPERVISOR if name not in found]:
        raise BundleError(f"{bundle.folder / REQUIREMENTS} does not name {missing[0]}")
    return "".join(found[name] for name in SUPERVISOR)


def check_same(bundle: Bundle, release: Release) -> None:
    """Refuse another bundle of a version that is installed.

    :raises Conflict: if it is one.
    """
    if (release.bundle / SUMS).read_bytes() != bundle.text:
        raise Conflict(
            f"{release.folder} is of another bundle of the same version {release.version}: build "
            "one with a version of its own"
        )


def _keep(bundle: Bundle, release: Release, python: Python) -> None:
    """Copy what proves the release later, where the bundle is not at hand."""
    (site,) = (release.venv / "lib").glob("python*/site-packages")
    names = [folder.stem.rpartition("-") for folder in site.glob("*.dist-info")]
    there = {(wheels.normal(name), version) for name, _, version in names}
    kept = release.bundle / WHEELS
    kept.mkdir(mode=0o755, parents=True)
    for name in KEPT:
        if (bundle.folder / name).exists():
            shutil.copyfile(bundle.folder / name, release.bundle / name)
    for wheel in wheels.fitting(bundle.wheels, python.version, python.machine):
        # Others are for Pythons or machines that need more than this one.
        if (wheel.name, wheel.version) in there:
            shutil.copyfile(wheel.file, kept / wheel.file.name)
    if (release.bundle / SUMS).read_bytes() != bundle.text:
        raise BundleError(f"{bundle.folder / SUMS} was changed while it was read: begin again")


def _stamp(stamp: Path, bundle: Bundle) -> None:
    """Say that all of it is there, once it is on the disk."""
    os.sync()
    text = {
        "version": bundle.manifest.version,
        "signer": bundle.signer,
        "sums": hashlib.sha256(bundle.text).hexdigest(),
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    host.write(stamp, json.dumps(text) + "\n")
