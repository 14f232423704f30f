import base64

import pytest

from cloudhands.common.account import keys
from cloudhands.common.account.keys import NewKey
from cloudhands.common.errors import Conflict, InvalidInput, LimitReached, NotFound
from cloudhands.common.forms import parse
from cloudhands.common.history import latest
from cloudhands.common.testing.factories import KEY, NOON, Factory


def made_up(seed):
    blob = b"\0\0\0\x0bssh-ed25519\0\0\0\x20" + bytes([seed] * 32)
    return f"ssh-ed25519 {base64.b64encode(blob).decode()}"


def test_a_form_says_it_in_the_field():
    with pytest.raises(InvalidInput) as caught:
        parse(NewKey, {"label": "x", "key": "nonsense"})
    assert set(caught.value.fields) == {"key"}
    assert "starts with one of" in caught.value.fields["key"]


def test_adding_and_removing(database):
    with database.writing() as session:
        user = Factory(session).user()
        added = keys.add_key(session, user, NewKey(label="laptop", key=KEY), NOON)
        session.flush()
        with pytest.raises(Conflict, match="already"):
            keys.add_key(session, user, NewKey(label="again", key=f"{KEY} comment"), NOON)
        keys.remove_key(session, user, added.uuid, NOON)
        session.flush()
        assert keys.of_user(session, user) == []
        whys = [event.why.split()[0] for event in latest(session, user.uuid)]
    assert whys == ["removed", "added", "made"]


def test_somebody_elses_key_is_not_there(database):
    with database.writing() as session:
        make = Factory(session)
        one, other = make.user(), make.user()
        added = keys.add_key(session, one, NewKey(label="laptop", key=KEY), NOON)
        session.flush()
        with pytest.raises(NotFound):
            keys.remove_key(session, other, added.uuid, NOON)
        assert len(keys.of_user(session, one)) == 1


def test_two_people_may_have_the_same_key(database):
    with database.writing() as session:
        make = Factory(session)
        for user in (make.user(), make.user()):
            keys.add_key(session, user, NewKey(label="shared", key=KEY), NOON)
            session.flush()
            assert [key.key for key in keys.of_user(session, user)] == [KEY]


def test_not_without_end(database):
    with database.writing() as session:
        user = Factory(session).user()
        for seed in range(keys.MAX_KEYS):
            keys.add_key(session, user, NewKey(label="x", key=made_up(seed)), NOON)
            session.flush()
        with pytest.raises(LimitReached):
            keys.add_key(session, user, NewKey(label="x", key=made_up(200)), NOON)
