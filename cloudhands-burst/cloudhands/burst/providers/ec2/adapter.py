"""A cloud that speaks EC2's API as `cloudhands.common.cloud` wants one."""

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import ClassVar

from pydantic import BaseModel

from cloudhands.burst.providers.ec2 import elastic, launch, looking, mapping, options
from cloudhands.burst.providers.ec2.api import Api, Calls
from cloudhands.burst.providers.ec2.groups import Groups
from cloudhands.burst.providers.ec2.images import image_called, missing_images, missing_sizes
from cloudhands.burst.providers.ec2.mapping import Answer, needed
from cloudhands.burst.providers.ec2.quota import quota
from cloudhands.burst.providers.ec2.young import Young
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
CONSOLE_LINES = 200


class Ec2Cloud:
    """One account in one region.

    :param name: the provider's name in the settings, for errors.
    :param options: where it is, and how servers are made there.
    :param state: the folder that relative paths among the options are below.
    :raises SettingsError: if the credentials or the certificates cannot be read.
    """

    capabilities = Capabilities(resize=True, reboot=True, console=True, addresses=True)

    def __init__(self, name: str, options: options.Options, state: Path) -> None:
        self._options = options
        self._api = Api(name, options, state)
        self._groups = Groups(options)
        self._young = Young()

    # --- looking ---

    def find(self, identity: Identity) -> Sequence[Server]:
        """See `Cloud`."""
        return looking.found(self._api.begin(), identity, self._options.page_size)

    def observe(self, server_id: str) -> Server:
        """See `Cloud`."""
        return self._look(server_id)[1]

    def listed(self, installation: str) -> Listing:
        """See `Cloud`."""
        return looking.listed(self._api.begin(), installation, self._options.page_size)

    def standing(self, images: Collection[str], sizes: Collection[str]) -> Standing:
        """See `Cloud`."""
        calls = self._api.begin()
        return Standing(
            missing_images=missing_images(calls, images, self._options.image_owners),
            missing_sizes=missing_sizes(calls, sizes),
            quota=quota(calls),
        )

    def console(self, server_id: str) -> str:
        """See `Cloud`."""
        calls, _ = self._look(server_id)
        written = str(calls.ask("get_console_output", InstanceId=server_id).get("Output") or "")
        return "\n".join(written.splitlines()[-CONSOLE_LINES:])

    # --- servers ---

    def create(self, spec: ServerSpec) -> Server:
        """See `Cloud`; keys come with the user data, whose business accounts are."""
        if len(spec.user_data.encode()) > USER_DATA_BYTES:
            raise Invalid(f"the user data is longer than {USER_DATA_BYTES} bytes")
        calls = self._api.begin()
        image = image_called(calls, spec.image, self._options.image_owners)
        groups = self._groups.ids(calls, spec.identity.installation)
        try:
            answer = calls.ask("run_instances", **launch.asked(spec, image, groups, self._options))
        except (Temporary, Invalid):
            # One of the groups may have been taken away.
            self._groups.forget()
            raise
        told: Answer = next(iter(needed(answer, "Instances")), {})
        state = mapping.state_of(told)
        if state is None:
            raise Invalid(f"the cloud ended it at once: {mapping.why_ended(told)}")
        self._young.add(needed(told, "InstanceId"))
        return mapping.server(told, spec.identity, state, ())

    def start(self, server_id: str) -> None:
        """See `Cloud`."""
        calls, server = self._look(server_id)
        if server.state not in (ServerState.RUNNING, ServerState.BUILDING):
            calls.ask("start_instances", InstanceIds=[server_id])

    def stop(self, server_id: str) -> None:
        """See `Cloud`."""
        calls, server = self._look(server_id)
        if server.state not in (ServerState.STOPPED, ServerState.STOPPING):
            calls.ask("stop_instances", InstanceIds=[server_id])

    def reboot(self, server_id: str) -> None:
        """See `Cloud`."""
        calls, _ = self._look(server_id)
        calls.ask("reboot_instances", InstanceIds=[server_id])

    def resize(self, server_id: str, size: str) -> None:
        """See `Cloud`; whether there is room is told when it starts."""
        calls, server = self._look(server_id)
        if server.size == size:
            return
        if server.state is not ServerState.STOPPED:
            raise Temporary(f"the server is still {server.state}")
        if missing_sizes(calls, [size]):
            raise Invalid(f"the cloud has no size {size!r}")
        calls.ask("modify_instance_attribute", InstanceId=server_id, InstanceType={"Value": size})

    def delete(self, server_id: str) -> None:
        """See `Cloud`."""
        calls, server = self._look(server_id)
        if server.state is not ServerState.DELETING:
            calls.ask("terminate_instances", InstanceIds=[server_id])

    # --- addresses ---

    def give_address(self, server_id: str) -> None:
        """See `Cloud`."""
        calls, server = self._look(server_id)
        if not server.external:
            elastic.give(calls, server.identity, server_id)

    def release(self, identity: Identity) -> None:
        """See `Cloud`."""
        elastic.release(self._api.begin(), identity)

    def _look(self, server_id: str) -> tuple[Calls, Server]:
        # Before anything is done to it: only what bears our tags is ever touched.
        calls = self._api.begin()
        return calls, looking.look(calls, server_id, self._young)


class Ec2Adapter:
    """See `cloudhands.common.cloud.Adapter`."""

    Options: ClassVar[type[BaseModel]] = options.Options

    def connect(self, name: str, options: options.Options, state: Path) -> Ec2Cloud:
        """See `Adapter`.

        :raises SettingsError: if the credentials or the certificates cannot be read.
        """
        return Ec2Cloud(name, options, state)


ADAPTER = Ec2Adapter()
