"""What every reconciler works with."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from cloudhands.burst.metrics import Metrics
from cloudhands.burst.unusable import NotSetUp
from cloudhands.common.actor.commands import component, installation
from cloudhands.common.actor.queries import BURST
from cloudhands.common.clock import Clock, now
from cloudhands.common.cloud import Cloud
from cloudhands.common.db import Database
from cloudhands.common.provider.commands import tell_capabilities
from cloudhands.common.settings import Settings

POLL_SECONDS = 1.0


@dataclass(frozen=True)
class Context:
    """The collaborators of a reconciler.

    :param clouds: by the provider's name in the settings.
    :param installation: which cloudhands this is; everything made outside bears it.
    :param clock: tells the time that is recorded and compared.
    :param poll: seconds until what a cloud is busy with is looked at again.
    :param metrics: where what happens is counted, if somebody may ask for it.
    """

    database: Database
    settings: Settings
    clouds: Mapping[str, Cloud]
    installation: str
    clock: Clock = now
    poll: float = POLL_SECONDS
    metrics: Metrics | None = None

    def cloud(self, provider: str) -> Cloud:
        """The cloud of a provider.

        :raises NotSetUp: if the settings define it no more: the operator has to mend that.
        """
        try:
            return self.clouds[provider]
        except KeyError:
            raise NotSetUp("it is no longer set up here") from None

    def label(self, provider: str) -> str:
        """What people call a provider; its name where the settings define it no more."""
        defined = self.settings.providers.get(provider)
        return defined.label if defined else provider

    def settle(self, provider: str) -> float:
        """For how many seconds a server may be missing at a provider that was asked for it."""
        defined = self.settings.providers.get(provider)
        return defined.settle if defined else 0

    def build_seconds(self, provider: str) -> float:
        """For how many seconds a provider may be building a server."""
        defined = self.settings.providers.get(provider)
        return defined.build_seconds if defined else math.inf


def known(
    database: Database, clock: Clock = now, clouds: Mapping[str, Cloud] = MappingProxyType({})
) -> str:
    """Make this component, the installation and what its clouds can do known to the database.

    :param clouds: by the provider's name in the settings.
    :returns: the installation's id.
    """
    with database.writing() as session:
        actor = component(session, BURST, clock())
        for name, cloud in clouds.items():
            tell_capabilities(session, actor, name, cloud.capabilities, clock())
        return str(installation(session).uuid)
