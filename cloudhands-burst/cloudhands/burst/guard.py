"""Keeps a cloud's failures within the contract, whatever its adapter stumbles over.

An adapter tells what it knows to go wrong in the words of `cloudhands.common.cloud`. What it did
not reckon with, such as an answer that lacks what the cloud's API promises, comes out of it as any
exception; `Guarded`, which is around every cloud of the settings, makes it `Unexpected`, and writes
where it came from to the log.
"""

from typing import Any

import structlog

from cloudhands.burst.relay import Relay
from cloudhands.common.cloud import Cloud, CloudError, Temporary

log = structlog.get_logger("cloudhands.burst.cloud")


class Unexpected(Temporary):
    """The adapter stumbled: nobody can say whether the call took effect."""


class Guarded(Relay):
    """A cloud that raises nothing but `CloudError`.

    :param name: the provider's name in the settings.
    """

    def __init__(self, cloud: Cloud, name: str) -> None:
        super().__init__(cloud)
        self._name = name

    def _call(self, name: str, *about: object) -> Any:
        try:
            return super()._call(name, *about)
        except CloudError:
            raise
        except Exception as error:
            log.exception("unexpected answer", provider=self._name, call=name)
            raise Unexpected(
                f"the cloud's answer to {name} is not what was promised ({type(error).__name__})"
            ) from error
