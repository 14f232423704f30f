"""What the simulated clouds themselves hold: the story's check on what the portal says."""

from collections.abc import Mapping, Sequence

from cloudhands.burst.providers.simulated.adapter import SimulatedCloud
from cloudhands.burst.providers.simulated.options import Options
from cloudhands.common.settings import Settings


def servers(settings: Settings) -> Mapping[str, Sequence[str]]:
    """The appliance of each server that is there now, by provider."""
    return {name: _appliances(settings, name) for name in settings.providers}


def _appliances(settings: Settings, name: str) -> Sequence[str]:
    options = Options.model_validate(settings.providers[name].options)
    cloud = SimulatedCloud(options, settings.state.absolute())
    return [server.identity.appliance for server in cloud.everything().servers]
