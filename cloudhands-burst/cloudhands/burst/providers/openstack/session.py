"""The connection to an OpenStack cloud: made when it is first needed, shared among threads.

All requests of one call share one time limit, so that no call outlasts a claim: what a request may
take is what those before it left, the fetching of a token included.
"""

import threading
import time
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests
from keystoneauth1 import exceptions, identity
from keystoneauth1.session import Session, TCPKeepAliveAdapter
from openstack.connection import Connection

from cloudhands.burst.providers.openstack import credentials
from cloudhands.burst.providers.openstack.options import Options
from cloudhands.common.cloud import Denied

# At least as many as calls may be under way at once: a thread never waits for another's socket.
SOCKETS = 64
PREFIXES = ("https://", "http://")


class LimitedSession(Session):
    """A session whose requests end when the time of the call that they belong to is over."""

    def __init__(self, **options: Any) -> None:
        super().__init__(session=_pooled(), **options)
        self._of_thread = threading.local()

    @contextmanager
    def limited(self, seconds: float) -> Iterator[None]:
        """Let everything that this thread asks within the block take that long together."""
        self._of_thread.deadline = time.monotonic() + seconds
        try:
            yield
        finally:
            del self._of_thread.deadline

    def request(self, *words: Any, **options: Any) -> requests.Response:
        """See `keystoneauth1.session.Session`; everything that is sent passes here.

        :raises keystoneauth1.exceptions.ConnectTimeout: if the time is over.
        """
        left = self._of_thread.deadline - time.monotonic()
        if left <= 0:
            raise exceptions.ConnectTimeout("the time for this call is over")
        return super().request(*words, **{**options, "timeout": left})


def _pooled() -> requests.Session:
    session = requests.Session()
    adapter = TCPKeepAliveAdapter(pool_maxsize=SOCKETS)
    for prefix in PREFIXES:
        session.mount(prefix, adapter)
    return session


class Connections:
    """Makes the one connection, and makes it anew once the cloud has refused the credentials.

    So what an operator writes into the file of credentials is heard without a restart.

    :param options: of the provider.
    :param state: the folder that relative paths among them are below.
    """

    def __init__(self, options: Options, state: Path) -> None:
        self._options = options
        self._state = state
        self._lock = threading.Lock()
        self._made: tuple[LimitedSession, Connection] | None = None

    @contextmanager
    def call(self) -> Iterator[Connection]:
        """The connection for one call, which must be over in time.

        :raises Denied: if the file of credentials is not as it must be.
        """
        made = session, connection = self._get()
        try:
            with session.limited(self._options.timeout):
                yield connection
        except Denied:
            self._forget(made)
            raise

    def _get(self) -> tuple[LimitedSession, Connection]:
        with self._lock:
            if self._made is None:
                self._made = self._make()
            return self._made

    def _forget(self, made: tuple[LimitedSession, Connection]) -> None:
        # Not closed: other threads may be in the middle of a call on it.
        with self._lock:
            if self._made is made:
                self._made = None

    def _make(self) -> tuple[LimitedSession, Connection]:
        given = credentials.read(self._state / self._options.credentials, self._options)
        ca_file = self._options.ca_file
        session = LimitedSession(
            auth=_plugin(given),
            verify=str(self._state / ca_file) if ca_file else True,
            redirect=False,
        )
        region = given.region or None
        interface = self._options.interface
        return session, Connection(session=session, region_name=region, interface=interface)


def _plugin(given: credentials.Credentials) -> identity.V3Password | Any:
    auth: MutableMapping[str, Any] = dict(given.auth)
    auth["auth_url"] = _versioned(auth["auth_url"])
    if given.application:
        # It is bound to its project and bears it itself.
        for key in credentials.PROJECT:
            auth.pop(key, None)
        return identity.V3ApplicationCredential(**auth)
    if not any(key.startswith("user_domain") for key in auth) and "user_id" not in auth:
        auth["user_domain_id"] = "default"
    if not any(key.startswith("project_domain") for key in auth) and "project_id" not in auth:
        auth["project_domain_id"] = "default"
    return identity.V3Password(**auth)


def _versioned(url: str) -> str:
    url = url.rstrip("/")
    return url if url.endswith("/v3") else f"{url}/v3"
