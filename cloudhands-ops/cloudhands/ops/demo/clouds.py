"""What the simulated clouds themselves hold: the story's check on what the portal says."""

from collections.abc import Mapping, Sequence

from cloudhands.burst.providers.simulated.lifecycle import state_at
from cloudhands.burst.providers.simulated.options import Options
from cloudhands.burst.providers.simulated.store import Store
from cloudhands.common import clock
from cloudhands.common.settings import Settings


def servers(settings: Settings) -> Mapping[str, Sequence[str]]:
    """The appliance of each server that is there now, by provider."""
    return {name: _appliances(settings, name) for name in settings.providers}


def _appliances(settings: Settings, name: str) -> Sequence[str]:
    options = Options.model_validate(settings.providers[name].options)
    now = clock.now().timestamp()
    with Store(settings.path(options.file)).reading() as found:
        return [
            row.appliance for row in found.all() if state_at(row.phase, row.since, now, options)
        ]
