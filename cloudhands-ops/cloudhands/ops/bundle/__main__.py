"""What deploy.sh runs, before anything is installed: `cloud-admin bundle` does the same."""

import argparse
import os
import sys
from collections.abc import Sequence

from cloudhands.common.errors import ConfigurationError, DeploymentError, Refused
from cloudhands.ops.bundle import commands

STATUSES = {Refused: 1, ConfigurationError: 2, DeploymentError: 3}
UNREAD = 141


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="deploy.sh", description="Install cloudhands from a bundle.", epilog=commands.EPILOG
    )
    commands.add_to(parser.add_subparsers(title="commands", metavar="COMMAND", required=True))
    options = parser.parse_args(argv)
    try:
        status = options.run(options) or 0
        sys.stdout.flush()  # what nobody reads any more is found out here, not when Python ends
        return status
    except tuple(STATUSES) as error:
        for line in str(error).splitlines():
            print(f"deploy.sh: {line}", file=sys.stderr)
        return STATUSES[next(kind for kind in type(error).__mro__ if kind in STATUSES)]
    except BrokenPipeError:
        # Nobody reads what is told any more, not even when Python ends and flushes.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return UNREAD


if __name__ == "__main__":
    sys.exit(main())
