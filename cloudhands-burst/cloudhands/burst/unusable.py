"""A provider that cannot be called as the settings have it, while the others go on."""

from collections.abc import Sequence
from typing import Any

from cloudhands.burst.relay import Relay
from cloudhands.common.cloud import Capabilities, Denied


class NotSetUp(Denied):
    """The settings are not such that the provider could be called; the sentence says why."""


def refusal(error: Denied) -> str:
    """Why a provider is not called until an operator has mended something, as a clause."""
    why = str(error).rstrip(".")
    return why if isinstance(error, NotSetUp) else f"our credentials are refused: {why}"


class Unusable(Relay):
    """Stands for a cloud that could not be connected: every call says what to mend.

    :param reasons: the settings keys and what is wrong with each; the first is told.
    """

    capabilities = Capabilities()

    def __init__(self, reasons: Sequence[str]) -> None:
        super().__init__(self)
        first, *others = reasons
        more = f" (the log has {len(others)} more)" if others else ""
        self._reason = f"{first.rstrip('.')}{more}; then start cloud-burst again"

    def _call(self, name: str, *about: object) -> Any:
        raise NotSetUp(self._reason)
