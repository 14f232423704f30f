"""Asks EC2: signed, within a limit of time, and with its errors in our words.

boto3 asks once and leaves it at that: whoever calls us tries again, and knows when.
"""

import logging
import math
import os
import ssl
import threading
import time
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

import boto3.session
import botocore.session
from botocore import exceptions
from botocore.config import Config
from botocore.parsers import ResponseParserError

from cloudhands.burst.providers.ec2 import credentials, errors
from cloudhands.burst.providers.ec2.mapping import Answer, needed
from cloudhands.burst.providers.ec2.options import CONNECT_SECONDS, Options
from cloudhands.common.cloud import CloudError, Denied, Invalid, Temporary
from cloudhands.common.errors import SettingsError

# As many as a provider may have calls under way: what is kept open is used again.
CONNECTIONS = 256
# Whatever a cloud says of the next page, its listing ends.
MOST_PAGES = 1000

# Whoever runs us may have settings for Amazon's own tools: they are not ours.
_ALONE = {
    "profile": (None, None, None, None),
    "config_file": (None, None, os.devnull, None),
    "credentials_file": (None, None, os.devnull, None),
}

_WORDS: tuple[tuple[type[Exception], str], ...] = (
    (exceptions.SSLError, "its certificate cannot be verified, or it does not speak TLS"),
    (exceptions.ConnectTimeoutError, "it cannot be reached in time"),
    (exceptions.ReadTimeoutError, "it did not answer in time"),
    (exceptions.ProxyConnectionError, "the proxy on the way to it cannot be reached"),
    (exceptions.EndpointConnectionError, "it cannot be reached"),
    (exceptions.HTTPClientError, "the connection broke before it had answered"),
    (ResponseParserError, "its answer is not what EC2 promises: it cannot be read"),
)


class Calls:
    """The requests of one call of ours, which all together end within its limit."""

    def __init__(self, client: Any, options: Options) -> None:
        self._client = client
        self._options = options
        # Beyond it no request begins: it could not end in time.
        self._last_start = time.monotonic() + options.limit - CONNECT_SECONDS - options.timeout

    def ask(self, operation: str, *, done: Collection[str] = (), **about: Any) -> Answer:
        """Send one request and give the answer.

        :param operation: boto3's name of it.
        :param done: EC2's codes that tell that there is nothing to do; then the answer is empty.
        :raises CloudError: whatever went wrong.
        """
        if time.monotonic() > self._last_start:
            raise Temporary(f"the cloud is slow: not done within {self._options.limit:g} s")
        try:
            answer: Answer = getattr(self._client, operation)(**about)
        except exceptions.ClientError as error:
            if error.response.get("Error", {}).get("Code") in done:
                return {}
            raise translated(error, looked=operation.startswith("describe_")) from None
        except (exceptions.BotoCoreError, ResponseParserError) as error:
            raise translated(error) from None
        return answer

    def pages(self, operation: str, key: str, **about: Any) -> Iterator[Any]:
        """Everything that an operation lists, however many pages it has.

        :param key: the part of an answer that is listed.
        :raises CloudError: whatever went wrong; then nothing is known of what is missing.
        """
        after: dict[str, str] = {}
        for _ in range(MOST_PAGES):
            answer = self.ask(operation, **about, **after)
            yield from needed(answer, key)
            if not answer.get("NextToken"):
                return
            after = {"NextToken": answer["NextToken"]}
        raise Temporary(f"the cloud's listing does not end after {MOST_PAGES} pages")


class Api:
    """The way to one cloud; shared among threads.

    :param name: the provider's name in the settings, for errors.
    :param state: the folder that relative paths are below.
    :raises SettingsError: if the credentials or the certificates cannot be read.
    """

    def __init__(self, name: str, options: Options, state: Path) -> None:
        self._options_key = f"providers.{name}.options"
        self._options = options
        self._file = state / options.credentials_file
        self._ca_file = state / options.ca_file if options.ca_file else None
        self._lock = threading.Lock()
        self._client: Any = None
        # What it writes down at DEBUG holds all that is sent: user data, and so machines' tokens.
        logging.getLogger("botocore").setLevel(logging.INFO)
        self._check_ca_file()
        self._read()
        self._seen = self._stamp()

    def begin(self) -> Calls:
        """What one call of ours asks with.

        :raises Denied: if the credentials have changed and cannot be read.
        """
        with self._lock:
            seen = self._stamp()
            if self._client is None or seen != self._seen:
                self._client = self._connected()
                self._seen = seen
            return Calls(self._client, self._options)

    def _connected(self) -> Any:
        try:
            found = self._read()
        except SettingsError as error:
            raise Denied(str(error)) from None
        options = self._options
        session = boto3.session.Session(
            aws_access_key_id=found.key,
            aws_secret_access_key=found.secret,
            aws_session_token=found.token,
            region_name=options.region,
            botocore_session=botocore.session.Session(_ALONE),
        )
        return session.client(
            "ec2",
            endpoint_url=options.endpoint_url or None,
            verify=str(self._ca_file) if self._ca_file else True,
            config=Config(
                connect_timeout=CONNECT_SECONDS,
                read_timeout=options.timeout,
                retries={"total_max_attempts": 1},
                max_pool_connections=CONNECTIONS,
                ignore_configured_endpoint_urls=True,
            ),
        )

    def _read(self) -> credentials.Credentials:
        option = f"{self._options_key}.credentials_file"
        return credentials.read(option, self._file, self._options.profile)

    def _check_ca_file(self) -> None:
        if self._ca_file is None:
            return
        try:
            ssl.create_default_context(cafile=str(self._ca_file))
        except (OSError, ValueError) as error:
            raise SettingsError(
                f"{self._options_key}.ca_file: {self._ca_file} cannot be used: {error}. "
                "Give the certificates of its authority (PEM)"
            ) from None

    def _stamp(self) -> tuple[int, ...]:
        try:
            found = self._file.stat()
        except OSError:
            return ()
        return found.st_ino, found.st_size, found.st_mtime_ns


def translated(error: Exception, *, looked: bool = False) -> CloudError:
    """What an error of boto3 is for us.

    :param looked: whether we only wanted to look.
    """
    if isinstance(error, exceptions.ClientError):
        told = error.response.get("Error", {})
        meta = error.response.get("ResponseMetadata", {})
        return errors.meaning(
            str(told.get("Code", "")),
            str(told.get("Message", "")),
            int(meta.get("HTTPStatusCode", 0)),
            _retry_after(meta.get("HTTPHeaders", {})),
            looked=looked,
        )
    if isinstance(error, exceptions.ParamValidationError):
        return Invalid(f"it cannot be asked for that: {error.kwargs['report']}")
    for kind, words in _WORDS:
        if isinstance(error, kind):
            return Temporary(words)
    return Temporary(f"it cannot be asked: {type(error).__name__}")


def _retry_after(headers: Answer) -> float | None:
    try:
        seconds = float(headers["retry-after"])
    except (KeyError, ValueError):
        return None
    return max(0.0, seconds) if math.isfinite(seconds) else None
