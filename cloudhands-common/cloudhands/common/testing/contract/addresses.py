"""What every cloud adapter must do: addresses are a server's own; external ones are given back."""

from uuid import uuid4

from cloudhands.common.cloud import Identity, Server, ServerState
from cloudhands.common.testing.contract.trial import Trial, new_identity


class Addresses:
    """Part of `CloudContract`."""

    def test_running_servers_have_addresses_of_their_own(self, at: Trial) -> None:
        first, second = at.running(), at.running()
        assert first.addresses
        assert second.addresses
        assert set(first.addresses).isdisjoint(second.addresses)

    def test_one_that_is_not_asked_to_be_is_not_reached_from_outside(self, at: Trial) -> None:
        assert not at.running().external

    def test_a_stopped_server_keeps_its_addresses(self, at: Trial) -> None:
        ran = at.running()
        at.cloud.stop(ran.id)
        at.becomes(ran.id, ServerState.STOPPED)
        at.cloud.start(ran.id)
        assert ran.addresses[0] in at.becomes(ran.id, ServerState.RUNNING).addresses

    # --- external ones ---

    def test_one_reached_from_outside_has_one_more_address(self, at: Trial) -> None:
        at.needs("addresses")
        inside, outside = at.running(), self._given(at)
        assert [address.external for address in outside.addresses].count(True) == 1
        assert len(outside.addresses) > len(inside.addresses)

    def test_a_second_wish_gives_no_second_address(self, at: Trial) -> None:
        at.needs("addresses")
        server = self._given(at)
        held = at.held(server.identity)
        at.cloud.give_address(server.id)
        assert at.has_external(server.id).addresses == server.addresses
        assert at.held(server.identity) == held

    def test_two_servers_have_two(self, at: Trial) -> None:
        at.needs("addresses")
        first, second = self._given(at), self._given(at)
        assert set(first.addresses).isdisjoint(second.addresses)

    def test_a_held_address_bears_the_identity_that_it_was_taken_for(self, at: Trial) -> None:
        at.needs("addresses")
        server = self._given(at, Identity(str(uuid4()), str(uuid4()), 4))
        external = {address for address in server.addresses if address.external}
        # A cloud that gives it with the server and takes it back with it holds nothing besides.
        assert {held.address for held in at.held(server.identity)} <= external
        assert list(at.cloud.listed(str(uuid4())).held) == []

    def test_what_was_left_over_is_used_first(self, at: Trial) -> None:
        at.needs("addresses")
        first = self._given(at)
        self._delete(at, first)
        left = at.held(first.identity)
        second = self._given(at, first.identity)
        if left:
            assert left[0].address in second.addresses
            assert at.held(first.identity) == left

    def test_what_is_released_is_held_no_more(self, at: Trial) -> None:
        at.needs("addresses")
        server = self._given(at)
        self._delete(at, server)
        at.cloud.release(server.identity)
        at.holds_nothing(server.identity)
        at.cloud.release(server.identity)
        assert at.held(server.identity) == []

    def test_releasing_where_nothing_was_taken_is_harmless(self, at: Trial) -> None:
        at.needs("addresses")
        nobody = new_identity()
        at.cloud.release(nobody)
        assert at.held(nobody) == []

    def test_releasing_leaves_those_of_others(self, at: Trial) -> None:
        at.needs("addresses")
        going = new_identity()
        staying = Identity(going.installation, going.appliance, 2)
        gone, stays = self._given(at, going), self._given(at, staying)
        held = at.held(staying)
        self._delete(at, gone)
        at.cloud.release(going)
        at.holds_nothing(going)
        assert at.held(staying) == held
        assert at.has_external(stays.id).addresses == stays.addresses

    def _given(self, at: Trial, identity: Identity | None = None) -> Server:
        """A running server that is reached from outside."""
        server = at.running(identity, external_address=True)
        at.cloud.give_address(server.id)
        return at.has_external(server.id)

    def _delete(self, at: Trial, server: Server) -> None:
        at.cloud.delete(server.id)
        at.vanishes(server.id)
