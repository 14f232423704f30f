from datetime import timedelta

import pytest
from sqlalchemy import select

from cloudhands.common.account import passwords
from cloudhands.common.account.sessions import find_session, open_session
from cloudhands.common.account.tables import Password
from cloudhands.common.errors import InvalidInput
from cloudhands.common.testing.factories import NOON, Factory


def test_a_password(database):
    with database.writing() as session:
        user = Factory(session).user("somebody")
        passwords.set_password(session, user, "a good password", NOON)
        session.flush()
        assert passwords.check_password(session, "somebody", "a good password") is user
        assert passwords.check_password(session, "somebody", "A good password") is None
        assert passwords.check_password(session, "nobody", "a good password") is None
        assert passwords.check_password(session, "somebody", "x" * 100_000) is None
        assert passwords.has_password(session, "somebody")
        kept = session.scalars(select(Password.hash)).one()
    assert kept.startswith("$argon2id$")


def test_a_new_password_replaces_the_old_one(database):
    with database.writing() as session:
        user = Factory(session).user("somebody")
        passwords.set_password(session, user, "a good password", NOON)
        passwords.set_password(session, user, "another password", NOON)
        session.flush()
        assert passwords.check_password(session, "somebody", "a good password") is None
        assert passwords.check_password(session, "somebody", "another password") is user


def test_a_new_password_ends_the_sessions(database):
    with database.writing() as session:
        make = Factory(session)
        user, other = make.user(), make.user()
        mine = open_session(session, user, NOON, timedelta(hours=1))
        theirs = open_session(session, other, NOON, timedelta(hours=1))
        passwords.set_password(session, user, "another password", NOON)
        assert find_session(session, mine, NOON) is None
        assert find_session(session, theirs, NOON) is not None


@pytest.mark.parametrize("password", ["", "short", "x" * 2000])
def test_too_short_or_too_long(database, password):
    with database.writing() as session:
        user = Factory(session).user("somebody")
        with pytest.raises(InvalidInput, match="characters"):
            passwords.set_password(session, user, password, NOON)
        assert not passwords.has_password(session, "somebody")


def test_who_has_no_password_cannot_sign_in_with_one(database):
    with database.writing() as session:
        Factory(session).user("somebody")
        session.flush()
        assert not passwords.has_password(session, "somebody")
        assert passwords.check_password(session, "somebody", "nobody has this password") is None
