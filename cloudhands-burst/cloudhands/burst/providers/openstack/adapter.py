"""How the settings come to an OpenStack cloud."""

from pathlib import Path
from typing import ClassVar

from pydantic import BaseModel

from cloudhands.burst.providers.openstack import options
from cloudhands.common.cloud import Cloud


class OpenStackAdapter:
    """See `cloudhands.common.cloud.Adapter`."""

    Options: ClassVar[type[BaseModel]] = options.Options

    def connect(self, name: str, options: options.Options, state: Path) -> Cloud:
        """See `Adapter`."""
        # Imported where it is used: the client costs a second that other clouds need not wait for.
        from cloudhands.burst.providers.openstack.cloud import OpenStackCloud

        return OpenStackCloud(name, options, state)


ADAPTER = OpenStackAdapter()
