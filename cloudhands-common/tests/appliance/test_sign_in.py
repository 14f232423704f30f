from uuid import uuid4

import pytest
from sqlalchemy import select, update

from cloudhands.common.account.tables import SshKey
from cloudhands.common.appliance import sign_in
from cloudhands.common.appliance.tables import Appliance
from cloudhands.common.membership.tables import Membership
from cloudhands.common.testing.databases import SECRET
from cloudhands.common.testing.factories import NOON, Factory


@pytest.fixture
def scene(rolled_back):
    """An appliance of alice's; bob administers, carol is a member, dan is of elsewhere."""
    make = Factory(rolled_back)
    organisation, other = make.organisation(), make.organisation()
    alice = make.member(organisation, "alice")
    people = {
        "alice": alice,
        "bob": make.member(organisation, "bob", "admin"),
        "carol": make.member(organisation, "carol"),
        "dan": make.member(other, "dan", "admin"),
    }
    for name, person in people.items():
        give(rolled_back, person, name)
    return make.appliance(organisation, alice)


def give(session, person, key):
    session.add(
        SshKey(user_id=person.id, label=key, key=f"ssh {key}", fingerprint=key, added_at=NOON)
    )


def asked(session, appliance, token=None):
    session.flush()
    token = token or sign_in.token(SECRET, appliance.uuid, appliance.generation)
    return sign_in.machine(session.connection(), SECRET, appliance.uuid, token)


def keys(session, appliance):
    machine = asked(session, appliance)
    assert machine is not None
    return [key.removeprefix("ssh ") for key in sign_in.keys(session.connection(), machine)]


def member(session, name):
    return session.scalars(select(Membership).where(Membership.user.has(uid=name))).one()


def test_the_owner_and_the_administrators_may_sign_in(rolled_back, scene):
    assert keys(rolled_back, scene) == ["alice", "bob"]


def test_only_who_is_an_active_member(rolled_back, scene):
    member(rolled_back, "alice").state = "withdrawn"
    assert keys(rolled_back, scene) == ["bob"]
    member(rolled_back, "bob").role = "member"
    assert keys(rolled_back, scene) == []
    member(rolled_back, "alice").state = "invited"
    member(rolled_back, "carol").role = "admin"
    assert keys(rolled_back, scene) == ["carol"]


def test_a_key_that_two_have_stands_once(rolled_back, scene):
    give(rolled_back, scene.owner, "shared")
    rolled_back.flush()
    bob = member(rolled_back, "bob").user
    rolled_back.add(
        SshKey(user_id=bob.id, label="", key="ssh shared", fingerprint="shared", added_at=NOON)
    )
    assert keys(rolled_back, scene) == ["alice", "bob", "shared"]


def test_a_token_is_one_tries_of_one_appliances(rolled_back, scene):
    of_another = sign_in.token(SECRET, uuid4(), 1)
    earlier = sign_in.token(SECRET, scene.uuid, scene.generation)
    assert asked(rolled_back, scene, earlier) is not None
    for wrong in (of_another, "", "ü", sign_in.token(bytes(32), scene.uuid, 1)):
        assert asked(rolled_back, scene, wrong or " ") is None
    scene.generation += 1
    assert asked(rolled_back, scene, earlier) is None
    assert asked(rolled_back, scene) is not None


def test_a_deleted_appliances_token_is_worth_nothing(rolled_back, scene):
    rolled_back.execute(update(Appliance).values(state="deleted"))
    assert asked(rolled_back, scene) is None
