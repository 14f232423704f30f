"""What a request may use: made once when the portal starts, found as `request.services`."""

import hashlib
import threading
from dataclasses import dataclass, field
from functools import cached_property

from cloudhands.common.clock import Clock
from cloudhands.common.db import Database
from cloudhands.common.settings import Settings
from cloudhands.common.site import Site
from cloudhands.web import release
from cloudhands.web.index.people import People
from cloudhands.web.security.throttle import Throttle


@dataclass(frozen=True)
class Services:
    """The portal's collaborators.

    :param secret: the server's, for derived tokens.
    :param stopping: set when the process is to end.
    """

    settings: Settings
    site: Site
    database: Database
    secret: bytes
    people: People
    throttle: Throttle
    clock: Clock
    stopping: threading.Event = field(default_factory=threading.Event)

    @cached_property
    def stamp(self) -> str:
        """What shapes every page besides the database: release, site, the providers' labels."""
        site = self.site
        labels = {name: provider.label for name, provider in self.settings.providers.items()}
        shaping = (
            release.digest(),
            site.name,
            site.title,
            site.strapline,
            site.support,
            sorted(site.accent.items()),
            sorted(labels.items()),
        )
        return hashlib.sha256(repr(shaping).encode()).hexdigest()
