"""What every cloud adapter must do: servers are made, found, listed and told apart."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest

from cloudhands.common.cloud import (
    Address,
    Capabilities,
    Full,
    Gone,
    Identity,
    Invalid,
    Server,
    ServerState,
)
from cloudhands.common.limits import WORDS
from cloudhands.common.testing.contract.trial import MISSING, Trial, new_identity


class Servers:
    """Part of `CloudContract`."""

    # --- create and look up ---

    def test_a_new_server_comes_to_run(self, at: Trial) -> None:
        spec = at.spec()
        made = at.create(spec.identity)
        assert made.identity == spec.identity
        assert made.state in (ServerState.BUILDING, ServerState.RUNNING)
        runs = at.becomes(made.id, ServerState.RUNNING)
        assert (runs.id, runs.identity) == (made.id, made.identity)
        assert runs.size in ("", at.size)

    def test_it_is_found_by_its_whole_identity(self, at: Trial) -> None:
        identity = at.spec().identity
        assert list(at.cloud.find(identity)) == []
        made = at.create(identity)
        at.finds(identity, made.id)
        for other in (
            replace(identity, installation=str(uuid4())),
            replace(identity, appliance=str(uuid4())),
            replace(identity, generation=2),
        ):
            assert list(at.cloud.find(other)) == []

    def test_every_duplicate_is_found(self, at: Trial) -> None:
        identity = at.spec().identity
        made = {at.create(identity).id}
        try:
            made.add(at.create(identity).id)
        except (Full, Invalid):
            pytest.skip("this cloud refuses a second server of the same name")
        at.finds(identity, *made)

    def test_what_is_not_there_is_gone(self, at: Trial) -> None:
        for call in (at.cloud.observe, at.cloud.start, at.cloud.stop, at.cloud.delete):
            with pytest.raises(Gone):
                call(MISSING)

    def test_what_is_not_there_is_gone_for_what_else_it_can(self, at: Trial) -> None:
        can = at.cloud.capabilities
        assert isinstance(can, Capabilities)
        calls: list[tuple[bool, Callable[..., Any], tuple[str, ...]]] = [
            (can.reboot, at.cloud.reboot, ()),
            (can.resize, at.cloud.resize, (at.size,)),
            (can.console, at.cloud.console, ()),
            (can.addresses, at.cloud.give_address, ()),
        ]
        for offered, call, others in calls:
            if offered:
                with pytest.raises(Gone):
                    call(MISSING, *others)

    def test_an_unknown_image_is_invalid(self, at: Trial) -> None:
        spec = at.spec(image="no-such-image")
        with pytest.raises(Invalid, match="no-such-image"):
            at.cloud.create(spec)
        assert list(at.cloud.find(spec.identity)) == []

    def test_an_unknown_size_is_invalid(self, at: Trial) -> None:
        spec = at.spec(size="no-such-size")
        with pytest.raises(Invalid, match="no-such-size"):
            at.cloud.create(spec)
        assert list(at.cloud.find(spec.identity)) == []

    def test_keys_and_user_data_are_taken(self, at: Trial) -> None:
        made = at.create(authorized_keys=("ssh-ed25519 AAAA",), user_data="#cloud-config\n")
        assert at.becomes(made.id, ServerState.RUNNING).identity == made.identity

    def test_threads_share_it(self, at: Trial) -> None:
        # One connection that is shared in the wrong way mixes the answers up.
        identities = [new_identity() for _ in range(min(3, at.capacity or 3))]
        with ThreadPoolExecutor(len(identities)) as threads:
            made = dict(zip(identities, threads.map(at.create, identities), strict=True))
            assert {identity: server.identity for identity, server in made.items()} == {
                identity: identity for identity in identities
            }
            ids = [server.id for server in made.values()]
            assert len(set(ids)) == len(ids)
            looks = [server.id for server in threads.map(at.cloud.observe, ids * 5)]
            assert looks == ids * 5
            found = threads.map(at.cloud.find, identities * 5)
            assert {server.id for servers in found for server in servers} == set(ids)
            list(threads.map(at.cloud.delete, ids))
            list(threads.map(at.vanishes, ids))

    # --- capacity ---

    def test_a_full_cloud_says_so_and_makes_nothing(self, at: Trial) -> None:
        if at.capacity is None:
            pytest.skip("nobody can say how many servers fit")
        for _ in range(at.capacity):
            at.create()
        spec = at.spec()
        with pytest.raises(Full):
            at.cloud.create(spec)
        assert list(at.cloud.find(spec.identity)) == []

    def test_what_is_gone_leaves_room(self, at: Trial) -> None:
        if at.capacity is None:
            pytest.skip("nobody can say how many servers fit")
        made = [at.create() for _ in range(at.capacity)]
        at.cloud.delete(made[0].id)
        at.vanishes(made[0].id)
        assert at.create().id not in {server.id for server in made}

    # --- the listing ---

    def test_the_listing_has_what_bears_the_installation_alone(self, at: Trial) -> None:
        ours = str(uuid4())
        assert list(at.cloud.listed(ours).servers) == []
        first = at.create(new_identity(ours))
        second = at.create(Identity(ours, str(uuid4()), 3))
        at.lists(ours, first.id, second.id)
        theirs = at.create()
        at.lists(theirs.identity.installation, theirs.id)
        at.lists(ours, first.id, second.id)

    def test_the_listing_tells_of_a_server_what_a_look_does(self, at: Trial) -> None:
        server = at.running(Identity(str(uuid4()), str(uuid4()), 7))
        at.lists(server.identity.installation, server.id)

        def told(servers: Sequence[Server]) -> list[tuple[Identity, ServerState, set[Address]]]:
            return [(one.identity, one.state, set(one.addresses)) for one in servers]

        listed = at.cloud.listed
        at.comes(lambda: told(listed(server.identity.installation).servers), told([server]))

    def test_what_is_gone_leaves_the_listing(self, at: Trial) -> None:
        server = at.running()
        at.lists(server.identity.installation, server.id)
        at.cloud.delete(server.id)
        at.vanishes(server.id)
        at.lists(server.identity.installation)

    # --- the standing ---

    def test_the_standing_tells_which_images_and_sizes_are_missing(self, at: Trial) -> None:
        standing = at.cloud.standing([at.image, "no-such-image"], [at.size, "no-such-size"])
        assert list(standing.missing_images) == ["no-such-image"]
        assert list(standing.missing_sizes) == ["no-such-size"]

    def test_the_standing_is_told_without_a_question(self, at: Trial) -> None:
        standing = at.cloud.standing([], [])
        assert (list(standing.missing_images), list(standing.missing_sizes)) == ([], [])

    def test_the_quota_counts_a_server(self, at: Trial) -> None:
        quota = at.cloud.standing([], []).quota
        assert set(quota) <= set(WORDS)
        assert all(room.used >= 0 and room.limit >= 0 for room in quota.values())
        at.running()
        counted = sorted(set(quota) & {"appliances", "vcpus", "memory_mb"})
        at.comes(lambda: [n for n in counted if at.cloud.standing([], []).quota[n].used], counted)
