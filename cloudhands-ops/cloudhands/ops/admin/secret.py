"""Where a command gets a password from: a file, standard input, a terminal; never the arguments.

Arguments can be read by every user of the machine, and stay in the shell's history.
"""

import argparse
import getpass
import secrets
import sys
from dataclasses import dataclass
from pathlib import Path

from cloudhands.common.errors import InvalidInput

GENERATED_BYTES = 15  # 20 characters


@dataclass(frozen=True)
class Password:
    """A password, and whether we made it up, so that somebody has to be told."""

    value: str
    generated: bool = False


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments that say where the password comes from."""
    sources = parser.add_mutually_exclusive_group()
    sources.add_argument(
        "--password-file", type=Path, metavar="FILE", help="the password is the file's first line"
    )
    sources.add_argument(
        "--password-stdin", action="store_true", help="the password is standard input's first line"
    )


def read(options: argparse.Namespace) -> Password:
    """The password that the arguments point to; asked for on a terminal, otherwise made up.

    :raises InvalidInput: if it cannot be read, is empty, or is typed differently the second time.
    """
    if options.password_file:
        return _given(_first_line(options.password_file), str(options.password_file))
    if options.password_stdin:
        return _given(sys.stdin.readline(), "standard input")
    if sys.stdin.isatty():
        return _asked()
    return _generated()


def _first_line(file: Path) -> str:
    try:
        with file.open(encoding="utf-8") as lines:
            return lines.readline()
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput({"password": f"{file} cannot be read: {error}"}) from error


def _given(line: str, source: str) -> Password:
    value = line.rstrip("\r\n")
    if not value:
        raise InvalidInput({"password": f"{source} has no password in its first line."})
    return Password(value)


def _asked() -> Password:
    typed = _typed("Password (empty: make one up): ")
    if not typed:
        return _generated()
    if typed != _typed("The same again: "):
        raise InvalidInput({"password": "The two differ."})
    return Password(typed)


def _typed(prompt: str) -> str:
    try:
        return getpass.getpass(prompt)
    except EOFError:
        raise InvalidInput({"password": "The input ended before it was typed."}) from None


def _generated() -> Password:
    return Password(secrets.token_urlsafe(GENERATED_BYTES), generated=True)
