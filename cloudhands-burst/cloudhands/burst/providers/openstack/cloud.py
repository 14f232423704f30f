"""An OpenStack cloud as `cloudhands.common.cloud` wants one."""

import base64
import json
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from openstack.compute.v2.server import Server as NovaServer
from openstack.connection import Connection

from cloudhands.burst.providers.openstack import (
    actions,
    addresses,
    lookups,
    marks,
    servers,
    standing,
)
from cloudhands.burst.providers.openstack.errors import UNPROMISED, answering
from cloudhands.burst.providers.openstack.options import Options
from cloudhands.burst.providers.openstack.session import Connections
from cloudhands.burst.providers.openstack.sizes import Sizes
from cloudhands.common.cloud import (
    Capabilities,
    Identity,
    Invalid,
    Listing,
    Server,
    ServerSpec,
    ServerState,
    Standing,
    Temporary,
)

USER_DATA_BYTES = 16_384


class OpenStackCloud:
    """One project of an OpenStack cloud.

    :param name: the provider's name in the settings.
    :param options: what the operator set.
    :param state: the folder that relative paths among the options are below.
    """

    def __init__(self, name: str, options: Options, state: Path) -> None:
        self.name = name
        self._options = options
        self._connections = Connections(options, state)
        self._sizes = Sizes()

    @property
    def capabilities(self) -> Capabilities:
        """See `Cloud`."""
        external = bool(self._options.external_network)
        return Capabilities(resize=True, reboot=True, console=True, addresses=external)

    def find(self, identity: Identity) -> Sequence[Server]:
        """See `Cloud`; the name finds few, the metadata decides."""
        with self._connections.call() as cloud:
            return [
                self._seen(cloud, server)
                for server in servers.search(cloud, identity.appliance)
                if marks.of_metadata(server.metadata) == identity
            ]

    def observe(self, server_id: str) -> Server:
        """See `Cloud`."""
        with self._connections.call() as cloud:
            return self._seen(cloud, servers.get(cloud, server_id))

    def listed(self, installation: str) -> Listing:
        """See `Cloud`; a server of a part of the cloud that is down is a hole in it."""
        with self._connections.call() as cloud:
            found = [
                self._seen(cloud, server)
                for server in servers.search(cloud, marks.short(installation))
                if _is_of(server, installation)
            ]
            external = self._options.external_network
            held = addresses.held(cloud, installation, external) if external else ()
            return Listing(found, held)

    def standing(self, images: Collection[str], sizes: Collection[str]) -> Standing:
        """See `Cloud`."""
        with self._connections.call() as cloud:
            return standing.ask(cloud, self._options, images, sizes)

    def create(self, spec: ServerSpec) -> Server:
        """See `Cloud`; a lack of room shows only later, on a server that was taken on."""
        user_data = _user_data(spec)
        if len(user_data.encode()) > USER_DATA_BYTES:
            raise Invalid(f"the user data is longer than {USER_DATA_BYTES} bytes")
        with self._connections.call() as cloud:
            wanted = self._wanted(cloud, spec, user_data)
            with answering():
                made = cloud.compute.create_server(**wanted)
                if not made.id:
                    raise Temporary(f"{UNPROMISED}: it has no id of the server")
                server_id = str(made.id)
        return Server(server_id, spec.identity, ServerState.BUILDING, size=spec.size)

    def start(self, server_id: str) -> None:
        """See `Cloud`."""
        with self._connections.call() as cloud:
            actions.start(cloud, server_id)

    def stop(self, server_id: str) -> None:
        """See `Cloud`."""
        with self._connections.call() as cloud:
            actions.stop(cloud, server_id)

    def delete(self, server_id: str) -> None:
        """See `Cloud`."""
        with self._connections.call() as cloud:
            actions.delete(cloud, server_id)

    def give_address(self, server_id: str) -> None:
        """See `Cloud`."""
        with self._connections.call() as cloud:
            server = servers.get(cloud, server_id)
            network = self._options.external_network
            addresses.give(cloud, server_id, servers.identity(server), network)

    def release(self, identity: Identity) -> None:
        """See `Cloud`."""
        if self._options.external_network:
            with self._connections.call() as cloud:
                addresses.release(cloud, identity)

    def reboot(self, server_id: str) -> None:
        """See `Cloud`."""
        with self._connections.call() as cloud:
            actions.reboot(cloud, server_id)

    def resize(self, server_id: str, size: str) -> None:
        """See `Cloud`; asked again while it is RESIZING it confirms what was tried."""
        with self._connections.call() as cloud:
            actions.resize(cloud, server_id, size)

    def console(self, server_id: str) -> str:
        """See `Cloud`."""
        with self._connections.call() as cloud:
            return actions.console(cloud, server_id)

    def _seen(self, cloud: Connection, server: NovaServer) -> Server:
        size = self._sizes.of(cloud, server)
        return servers.seen(server, size, self._options.external_network)

    def _wanted(self, cloud: Connection, spec: ServerSpec, user_data: str) -> dict[str, Any]:
        image = lookups.image(cloud, spec.image)
        if image is None:
            raise Invalid(f"the cloud has no image {spec.image!r}")
        wanted: dict[str, Any] = {
            "name": marks.name(spec.name, spec.identity),
            "image_id": image,
            "flavor_id": lookups.size(cloud, spec.size),
            "networks": [{"uuid": lookups.network(cloud, self._options.network, "network")}],
            "metadata": marks.metadata(spec.identity, spec.size),
        }
        if user_data:
            wanted["user_data"] = base64.b64encode(user_data.encode()).decode()
        if self._options.security_groups:
            groups = self._options.security_groups
            wanted["security_groups"] = [{"name": group} for group in groups]
        if self._options.config_drive:
            wanted["config_drive"] = True
        return wanted


def _user_data(spec: ServerSpec) -> str:
    """The user data; where there is none, just enough of it to let the keys in."""
    if spec.user_data or not spec.authorized_keys:
        return spec.user_data
    # JSON is YAML, and quotes what a key's comment may hold.
    return "#cloud-config\n" + json.dumps({"ssh_authorized_keys": list(spec.authorized_keys)})


def _is_of(server: NovaServer, installation: str) -> bool:
    identity = marks.of_metadata(server.metadata)
    ours = identity is not None and identity.installation == installation
    return ours and servers.state(server) is not None
