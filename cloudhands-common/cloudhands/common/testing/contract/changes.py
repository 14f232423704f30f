"""What a cloud adapter must do that says it can: reboot, resize, show the console."""

import pytest

from cloudhands.common.cloud import Invalid, Server, ServerState
from cloudhands.common.testing.contract.trial import Trial


class Changes:
    """Part of `CloudContract`."""

    def test_a_rebooted_server_runs_again_as_it_was(self, at: Trial) -> None:
        at.needs("reboot")
        ran = at.running()
        at.cloud.reboot(ran.id)
        runs = at.becomes(ran.id, ServerState.RUNNING)
        assert (runs.identity, runs.size) == (ran.identity, ran.size)
        assert set(ran.addresses) <= set(runs.addresses)

    def test_a_stopped_server_is_resized(self, at: Trial) -> None:
        at.needs("resize")
        if not at.other_size:
            pytest.skip("the trial names no other size")
        server = at.stopped()
        assert at.cloud.observe(server.id).size == at.size, "who resizes tells the size"
        resized = _resized(at, server.id, at.other_size)
        assert resized.identity == server.identity
        at.cloud.start(server.id)
        assert at.becomes(server.id, ServerState.RUNNING).size == at.other_size

    def test_a_resize_to_the_size_that_it_has_is_harmless(self, at: Trial) -> None:
        at.needs("resize")
        server = at.stopped()
        assert _resized(at, server.id, at.size).addresses == server.addresses

    def test_an_unknown_size_leaves_a_server_as_it_is(self, at: Trial) -> None:
        at.needs("resize")
        server = at.stopped()
        with pytest.raises(Invalid, match="no-such-size"):
            at.cloud.resize(server.id, "no-such-size")
        found = at.cloud.observe(server.id)
        assert (found.state, found.size) == (ServerState.STOPPED, at.size)

    def test_the_console_is_text(self, at: Trial) -> None:
        at.needs("console")
        # There need not be a line yet: some clouds show the console minutes later.
        assert isinstance(at.cloud.console(at.running().id), str)


def _resized(at: Trial, server_id: str, size: str) -> Server:
    """Resize a server as the contract says: asked again while it is under way."""
    at.cloud.resize(server_id, size)

    def done() -> Server | None:
        server = at.cloud.observe(server_id)
        if server.state is ServerState.RESIZING:
            at.cloud.resize(server_id, size)
        done = (server.state, server.size) == (ServerState.STOPPED, size)
        return server if done else None

    return at.wait_for(done)
