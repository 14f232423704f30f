"""What every cloud adapter must do: servers stop, start and go; each may be asked twice."""

from contextlib import suppress

import pytest

from cloudhands.common.cloud import Gone, ServerState
from cloudhands.common.testing.contract.trial import Trial


class Power:
    """Part of `CloudContract`."""

    def test_it_stops_and_starts(self, at: Trial) -> None:
        server_id = at.running().id
        at.cloud.stop(server_id)
        at.becomes(server_id, ServerState.STOPPED)
        at.cloud.stop(server_id)
        assert at.cloud.observe(server_id).state is ServerState.STOPPED
        at.cloud.start(server_id)
        at.becomes(server_id, ServerState.RUNNING)
        at.cloud.start(server_id)
        assert at.cloud.observe(server_id).state is ServerState.RUNNING

    def test_it_is_deleted_once_it_is_gone(self, at: Trial) -> None:
        server = at.running()
        at.cloud.delete(server.id)
        at.vanishes(server.id)
        at.finds(server.identity)
        with pytest.raises(Gone):
            at.cloud.delete(server.id)

    def test_deleting_twice_is_harmless(self, at: Trial) -> None:
        server_id = at.running().id
        at.cloud.delete(server_id)
        with suppress(Gone):
            at.cloud.delete(server_id)
        at.vanishes(server_id)
        with pytest.raises(Gone):
            at.cloud.observe(server_id)

    def test_it_is_deleted_while_it_is_built(self, at: Trial) -> None:
        server_id = at.create().id
        at.cloud.delete(server_id)
        at.vanishes(server_id)
        with pytest.raises(Gone):
            at.cloud.observe(server_id)

    def test_it_is_deleted_while_it_is_stopped(self, at: Trial) -> None:
        server_id = at.stopped().id
        at.cloud.delete(server_id)
        at.vanishes(server_id)
        with pytest.raises(Gone):
            at.cloud.observe(server_id)
