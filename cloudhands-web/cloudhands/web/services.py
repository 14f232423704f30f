"""What a request may use: made once when the portal starts, found as `request.services`."""

import threading
from dataclasses import dataclass, field

from cloudhands.common.clock import Clock
from cloudhands.common.db import Database
from cloudhands.common.settings import Settings
from cloudhands.common.site import Site
from cloudhands.web.index.people import People
from cloudhands.web.security.throttle import Throttle


@dataclass(frozen=True)
class Services:
    """The portal's collaborators.

    :param secret: the server's, for derived tokens.
    """

    settings: Settings
    site: Site
    database: Database
    secret: bytes
    people: People
    throttle: Throttle
    clock: Clock
    stopping: threading.Event = field(default_factory=threading.Event)
