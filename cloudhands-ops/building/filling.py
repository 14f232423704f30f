"""Puts into a bundle what is none of our distributions: vendor's wheels, lists, text, manual."""

import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from string import Template

from building import closure, licences, manual, requirements, sbom
from building.content import Content
from building.distributions import Built
from building.saying import say
from building.selection import Chosen
from building.targets import Target
from cloudhands.common.errors import ConfigurationError
from cloudhands.ops.bundle import manifest

_INSTALL = Path(__file__).with_name(manifest.INSTALL)


def take(chosen: Sequence[Chosen], folder: Path) -> None:
    """Put the vendor's wheels into the bundle, without a copy where the file system can."""
    for wheel in chosen:
        place = folder / manifest.WHEELS / wheel.file.name
        try:
            os.link(wheel.file, place)
        except OSError:
            shutil.copyfile(wheel.file, place)


def write_lists(content: Content) -> None:
    """Write the lists of what is in the bundle.

    :raises ConfigurationError: if it is not whole.
    """
    ours = [package.name for package in content.packages if package.sdist]
    edges = closure.follow(content.manifest.site, content.wheels, ours)
    requirements.write_requirements(content)
    requirements.write_pylock(content)
    sbom.write(content, edges)
    licences.write(content)
    content.manifest.write(content.folder)
    for each in licences.unstated(content):
        say(f"  {each} states no licence: look at it")


def write_instructions(content: Content, tree: Path) -> None:
    """Write INSTALL.txt and put deploy.sh beside it.

    :raises ConfigurationError: if the revision has no deploy.sh.
    """
    about = content.manifest
    untried = [target for target in sorted(content.wheels) if not target.tried]
    text = Template(_INSTALL.read_text(encoding="utf-8")).substitute(
        version=about.version,
        revision=about.revision,
        folder=about.folder,
        pythons=", ".join(about.pythons),
        platforms=", ".join(about.platforms),
        glibc=about.glibc,
        untried=_untried(untried),
    )
    (content.folder / manifest.INSTALL).write_text(text, encoding="utf-8")
    script = tree / "cloudhands-ops" / manifest.DEPLOY
    if not script.is_file():
        raise ConfigurationError(f"the revision has no cloudhands-ops/{manifest.DEPLOY}")
    shutil.copy(script, content.folder / manifest.DEPLOY)


def write_manual(content: Content, tree: Path, ours: Sequence[Built], scratch: Path) -> None:
    """Build the manual, if the revision has one.

    :raises ConfigurationError: if it has a fault.
    """
    if not (tree / manual.SOURCE / "conf.py").is_file():
        return
    say("Building the manual")
    installed = scratch / "installed"
    manual.install([each.wheel.file for each in ours], installed)
    folder = content.folder / manifest.MANUAL
    manual.build(tree, installed, folder, scratch, content.manifest)


def _untried(targets: Sequence[Target]) -> str:
    if not targets:
        return ""
    machines = ", ".join(sorted({target.machine for target in targets}))
    return (
        f"For {machines} the wheels were chosen by their names and hashes, and never run here: try "
        "the release on\na host of that kind before people rely on it.\n"
    )
