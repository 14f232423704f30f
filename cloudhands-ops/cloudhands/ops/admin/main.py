"""The entry point of `cloud-admin`.

Each module of this package that has `add_commands` is a group of commands; a new one is found by
itself.
"""

import argparse
import sys
from collections.abc import Sequence

from cloudhands.common import plugins, service
from cloudhands.ops import admin

DESCRIPTION = (
    "Operate a cloudhands installation: its database, users, organisations, catalogue and "
    "deployment files."
)
EPILOG = (
    "Exit status: 0 done; 1 refused, and nothing was changed, or differences remain; "
    "2 a wrong argument or setting; 3 something that is needed does not answer."
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status."""
    return service.run(arguments(), _run, argv)


def arguments() -> argparse.ArgumentParser:
    """What the command takes, also for the manual."""
    parser = service.parser("cloud-admin", "cloudhands-ops", DESCRIPTION)
    parser.epilog = EPILOG
    # What went well is told on standard output: the log is for what did not.
    parser.set_defaults(log_level="warning")
    groups = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for module in plugins.submodules(admin):
        if hasattr(module, "add_commands"):
            module.add_commands(groups)
    return parser


def _run(options: argparse.Namespace) -> int:
    return options.run(options) or 0


if __name__ == "__main__":
    sys.exit(main())
