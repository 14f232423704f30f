"""The demonstration's commands: up, status, stop, reset, story.

Every one of them may be run twice. `demo.sh` installs what they need and calls them.
"""

import argparse
import os
import socket
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from cloudhands.common import service
from cloudhands.common.errors import CloudhandsError, ConfigurationError
from cloudhands.common.settings import ENVIRONMENT_PREFIX
from cloudhands.common.testing.ports import LOOPBACK
from cloudhands.ops.demo import configuration, interrupting, readiness, release, setup
from cloudhands.ops.demo.place import Place
from cloudhands.ops.demo.story import tell
from cloudhands.ops.demo.supervision import Supervision

DEFAULT_PORT = 8080
COLUMN = len("cloud-serve:cloud-serve_00")
EXIT_FAILED = 1
EXIT_STOPPED = 3
# As a shell tells of a program that SIGINT ended.
EXIT_INTERRUPTED = 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status."""
    options = _arguments().parse_args(argv)
    service.set_up_logging("warning")
    interrupting.lose_none()
    _forget_environment()
    try:
        return COMMANDS[options.command](Place(options.dir.absolute()), options.port)
    except CloudhandsError as error:
        print(f"demo: {error}", file=sys.stderr)
        return EXIT_FAILED
    except KeyboardInterrupt:
        print("demo: interrupted; 'demo.sh status' tells what runs", file=sys.stderr)
        return EXIT_INTERRUPTED


def _forget_environment() -> None:
    # The demonstration is what its settings file says, whatever its user's shell has set.
    for name in [name for name in os.environ if name.startswith(ENVIRONMENT_PREFIX)]:
        del os.environ[name]


def _arguments() -> argparse.ArgumentParser:
    arguments = argparse.ArgumentParser(prog="python -m cloudhands.ops.demo", description=__doc__)
    arguments.add_argument("command", choices=COMMANDS)
    arguments.add_argument("--dir", type=Path, default=Path(".demo"), help="where everything is")
    arguments.add_argument(
        "--port",
        type=_port,
        metavar="N",
        help=f"the portal's (default: the last one, at first {DEFAULT_PORT})",
    )
    return arguments


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 0 < int(text) < 65536):
        raise argparse.ArgumentTypeError(f"{text!r} is not a port from 1 to 65535")
    return int(text)


def _supervision(place: Place) -> Supervision:
    return Supervision(place.supervisord, place.layout)


def up(place: Place, port: int | None) -> int:
    """Start everything, or find it running; print how to use it."""
    place.make()
    with place.held():
        _bring_up(place, port)
    print(place.summary.read_text(encoding="utf-8"), end="")
    return 0


def _bring_up(place: Place, port: int | None) -> None:
    supervision = _supervision(place)
    known = configuration.port(place)
    running = supervision.is_running()
    if running and port not in (None, known):
        raise ConfigurationError(
            f"it is running on port {known}: stop it first to have it on port {port}"
        )
    if running and not release.is_current(place):
        print("The code has changed: starting again.", flush=True)
        supervision.stop()
        running = False
    if not running:
        _set_up(place, port or known or DEFAULT_PORT)
    supervision.start()
    readiness.wait(configuration.read(place), supervision)


def _set_up(place: Place, port: int) -> None:
    _require_free(port)
    print(f"Setting up in {place.state} ...", flush=True)
    setup.prepare(place, port)


def _require_free(port: int) -> None:
    try:
        socket.create_server((LOOPBACK, port)).close()
    except OSError as error:
        why = os.strerror(error.errno or 0)
        raise ConfigurationError(
            f"port {port} cannot be used ({why}): name another with --port"
        ) from error


def status(place: Place, port: int | None) -> int:
    """Print how each program is; the exit status is 0 if everything can be used."""
    programs = _supervision(place).programs()
    if not programs:
        print("The demonstration is not running.")
        return EXIT_STOPPED
    for program in programs:
        print(f"{program.name:{COLUMN}} {program.state:9} pid {program.pid or '-'}")
    settings = configuration.read(place)
    silent = [name for name, answers in readiness.checks(settings).items() if not answers()]
    for name in silent:
        print(f"{name:{COLUMN}} does not answer")
    print(f"The portal's address: {configuration.address(settings.portal.port)}")
    fine = not silent and all(program.state == "RUNNING" for program in programs)
    return 0 if fine else EXIT_STOPPED


def stop(place: Place, port: int | None) -> int:
    """Stop everything; what was made stays."""
    with place.held():
        _stop(place)
    return 0


def _stop(place: Place) -> None:
    stopped = _supervision(place).stop()
    print("Stopped." if stopped else "The demonstration is not running.")


def reset(place: Place, port: int | None) -> int:
    """Stop everything and remove what was made."""
    with place.held():
        _stop(place)
        removed = place.remove()
    print(f"Removed {place.state}." if removed else "There is nothing to remove.")
    return 0


def story(place: Place, port: int | None) -> int:
    """Start everything and do the main job over HTTP."""
    up(place, port)
    return tell(place)


COMMANDS: Mapping[str, Callable[[Place, int | None], int]] = {
    "up": up,
    "status": status,
    "stop": stop,
    "reset": reset,
    "story": story,
}


if __name__ == "__main__":
    raise SystemExit(main())
