"""API tokens: made, found, used, revoked."""

from datetime import date, timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from cloudhands.common import tokens
from cloudhands.common.account import api_tokens
from cloudhands.common.account.api_tokens import NewToken
from cloudhands.common.account.tables import ApiToken
from cloudhands.common.db import Database
from cloudhands.common.errors import InvalidInput, LimitReached, NotFound
from cloudhands.common.forms import parse
from cloudhands.common.history import latest
from cloudhands.common.testing.factories import NOON, Factory

WANTED = NewToken(label="nightly script", days=30)


@pytest.fixture
def session(rolled_back: Session) -> Session:
    return rolled_back


@pytest.fixture
def make(session: Session) -> Factory:
    return Factory(session)


def test_a_token_is_found_until_it_expires(session: Session, make: Factory) -> None:
    user = make.user("ada")
    made, secret = api_tokens.make(session, user, WANTED, NOON)
    session.flush()
    assert secret.startswith("cloudhands_")
    assert secret.startswith(made.prefix)
    found = api_tokens.find(session, secret, NOON + timedelta(days=29))
    assert found == (made.uuid, user.id, user.version, "Ada", None)
    assert api_tokens.find(session, secret, NOON + timedelta(days=30)) is None
    assert api_tokens.find(session, secret[:-1], NOON) is None
    assert api_tokens.find(session, secret.removeprefix("cloudhands_"), NOON) is None


def test_nothing_that_is_kept_is_a_token(session: Session, make: Factory) -> None:
    user = make.user()
    made, secret = api_tokens.make(session, user, WANTED, NOON)
    session.flush()
    (row,) = session.execute(text("SELECT * FROM api_tokens"))
    assert secret not in map(str, row)
    for value in (*map(str, row), f"cloudhands_{made.digest}"):
        assert api_tokens.find(session, value, NOON) is None
    assert made.digest == tokens.digest(secret)
    assert len(made.prefix) == 15
    assert not any(secret in event.why for event in latest(session, user.uuid))


def test_a_token_can_be_used_by_a_plain_connection(database: Database) -> None:
    with database.writing() as session:
        _, secret = api_tokens.make(session, Factory(session).user(), WANTED, NOON)
    with database.looking() as connection:
        assert api_tokens.find(connection, secret, NOON) is not None


def test_a_revoked_token_is_worthless_at_once(session: Session, make: Factory) -> None:
    user, other = make.user(), make.user()
    made, secret = api_tokens.make(session, user, WANTED, NOON)
    session.flush()
    with pytest.raises(NotFound):
        api_tokens.revoke(session, other, made.uuid, NOON)
    version = user.version
    api_tokens.revoke(session, user, made.uuid, NOON)
    session.flush()
    assert user.version == version + 1
    assert api_tokens.find(session, secret, NOON) is None
    assert api_tokens.of_user(session, user) == []
    with pytest.raises(NotFound):
        api_tokens.revoke(session, user, made.uuid, NOON)
    whys = [event.why.rsplit(" ", 1)[0] for event in latest(session, user.uuid, 2)]
    assert whys == ["revoked the API token", "made the API token"]


def test_not_without_end_but_expired_ones_make_room(session: Session, make: Factory) -> None:
    user = make.user()
    for _ in range(api_tokens.MAX_TOKENS):
        api_tokens.make(session, user, WANTED, NOON)
        session.flush()
    with pytest.raises(LimitReached, match="At most 20"):
        api_tokens.make(session, user, WANTED, NOON)
    api_tokens.make(session, make.user(), WANTED, NOON)
    api_tokens.make(session, user, WANTED, NOON + timedelta(days=30))
    session.flush()
    assert len(api_tokens.of_user(session, user)) == 1


def test_the_day_of_use_is_written_once(session: Session, make: Factory) -> None:
    made, secret = api_tokens.make(session, make.user(), WANTED, NOON)
    session.flush()
    for moment in (NOON, NOON + timedelta(hours=3), NOON - timedelta(days=1)):
        holder = api_tokens.find(session, secret, moment)
        assert holder is not None
        api_tokens.used(session, holder, moment)
        session.refresh(made)
        assert made.last_used_day == date(2026, 3, 1)
    api_tokens.used(session, holder, NOON + timedelta(days=1))
    session.refresh(made)
    assert made.last_used_day == date(2026, 3, 2)


@pytest.mark.parametrize("days", ["0", "366", "-1", "x"])
def test_a_token_lasts_a_year_at_most(days: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse(NewToken, {"label": "x", "days": days})
    assert set(caught.value.fields) == {"days"}
    assert parse(NewToken, {"label": "x", "days": "365"}).days == 365


def test_a_digest_is_there_once(session: Session, make: Factory) -> None:
    made, _ = api_tokens.make(session, make.user(), WANTED, NOON)
    twin = ApiToken(
        user_id=made.user_id, label="x", digest=made.digest, prefix="x", made_at=NOON,
        expires_at=NOON,
    )  # fmt: skip
    session.add(twin)
    with pytest.raises(IntegrityError):
        session.flush()
