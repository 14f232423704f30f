"""What the programs share: arguments, logging, signals.

Every program takes `--config`, `--set`, `--log-level` and `--version`, ends with a plain
sentence and exit status 2 when an operator has to mend something, and, where it is long-lived,
finishes what is in hand and exits 0 on SIGTERM.
"""

import argparse
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType

import structlog

from cloudhands.common import release, settings, site
from cloudhands.common.errors import (
    ConfigurationError,
    DeploymentError,
    DirectoryError,
    IndexUnavailable,
    Refused,
    VerificationFailed,
)

LEVELS = ("debug", "info", "warning", "error")
EXIT_REFUSED = 1
EXIT_CONFIGURATION = 2
EXIT_UNAVAILABLE = 3
EXIT_INTERRUPTED = 128 + signal.SIGINT
EXIT_BROKEN_PIPE = 128 + signal.SIGPIPE  # as a shell tells it

Main = Callable[[argparse.Namespace], int]


def parser(program: str, distribution: str, description: str) -> argparse.ArgumentParser:
    """An argument parser with what every program takes.

    :param program: the command's name.
    :param distribution: whose version `--version` tells, beside the revision.
    :param description: what the command is for.
    """
    arguments = argparse.ArgumentParser(prog=program, description=description)
    arguments.add_argument("--config", type=Path, metavar="FILE", help="the settings file (TOML)")
    arguments.add_argument(
        "--set",
        action="append",
        default=[],
        type=_override,
        metavar="KEY=VALUE",
        dest="overrides",
        help="set one value, for example --set portal.port=9000 (may be repeated)",
    )
    arguments.add_argument("--log-level", choices=LEVELS, default="info")
    arguments.add_argument(
        "--version",
        action=_TellVersion,
        const=distribution,
        nargs=0,
        help="tell version and revision, and end",
    )
    return arguments


class _TellVersion(argparse.Action):
    """In one line on the narrowest terminal, unlike argparse's own: scripts read it."""

    def __call__(self, parser: argparse.ArgumentParser, *unused: object) -> None:
        print(release.told(parser.prog, self.const))
        parser.exit()


def _override(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not (key and equals):
        raise argparse.ArgumentTypeError(f"{text!r} is not KEY=VALUE")
    return key, value


def read_settings(options: argparse.Namespace) -> settings.Settings:
    """The settings for a program's arguments.

    :raises ConfigurationError: if no site is installed or a setting is wrong.
    """
    return read_effective(options).settings


def read_effective(options: argparse.Namespace) -> settings.Effective:
    """The settings for a program's arguments, and where each was set.

    :raises ConfigurationError: if no site is installed or a setting is wrong.
    """
    return settings.read(
        defaults=site.installed().settings,
        file=options.config,
        overrides=dict(options.overrides),
    )


def run(arguments: argparse.ArgumentParser, main: Main, argv: Sequence[str] | None = None) -> int:
    """Parse, set up logging, run, and turn errors that a person can mend into one line.

    :returns: the exit status: 0 done, 1 refused, 2 configuration, 3 something is unavailable, 130
        interrupted.
    """
    options = arguments.parse_args(argv)
    set_up_logging(options.log_level)
    try:
        status = main(options)
        sys.stdout.flush()  # what cannot be written is found out here, not when Python ends
        return status
    except (Refused, VerificationFailed) as error:
        return _say(arguments.prog, error, EXIT_REFUSED)
    except ConfigurationError as error:
        return _say(arguments.prog, error, EXIT_CONFIGURATION)
    except (DeploymentError, DirectoryError, IndexUnavailable) as error:
        return _say(arguments.prog, error, EXIT_UNAVAILABLE)
    except BrokenPipeError:
        # Whoever reads our output has seen enough (`| head`). Nothing more can be written there,
        # not even when Python ends and flushes.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_BROKEN_PIPE
    except KeyboardInterrupt:
        print(f"\n{arguments.prog}: interrupted", file=sys.stderr)
        return EXIT_INTERRUPTED


def _say(program: str, error: Exception, status: int) -> int:
    for line in str(error).splitlines():
        print(f"{program}: {line}", file=sys.stderr)
    return status


def set_up_logging(level: str) -> None:
    """Log to stderr: one JSON object a line, or aligned text where a person watches.

    What libraries log through the standard library takes the same way.
    """
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    if sys.stderr.isatty():
        ends: list[structlog.typing.Processor] = [
            # Not its default, which shows the values of variables, and so passwords.
            structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
        ]
    else:
        ends = [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    structlog.configure(
        processors=[
            # First: what nobody will see costs nothing more.
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *ends],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    # It tells at every start which database it looks at.
    logging.getLogger("alembic.runtime.migration").setLevel(logging.WARNING)


def stop_on_signals() -> threading.Event:
    """An event that SIGTERM and SIGINT set: the sign to finish what is in hand and exit."""
    stopping = threading.Event()

    def stop(number: int, frame: FrameType | None) -> None:
        # In a thread: the main thread may be inside the event's own lock at this moment.
        threading.Thread(target=stopping.set, daemon=True).start()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    return stopping
