#!/usr/bin/env python
"""How long a release takes to build and to deploy, and what people notice when it is.

Two clones of this repository are built for every Python and platform, from wheels that have been
fetched (build.sh --vendor), and compared byte by byte; one for this Python and platform alone is
weighed and deployed, where there is no network. Then the next release, which brings a migration,
is deployed while people read and write in the portal, behind nginx and under supervisord, and
taken back.

Exit status: 0 measured; 1 a target is missed, with --check; 2 it cannot be measured here.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import release_offline
from harness import report
from harness.report import Figure, Figures, Goal
from release_builds import MACHINE, ROOT, Builder, Bundle, Failed, Keys, add_next_release, clones
from release_check import HERE, upgraded_and_back
from release_host import Host
from release_load import Told

GOALS = (
    Goal("build_s", "building for every Python and platform, wheels fetched", at_most=30),
    Goal("deploy_s", "from the unpacked bundle to a running portal, offline", at_most=30),
    Goal("bundle_mb", "a bundle for one Python and platform", at_most=60),
    Goal("requests", "asked while a release is deployed and taken back", at_least=2_000),
    Goal("failed_requests", "of these", at_most=0),
    Goal("sdists_identical", "the sdists of two clones, byte by byte (1: yes)", at_least=1),
    Goal("bundle_identical", "the bundles of two clones, byte by byte (1: yes)", at_least=1),
)
ONE = ("--python", HERE, "--platform", MACHINE)


def main(argv: Sequence[str] | None = None) -> int:
    """The command's entry point."""
    given = sys.argv[1:] if argv is None else list(argv)
    options = _parser().parse_args(given)
    if not release_offline.is_inside():
        if busy := report.busy():
            print(busy, file=sys.stderr)
        if release_offline.possible():
            return release_offline.run_again([__file__, *given])
        print("This user may make no network namespace (unshare --net).", file=sys.stderr)
        return 2
    release_offline.enter()
    try:
        with TemporaryDirectory(prefix="ch-", dir="/tmp", ignore_cleanup_errors=True) as folder:
            figures = measure(Path(folder), options.vendor_folder, quick=options.quick)
    except Failed as error:
        print(error, file=sys.stderr)
        return 2
    print((report.as_json if options.json else report.table)(GOALS, figures))
    return 1 if options.check and not report.all_met(GOALS, figures) else 0


def measure(folder: Path, vendor: Path, *, quick: bool) -> Figures:
    """Every figure.

    :param folder: an empty one with a short path.
    :param quick: build for this Python and platform only, without a fresh environment or manual.
    :raises Failed: if something cannot be built or deployed.
    """
    keys = Keys(folder / "keys").make()
    builder = Builder(vendor, keys)
    options = (*ONE, "--novenv", "--nomanual") if quick else ()
    trees = clones(folder / "one", folder / "two")
    python = sys.executable if quick else sys._base_executable
    both = [
        builder.build(tree, folder / f"dist-{tree.name}", *options, python=python) for tree in trees
    ]
    one = both[0] if quick else builder.build(trees[0], folder / "dist-alone", *ONE, "--novenv")
    add_next_release(trees[1])
    coming = builder.build(trees[1], folder / "coming", *ONE, "--novenv", "--nomanual")
    seconds, told = _deployed(folder, keys, one, coming)
    return {
        "build_s": Figure(min(each.seconds for each in both), _spread(both)),
        "deploy_s": Figure(seconds, f"Python {HERE}."),
        "bundle_mb": Figure(one.file.stat().st_size / 1e6, f"Python {HERE} on {MACHINE}."),
        "requests": Figure(told.requests, f"{told.written} of them wrote."),
        "failed_requests": Figure(len(told.failures), _pause(told)),
        "sdists_identical": Figure(float(_sdists(both, folder))),
        "bundle_identical": Figure(float(_are_same(both))),
    }


def _deployed(folder: Path, keys: Keys, one: Bundle, coming: Bundle) -> tuple[float, Told]:
    host = Host.make(folder / "host", keys.signers)
    try:
        seconds = host.deploy(one.unpack(folder / "unpacked"), sys.executable)
        told = upgraded_and_back(host, coming.unpack(folder / "unpacked"), sys.executable)
    finally:
        host.shut_down()
    return seconds, told


def _spread(both: Sequence[Bundle]) -> str:
    return f"Two clones: {', '.join(f'{each.seconds:.1f}' for each in both)} s."


def _pause(told: Told) -> str:
    first = f" The first: {told.failures[0]}." if told.failures else ""
    return f"The longest answer took {told.longest:.2f} s.{first}"


def _are_same(both: Sequence[Bundle]) -> bool:
    return both[0].file.read_bytes() == both[1].file.read_bytes()


def _sdists(both: Sequence[Bundle], folder: Path) -> bool:
    found = []
    for number, each in enumerate(both):
        sdists = (each.unpack(folder / f"compared-{number}") / "sdists").iterdir()
        found.append({file.name: file.read_bytes() for file in sdists})
    return found[0] == found[1] and len(found[0]) == len(list(ROOT.glob("cloudhands-*/setup.py")))


def _parser() -> argparse.ArgumentParser:
    arguments = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument("--json", action="store_true", help="print one JSON object")
    arguments.add_argument("--quick", action="store_true", help="build for this Python only")
    arguments.add_argument("--check", action="store_true", help="exit 1 if a target is missed")
    arguments.add_argument(
        "--vendor-folder",
        type=Path,
        default=ROOT / ".vendor",
        metavar="DIR",
        help="what build.sh --vendor has filled (default: .vendor)",
    )
    return arguments


if __name__ == "__main__":
    os.umask(0o022)
    sys.exit(main())
