"""Makes a bundle, in the environment that has what this needs."""

import sys
import time
from collections.abc import Sequence
from pathlib import Path

from building import (
    asking,
    distributions,
    environment,
    filling,
    locks,
    place,
    revision,
    saying,
    selection,
    sums,
    tars,
    tools,
    vendor,
    versions,
    wheels,
)
from building.asking import Asked
from building.content import Content, packages_of
from building.distributions import Built
from building.revision import Revision
from building.saying import say
from building.selection import Chosen
from building.targets import Target, glibc_of
from cloudhands.ops.bundle import manifest
from cloudhands.ops.bundle.manifest import Manifest

_ROOT = Path(__file__).resolve().parents[2]
_MIGRATIONS = Path("cloudhands-common/cloudhands/common/migrations/versions")

ByTarget = dict[Target, list[Chosen]]


def main(argv: Sequence[str]) -> int:
    """Make what is asked for in the scratch folder, which is the first argument."""
    scratch, *options = argv
    asked = asking.parse(_ROOT, options)
    return saying.run(lambda: make(asked, Path(scratch)), inner=True)


def make(asked: Asked, scratch: Path) -> None:
    """Make a bundle and put it into its place.

    :raises ConfigurationError: if it cannot be made; what was in its place is still there.
    """
    began = time.monotonic()
    built = revision.read(asked.root, scratch, allow_dirty=asked.allow_dirty)
    tree = scratch / "tree"
    revision.export(asked.root, built, tree, scratch)
    written = (tree / "VERSION").read_text(encoding="utf-8").strip()
    version = versions.version_of(asked.root, built, written)
    say(f"cloudhands {version}, revision {built.commit}")
    tools.check(tree)
    chosen = _choose(asked, tree)

    folder = scratch / (manifest.PREFIX + version)
    for name in manifest.FOLDERS:
        (folder / name).mkdir(parents=True)
    distributions.prepare(tree, version, built.commit)
    say("Building our own distributions")
    ours = distributions.build(tree, asked.site, folder, scratch, built.epoch)
    content = _content(folder, _manifest(asked, built, version, ours, chosen, tree), ours, chosen)
    filling.write_lists(content)
    filling.write_instructions(content, tree)
    if asked.manual:
        filling.write_manual(content, tree, ours, scratch)
    sums.write(folder)
    signers = sums.sign(folder, asked.key) if asked.key else None
    part = scratch / "bundle.tar"
    tars.write(folder, part, built.epoch)
    file = asked.output / f"{folder.name}.tar"
    place.publish(part, file)
    _tell(file, content, signers, time.monotonic() - began)


def _choose(asked: Asked, tree: Path) -> ByTarget:
    targets = [Target(python, machine) for python in asked.pythons for machine in asked.machines]
    found = vendor.read(asked.vendor_folder)
    vendor.refuse_foreign(found, tools.known(tree))
    return selection.choose(found, locks.read(tree / environment.BUNDLE_LOCK), targets)


def _manifest(
    asked: Asked,
    built: Revision,
    version: str,
    ours: Sequence[Built],
    chosen: ByTarget,
    tree: Path,
) -> Manifest:
    migrations = sorted(file.name for file in (tree / _MIGRATIONS).glob("[0-9]*.py"))
    return Manifest(
        version=version,
        revision=built.commit,
        site=ours[-1].wheel.name,
        epoch=built.epoch,
        pythons=asked.pythons,
        platforms=asked.machines,
        glibc=glibc_of(wheel.file.name for each in chosen.values() for wheel in each),
        schema=migrations[-1][:4],
        dirty=built.dirty,
    )


def _content(folder: Path, about: Manifest, ours: Sequence[Built], chosen: ByTarget) -> Content:
    """Take the vendor's wheels, and gather everything."""
    every = {wheel.file.name: wheel for each in chosen.values() for wheel in each}
    filling.take(list(every.values()), folder)
    read = {name: wheels.read(wheel.file, wheel.sha256) for name, wheel in every.items()}
    own = [each.wheel for each in ours]
    by_target = {
        target: own + [read[wheel.file.name] for wheel in each] for target, each in chosen.items()
    }
    markers = {
        (each.locked.name, each.locked.version): each.locked.marker for each in every.values()
    }
    sdists = {each.wheel.name: each.sdist for each in ours if each.sdist}
    return Content(folder, about, packages_of(by_target, markers, sdists), by_target)


def _tell(file: Path, content: Content, signers: str | None, seconds: float) -> None:
    about = content.manifest
    count = sum(len(package.wheels) for package in content.packages)
    say(f"{file}: {file.stat().st_size / 1e6:.1f} MB, {count} wheels, in {seconds:.1f} s")
    say(f"  SHA-256 {vendor.sha256(file)}")
    say(f"  for Linux with glibc {about.glibc} or later")
    for target in sorted(content.wheels):
        say(f"  {target}{'' if target.tried else ': resolved by name and hash, not run here'}")
    if signers:
        say("  signed; hosts verify it with this line of their allowed_signers:")
        say(f"  {signers}")
    else:
        say("  not signed: hosts refuse it unless they are told not to")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
