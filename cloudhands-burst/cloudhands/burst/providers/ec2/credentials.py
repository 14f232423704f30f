"""Reads the file with the secret that we sign requests with; no word of it leaves this module."""

import configparser
from dataclasses import dataclass, field
from pathlib import Path

from cloudhands.common.errors import SettingsError

KEY, SECRET, TOKEN = "aws_access_key_id", "aws_secret_access_key", "aws_session_token"


@dataclass(frozen=True)
class Credentials:
    """Who we are at the cloud.

    :param token: only where they are valid for a time.
    """

    key: str
    secret: str = field(repr=False)
    token: str | None = field(default=None, repr=False)


def read(option: str, file: Path, profile: str) -> Credentials:
    """The credentials of one section of a file.

    :param option: the settings key that names the file, for the error.
    :raises SettingsError: if they are not there; it names the option, the file and what is missing.
    """
    where = f"{option}: {file}"
    parser = configparser.ConfigParser(interpolation=None)
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{where} cannot be read: {_reason(error)}") from None
    if not text.strip():
        raise SettingsError(f"{where} is empty: write a section [{profile}] with {KEY}, {SECRET}")
    try:
        parser.read_string(text)
    except configparser.Error:
        # Its message would quote the line, which may be the secret.
        raise SettingsError(f"{where} is no INI file: begin it with [{profile}]") from None
    if not parser.has_section(profile):
        raise SettingsError(f"{where} has no section [{profile}]: add it, or set option 'profile'")
    section = parser[profile]
    for key in (KEY, SECRET):
        if not section.get(key, "").strip():
            raise SettingsError(f"{where} has no {key} in its section [{profile}]: add it")
    return Credentials(section[KEY], section[SECRET], section.get(TOKEN) or None)


def _reason(error: OSError | UnicodeDecodeError) -> str:
    return error.strerror or "it is no file" if isinstance(error, OSError) else "it is no text"
