"""A cloud all of whose calls pass one place: for what limits, counts, times or breaks them."""

from collections.abc import Collection, Sequence
from typing import Any

from cloudhands.common.cloud import (
    Capabilities,
    Cloud,
    Identity,
    Listing,
    Server,
    ServerSpec,
    Standing,
)


class Relay:
    """Hands every call on to another cloud, see `Cloud`; a subclass says what `_call` does besides.

    :param cloud: the one that is called.
    """

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud

    @property
    def capabilities(self) -> Capabilities:
        """See `Cloud`."""
        return self._cloud.capabilities

    def find(self, identity: Identity) -> Sequence[Server]:
        """See `Cloud`."""
        found: Sequence[Server] = self._call("find", identity)
        return found

    def observe(self, server_id: str) -> Server:
        """See `Cloud`."""
        server: Server = self._call("observe", server_id)
        return server

    def listed(self, installation: str) -> Listing:
        """See `Cloud`."""
        listing: Listing = self._call("listed", installation)
        return listing

    def standing(self, images: Collection[str], sizes: Collection[str]) -> Standing:
        """See `Cloud`."""
        standing: Standing = self._call("standing", images, sizes)
        return standing

    def create(self, spec: ServerSpec) -> Server:
        """See `Cloud`."""
        server: Server = self._call("create", spec)
        return server

    def start(self, server_id: str) -> None:
        """See `Cloud`."""
        self._call("start", server_id)

    def stop(self, server_id: str) -> None:
        """See `Cloud`."""
        self._call("stop", server_id)

    def delete(self, server_id: str) -> None:
        """See `Cloud`."""
        self._call("delete", server_id)

    def give_address(self, server_id: str) -> None:
        """See `Cloud`."""
        self._call("give_address", server_id)

    def release(self, identity: Identity) -> None:
        """See `Cloud`."""
        self._call("release", identity)

    def reboot(self, server_id: str) -> None:
        """See `Cloud`."""
        self._call("reboot", server_id)

    def resize(self, server_id: str, size: str) -> None:
        """See `Cloud`."""
        self._call("resize", server_id, size)

    def console(self, server_id: str) -> str:
        """See `Cloud`."""
        written: str = self._call("console", server_id)
        return written

    def _call(self, name: str, *about: object) -> Any:
        """Call a method of the cloud, by its name; to be called by what takes this one's place."""
        return getattr(self._cloud, name)(*about)
