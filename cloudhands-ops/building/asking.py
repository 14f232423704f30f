"""What can be asked of build.sh: its options, and what is wrong with them."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

PYTHONS = ("3.11", "3.12", "3.13")
MACHINES = ("x86_64", "aarch64")
# The machines on which check.sh runs what is built; for the others wheels are resolved and no more.
TRIED = ("x86_64",)

DESCRIPTION = """\
Builds a release's bundle, cloudhands-<version>.tar, from the commit that is checked out. It needs
no network: the vendor's wheels are fetched before, once, with --vendor."""
EPILOG = """\
The version is that of the tag (v1.2.0) on the commit, which VERSION must say too; between tags it
is X.Y.Z.devN+g<commit>. Hosts verify the signature with the line for "allowed_signers" that is
printed at the end.

PYTHON names the interpreter (default: python3). Exit status: 0 built, 1 not built, 2 a wrong
option."""


@dataclass(frozen=True)
class Asked:
    """What one run is to do; every path is absolute.

    :param root: the work tree.
    :param key: the private key that signs; None with `--nosign`.
    :param site: another site package's folder or wheel; None: our own.
    """

    root: Path
    vendor: bool
    vendor_folder: Path
    output: Path
    pythons: tuple[str, ...]
    machines: tuple[str, ...]
    site: Path | None
    key: Path | None
    venv: bool
    manual: bool
    allow_dirty: bool


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        message = message.replace("unrecognized arguments", "unknown option")
        self.exit(2, f"{self.prog}: {message} (try --help)\n")


def _path(text: str) -> Path:
    if not text:
        raise argparse.ArgumentTypeError("it is empty: name a file or a folder")
    return Path(text)


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="build.sh",
        description=DESCRIPTION,
        epilog=EPILOG,
        # The manual shows it: the same on every terminal.
        formatter_class=lambda prog: argparse.RawDescriptionHelpFormatter(prog, width=98),
        allow_abbrev=False,
    )
    parser.add_argument(
        "--vendor",
        action="store_true",
        help="fetch the vendor's wheels that are missing, checked by hash, and build nothing; "
        "interrupted, it goes on where it was",
    )
    parser.add_argument(
        "--vendor-folder", type=_path, metavar="DIR", help="where they are (default: .vendor)"
    )
    parser.add_argument(
        "--python",
        action="append",
        choices=PYTHONS,
        help="only for this Python (may be repeated; default: all)",
    )
    parser.add_argument(
        "--platform",
        action="append",
        choices=MACHINES,
        help="only for this machine (may be repeated; default: all)",
    )
    parser.add_argument(
        "--site",
        type=_path,
        metavar="PATH",
        help="a site package in the place of cloudhands-jasmin: its source folder, or its wheel",
    )
    parser.add_argument("--key", type=_path, metavar="FILE", help="the SSH key that signs")
    parser.add_argument("--nosign", action="store_true", help="do not sign")
    parser.add_argument(
        "--novenv",
        action="store_true",
        help="build with the current environment, which has requirements/building.txt, instead of "
        "a fresh one; with --vendor: fetch no wheels for that",
    )
    parser.add_argument("--nomanual", action="store_true", help="leave out the manual")
    parser.add_argument(
        "--allow-dirty",
        action="store_true",
        help="build the work tree as it is, changes included; the version tells",
    )
    parser.add_argument(
        "--output", type=_path, metavar="DIR", help="where the bundle goes (default: dist)"
    )
    return parser


def parse(root: Path, argv: Sequence[str]) -> Asked:
    """What is asked; ends the program where it cannot be done."""
    parser = _parser()
    options = parser.parse_args(argv)
    if options.key and options.nosign:
        parser.error("--key and --nosign go not together")
    if not (options.vendor or options.key or options.nosign):
        parser.error("a key that signs the bundle is missing: --key FILE, or --nosign")
    building = ("key", "nosign", "site", "allow_dirty", "nomanual", "output")
    if options.vendor and any(getattr(options, each) for each in building):
        parser.error("--vendor builds nothing, and takes no option of building")
    return Asked(
        root=root,
        vendor=options.vendor,
        vendor_folder=(options.vendor_folder or root / ".vendor").absolute(),
        output=(options.output or root / "dist").absolute(),
        pythons=tuple(each for each in PYTHONS if each in (options.python or PYTHONS)),
        machines=tuple(each for each in MACHINES if each in (options.platform or MACHINES)),
        site=options.site and options.site.absolute(),
        key=options.key and options.key.absolute(),
        venv=not options.novenv,
        manual=not options.nomanual,
        allow_dirty=options.allow_dirty,
    )
