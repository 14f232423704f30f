"""The commands on bundles: the same ones for deploy.sh and for `cloud-admin bundle`."""

import argparse
import errno
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cloudhands.common.errors import ConfigurationError
from cloudhands.ops.bundle import (
    difference,
    disk,
    host,
    installed,
    installing,
    interruption,
    listing,
    rollback,
    telling,
    verification,
)
from cloudhands.ops.bundle.host import Host

if TYPE_CHECKING:
    # The class is generic for type checkers only.
    Place = argparse._SubParsersAction[argparse.ArgumentParser]
else:
    Place = Any

EPILOG = (
    "Exit status: 0 done, or done before; 1 refused as things stand, and the host is as it was, or "
    "differences remain; 2 the bundle, the settings or an argument is wrong, and the host is as it "
    "was; 3 a step failed, and what serves is told."
)


def add_to(place: Place) -> None:
    """Add the commands to a parser's."""
    _add_install(place)
    _add_rollback(place)
    _add_list(place)
    _add_verify(place)
    _add_verify_installed(place)
    _add_diff(place)


# --- What each takes -----------------------------------------------------------------------------


def _add_install(place: Place) -> None:
    parser = _command(
        place,
        "install",
        "Verify a bundle, make its environment without any network, back up, migrate, switch to it "
        "and restart the programs one by one. Run again, it goes on where it was interrupted.",
        _install,
    )
    _bundle(parser)
    _dir(parser)
    _signers(parser)
    # Of cloud-admin itself, too: there it may stand before the command.
    parser.add_argument(
        "--config",
        type=Path,
        metavar="FILE",
        default=argparse.SUPPRESS,
        help="the site's settings (default: cloudhands.toml in the folder); needed the first time",
    )
    parser.add_argument(
        "--accept",
        action="store_true",
        help="migrate also where the release before could then not use the database",
    )
    parser.add_argument(
        "--downgrade", action="store_true", help="take an older release than the one in use"
    )
    parser.add_argument(
        "--python", type=Path, metavar="PYTHON", help="the interpreter (default: the one in use)"
    )
    _no_start(parser)


def _add_rollback(place: Place) -> None:
    parser = _command(
        place,
        "rollback",
        "Switch to the release before, if it can use the database, and restart the programs.",
        _rollback,
    )
    _dir(parser)
    parser.add_argument("--to", metavar="VERSION", help="another release that is installed")
    _no_start(parser)


def _add_list(place: Place) -> None:
    _dir(_command(place, "list", "Show the releases on this host.", _list))


def _add_verify(place: Place) -> None:
    purpose = "Prove a bundle: who signed it, and that each file is as it was then."
    parser = _command(place, "verify", purpose, _verify)
    _bundle(parser)
    _dir(parser)
    _signers(parser)


def _add_verify_installed(place: Place) -> None:
    parser = _command(
        place,
        "verify-installed",
        "Compare what is installed with the hashes of its bundle, file by file.",
        _verify_installed,
    )
    parser.add_argument(
        "version", nargs="?", metavar="VERSION", help="the release (default: the one in use)"
    )
    parser.add_argument(
        "--thorough",
        action="store_true",
        help="compile every module again, and compare it with what is kept compiled",
    )
    _dir(parser)
    _signers(parser)


def _add_diff(place: Place) -> None:
    parser = _command(
        place,
        "diff",
        "Show what is different in another bundle: versions, dependencies, migrations, settings "
        "and licences. Nothing is verified.",
        _diff,
    )
    for name in ("a", "b"):
        parser.add_argument(
            name,
            metavar=name.upper(),
            help="a bundle (its tar file or folder), or the version of an installed release",
        )
    _dir(parser)


def _command(
    place: Place, name: str, purpose: str, run: Callable[[argparse.Namespace], int | None]
) -> argparse.ArgumentParser:
    parser = place.add_parser(name, help=purpose, description=purpose, epilog=EPILOG)
    parser.add_argument("--json", action="store_true", help="print the result as one JSON object")
    parser.set_defaults(run=explained(run))
    return parser


def _bundle(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("bundle", type=Path, metavar="BUNDLE", help="a tar file, or its folder")


def _dir(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--dir",
        type=Path,
        default=host.default(),
        metavar="DIR",
        help="the folder of the installation (default: %(default)s)",
    )


def _signers(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--signers",
        type=Path,
        metavar="FILE",
        help="whose bundles to trust, as ssh-keygen reads it (default: allowed_signers in the "
        "folder, which the first installation keeps there)",
    )
    parser.add_argument(
        "--unsigned", action="store_true", help="take a bundle whoever made it; its sums hold"
    )


def _no_start(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--no-start",
        action="store_true",
        help="do not start supervisord where it does not run",
    )


# --- What each does ------------------------------------------------------------------------------


def explained(
    run: Callable[[argparse.Namespace], int | None],
) -> Callable[[argparse.Namespace], int | None]:
    """A command whose trouble with the disk, or interruption, is told in a line, too."""

    def running(options: argparse.Namespace) -> int | None:
        try:
            with interruption.raised():
                return run(options)
        except OSError as error:
            if error.errno == errno.EPIPE:
                raise
            raise ConfigurationError(disk.told(error, options.dir)) from error
        except interruption.Interrupted as error:
            telling.aside(f"interrupted by {error}; the same command goes on from there")
            return error.status

    return running


def _install(options: argparse.Namespace) -> None:
    wanted = installing.Wanted(
        path=options.bundle,
        config=getattr(options, "config", None),
        signers=options.signers,
        unsigned=options.unsigned,
        accept=options.accept,
        downgrade=options.downgrade,
        python=options.python,
        start=not options.no_start,
    )
    result = installing.install(_host(options), wanted, _tell(options))
    _answer(
        options,
        result,
        f"Next: {options.dir}/current/venv/bin/cloud-admin bundle list; rollback leads back.",
    )


def _rollback(options: argparse.Namespace) -> None:
    result = rollback.rollback(
        _host(options), options.to, _tell(options), start=not options.no_start
    )
    told = f"Next: {options.dir}/current/venv/bin/cloud-admin bundle list shows what there is."
    if result["changed"]:
        told = f"Next: tell whoever built {result['before']} why you left it."
    _answer(options, result, told)


def _list(options: argparse.Namespace) -> None:
    found = listing.look(_host(options))
    _answer(options, listing.as_json(found), *listing.lines(found))


def _verify(options: argparse.Namespace) -> None:
    kept = _host(options).signers
    with verification.opened(options.bundle) as folder:
        bundle = verification.verified(folder, options.signers, kept, unsigned=options.unsigned)
    manifest = bundle.manifest
    _answer(
        options,
        {
            "version": manifest.version,
            "revision": manifest.revision,
            "signer": bundle.signer,
            "files": len(bundle.sums),
        },
        f"{options.bundle} is cloudhands {manifest.version}, revision {manifest.revision}, "
        f"{bundle.origin}; all {len(bundle.sums)} files are as they were built.",
        "Next: install it.",
    )


def _verify_installed(options: argparse.Namespace) -> int:
    found = installed.compare(
        _host(options),
        options.version,
        options.signers,
        unsigned=options.unsigned,
        thorough=options.thorough,
    )
    _answer(options, installed.as_json(found), *installed.lines(found))
    return 1 if found.wrong else 0


def _diff(options: argparse.Namespace) -> int:
    found = difference.between(_host(options), options.a, options.b)
    _answer(options, difference.as_json(found), *difference.lines(found))
    return 0


def _host(options: argparse.Namespace) -> Host:
    # What runs shows its path without a link, and is compared with it.
    return Host(options.dir.resolve())


def _tell(options: argparse.Namespace) -> telling.Tell:
    return telling.aside if options.json else telling.aloud


def _answer(options: argparse.Namespace, result: Mapping[str, Any], *lines: str) -> None:
    if options.json:
        print(json.dumps(result, ensure_ascii=False))
    else:
        print("\n".join(lines))
