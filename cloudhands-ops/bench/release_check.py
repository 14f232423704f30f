#!/usr/bin/env python
"""Tries a bundle as it is used: for `check.sh`, and with --long for `check.sh --bundle`.

The bundle is built and deployed where there is no network, starts a portal, says what it is, and
what was tampered with is refused. --long builds twice, from two clones, and compares; deploys with
each Python that is there; upgrades and goes back while people are at work.

Exit status: 0 all of it is as it should be; 1 something is not; 2 it cannot be tried here.
"""

import argparse
import os
import re
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import release_killed
import release_offline
from release_builds import (
    MACHINE,
    ROOT,
    Builder,
    Bundle,
    Failed,
    Keys,
    add_next_release,
    clones,
    differing,
    pythons,
)
from release_host import NAME, PASSWORD, TITLE, UID, Host
from release_load import Told, at_work, together
from release_tampering import Tampering, refused

from cloudhands.ops.demo.directory import SignIn

REQUESTS = 2_000
SHOWN = 5
HERE = f"{sys.version_info[0]}.{sys.version_info[1]}"


def main(argv: Sequence[str] | None = None) -> int:
    """The command's entry point."""
    options = _parser().parse_args(argv)
    if not release_offline.is_inside():
        if not release_offline.possible():
            print("release_check: this user may make no network namespace (unshare --net)")
            return 2
        return release_offline.run_again([__file__, *(sys.argv[1:] if argv is None else argv)])
    release_offline.enter()
    with TemporaryDirectory(prefix="ch-", dir="/tmp", ignore_cleanup_errors=True) as folder:
        check = Check(Path(folder), options.vendor_folder)
        try:
            check.long() if options.long else check.short()
        except Failed as error:
            print(f"release_check: {error}", file=sys.stderr)
            return 1
    return 0


class Check:
    """One run.

    :param folder: an empty one, whose path is short.
    :param vendor: the vendor folder, which has been filled.
    """

    def __init__(self, folder: Path, vendor: Path) -> None:
        self._folder = folder
        self._keys = Keys(folder / "keys").make()
        self._builder = Builder(vendor, self._keys)

    def short(self) -> None:
        """One bundle, of the work tree as it is, for this Python.

        :raises Failed: if something is not as it should be.
        """
        options = ("--novenv", "--nomanual", "--allow-dirty", "--python", HERE)
        with _step(f"building for Python {HERE}"):
            output = self._folder / "dist"
            bundle = self._builder.build(ROOT, output, *options, "--platform", MACHINE)
        with self._deployed(bundle, sys.executable, "0") as host:
            self._tamper(bundle, host, sys.executable, every=False)

    def long(self) -> None:
        """Everything.

        :raises Failed: if something is not as it should be.
        """
        found = pythons()
        first, second = self._built_twice()
        for number, (version, python) in enumerate(found.items()):
            with self._deployed(first, python, str(number)) as host:
                if version == min(found):
                    self._tamper(first, host, python, every=True)
        if len(found) < len(("3.11", "3.12", "3.13")):
            print(f"     these Pythons alone are here: {', '.join(found)}")
        coming = self._next_release()
        python = next(iter(found.values()))
        with self._deployed(second, python, "r") as host:
            show(upgraded_and_back(host, coming.unpack(self._folder / "next"), python))
        with self._deployed(second, python, "k") as host, _step("killed at each step"):
            kills = release_killed.everywhere(host, self._folder / "next" / coming.name, python)
            print(
                f"     {kills.count} times, at {len(kills.lines)} steps; asked "
                f"{kills.asked.total():,} times meanwhile, the portal served each time"
            )

    def _built_twice(self) -> tuple[Bundle, Bundle]:
        made = []
        for tree in clones(self._folder / "one", self._folder / "two"):
            with _step(f"building clone {tree.name}"):
                made.append(self._builder.build(tree, self._folder / f"dist-{tree.name}"))
        with _step("comparing the two"):
            if different := differing(made[0], made[1], self._folder / "compared"):
                raise Failed(
                    f"two builds of one commit differ in {len(different)} files: "
                    f"{', '.join(different[:SHOWN])}"
                )
        return made[0], made[1]

    def _next_release(self) -> Bundle:
        with _step("building the next release"):
            add_next_release(self._folder / "two")
            options = ("--nomanual", "--platform", MACHINE)
            return self._builder.build(self._folder / "two", self._folder / "coming", *options)

    @contextmanager
    def _deployed(self, bundle: Bundle, python: str, name: str) -> Iterator[Host]:
        """A host with a running portal."""
        host = Host.make(self._folder / f"h{name}", self._keys.signers)
        unpacked = bundle.unpack(self._folder / "unpacked")
        try:
            with _step(f"deploying without a network: {python}"):
                host.deploy(unpacked, python)
            with _step("what is installed"):
                prove(host, bundle)
            yield host
        finally:
            host.shut_down()

    def _tamper(self, bundle: Bundle, host: Host, python: str, *, every: bool) -> None:
        place = self._folder / "tampered"
        place.mkdir()
        unpacked = self._folder / "unpacked" / bundle.file.stem
        with _step("what was tampered with"):
            tampering = Tampering(bundle, unpacked, place)
            for name, line in refused(tampering, host, python, every=every):
                print(f"     {name}: {_without_folders(line)}")


def prove(host: Host, bundle: Bundle) -> None:
    """The portal answers, each command tells version and revision, and all is as it was built.

    :raises Failed: if not.
    """
    if not host.is_ready():
        raise Failed("the portal is deployed, and does not say that it is ready")
    for said in host.versions():
        if bundle.version not in said or "revision" not in said:
            raise Failed(f"--version says {said!r}, and not {bundle.version} with its revision")
    host.admin("bundle", "verify-installed", "--dir", host.releases)


def upgraded_and_back(host: Host, coming: Path, python: str) -> Told:
    """Deploy the next release and go back, until people at work have asked often enough.

    :param coming: the next release, unpacked.
    :raises Failed: if a step fails.
    """
    host.let_somebody_in()
    with at_work(host.address, SignIn(NAME, UID, PASSWORD), TITLE) as told:
        with _step("upgrading under load"):
            host.deploy(coming, python)
        with _step("going back under load"):
            host.admin("bundle", "rollback", "--dir", host.releases)
        while together(told).requests < REQUESTS and not together(told).failures:
            time.sleep(0.1)
    return together(told)


def show(told: Told) -> None:
    """Print what people met.

    :raises Failed: if one of their requests failed.
    """
    print(
        f"     {told.requests:,} requests, {told.written:,} of them wrote, {len(told.failures)} "
        f"failed, the longest answer took {told.longest:.2f} s"
    )
    if told.failures:
        raise Failed("\n".join(told.failures[:10]))


def _without_folders(line: str) -> str:
    """What a person reads of it: the folders are this run's own."""
    return re.sub(r"(?<!\S)'?/\S*/(?=[^/\s])", "", line)


@contextmanager
def _step(name: str) -> Iterator[None]:
    began = time.monotonic()
    yield
    print(f"{time.monotonic() - began:5.1f} s  {name}", flush=True)


def _parser() -> argparse.ArgumentParser:
    arguments = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument("--long", action="store_true", help="everything; some minutes")
    arguments.add_argument(
        "--vendor-folder",
        type=Path,
        default=ROOT / ".vendor",
        metavar="DIR",
        help=argparse.SUPPRESS,
    )
    return arguments


if __name__ == "__main__":
    os.umask(0o022)
    sys.exit(main())
