import pytest

from cloudhands.common.actor.commands import refresh_user
from cloudhands.common.actor.queries import user_by_uid
from cloudhands.common.errors import Conflict, Forbidden, NotFound
from cloudhands.common.history import latest
from cloudhands.common.membership import commands, queries
from cloudhands.common.permissions import Role
from cloudhands.common.testing.factories import NOON, Factory, person


@pytest.fixture
def session(database):
    with database.writing() as session:
        yield session


@pytest.fixture
def make(session):
    return Factory(session)


def test_inviting_and_accepting(session, make):
    organisation = make.organisation()
    admin = make.member(organisation, role="admin")
    membership = commands.invite(session, admin, organisation, person("grace"), "member", NOON)
    grace = user_by_uid(session, "grace")
    assert queries.invitations_of(session, grace) == [membership]
    assert Role.MEMBER not in queries.roles_in(session, grace, organisation)
    commands.accept(session, grace, membership, NOON)
    session.flush()
    assert Role.MEMBER in queries.roles_in(session, grace, organisation)
    assert queries.invitations_of(session, grace) == []
    assert [(event.who, event.to_state) for event in latest(session, membership.uuid)] == [
        ("Grace", "active"),
        (admin.name, "invited"),
    ]


def test_accepting_twice(session, make):
    organisation = make.organisation()
    admin = make.member(organisation, role="admin")
    membership = commands.invite(session, admin, organisation, person("grace"), "member", NOON)
    grace = user_by_uid(session, "grace")
    commands.accept(session, grace, membership, NOON)
    with pytest.raises(Conflict):
        commands.accept(session, grace, membership, NOON)


def test_accepting_for_somebody_else(session, make):
    organisation = make.organisation()
    admin = make.member(organisation, role="admin")
    membership = commands.invite(session, admin, organisation, person("grace"), "member", NOON)
    with pytest.raises(Forbidden):
        commands.accept(session, admin, membership, NOON)
    with pytest.raises(NotFound):
        commands.accept(session, make.user(), membership, NOON)
    assert membership.state == "invited"


def test_only_an_administrator_invites(session, make):
    organisation, other = make.organisation(), make.organisation()
    with pytest.raises(Forbidden):
        commands.invite(
            session, make.member(organisation), organisation, person("grace"), "member", NOON
        )
    with pytest.raises(NotFound):
        commands.invite(
            session, make.member(other, role="admin"), organisation, person("x"), "member", NOON
        )
    assert user_by_uid(session, "grace") is None


def test_inviting_twice(session, make):
    organisation, grace = make.organisation(), person("grace")
    admin = make.member(organisation, role="admin")
    commands.invite(session, admin, organisation, grace, "member", NOON)
    session.flush()
    with pytest.raises(Conflict, match="invited already"):
        commands.invite(session, admin, organisation, grace, "admin", NOON)


def test_the_directorys_id_tells_who_it_is(session, make):
    organisation, other = make.organisation(), make.organisation()
    grace = person("grace")
    renamed = type(grace)(grace.id, "ghopper", "Rear Admiral Hopper", "g@example.org")
    for where, who in ((organisation, grace), (other, renamed)):
        admin = make.member(where, role="admin")
        commands.invite(session, admin, where, who, "member", NOON)
    user = user_by_uid(session, "grace")
    assert len(queries.invitations_of(session, user)) == 2
    refresh_user(session, user, renamed, NOON)
    session.flush()
    assert user_by_uid(session, "ghopper") is user
    assert [event.why for event in latest(session, user.uuid)] == [
        "changed as in the directory",
        "known from the directory",
    ]


def test_a_uid_that_the_directory_gave_to_somebody_else(session, make):
    organisation = make.organisation()
    admin = make.member(organisation, role="admin")
    for _ in range(2):
        commands.invite(session, admin, organisation, person("grace"), "member", NOON)
        session.flush()
    uids = {row.uid for row in queries.listed(session, organisation.id)}
    assert "grace" in uids
    assert len([uid for uid in uids if uid.startswith("grace~")]) == 1


def test_another_person_with_a_uid_that_is_taken(session, make):
    organisation = make.organisation()
    admin = make.member(organisation, "grace", "admin")
    with pytest.raises(Conflict, match="belongs to another account"):
        commands.invite(session, admin, organisation, person("grace"), "member", NOON)
