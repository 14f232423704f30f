"""By which name a server's size goes here.

A server tells the name of its flavor as it was when it was given; whoever asked for it by its id
wants to be told the id. So what was asked for stands in the metadata, and counts as long as it
still is what the server has.
"""

from openstack.compute.v2.server import Server as NovaServer
from openstack.connection import Connection

from cloudhands.burst.providers.openstack import lookups, marks


class Sizes:
    """Remembers the names of sizes, which never change for an id."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}

    def of(self, cloud: Connection, server: NovaServer) -> str:
        """The size that a server has now, as it was asked for; empty if the cloud tells none."""
        flavor = server.flavor or {}
        name = str(flavor.get("original_name") or "") or self._name(cloud, flavor.get("id") or "")
        asked = str((server.metadata or {}).get(marks.SIZE) or "")
        if not asked or asked == name:
            return name
        return asked if self._name(cloud, asked) == name else name

    def _name(self, cloud: Connection, size_id: str) -> str:
        if size_id and size_id not in self._names:
            self._names.update({one.id: one.name for one in lookups.sizes(cloud)})
            # One that is no more is not looked for at every look at the server.
            self._names.setdefault(size_id, "")
        return self._names.get(size_id, "")
