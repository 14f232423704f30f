"""Users, and their mail addresses whatever the case."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import bindparam, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from cloudhands.common import migrating, schema
from cloudhands.common.actor import commands
from cloudhands.common.actor.commands import NewUser
from cloudhands.common.actor.queries import local_user_by_mail, roles_of
from cloudhands.common.actor.tables import User
from cloudhands.common.db import Database, UtcDateTime
from cloudhands.common.errors import Conflict, NotFound
from cloudhands.common.history.verification import verify
from cloudhands.common.mail.addresses import mail_key
from cloudhands.common.permissions import Role
from cloudhands.common.testing.databases import SECRET, short_lived
from cloudhands.common.testing.factories import NOON, Factory, person
from cloudhands.common.testing.postgresql import PostgreSQL


@pytest.fixture
def session(rolled_back: Session) -> Session:
    return rolled_back


@pytest.fixture
def make(session: Session) -> Factory:
    return Factory(session)


def new(uid: str, mail: str) -> NewUser:
    return NewUser(uid=uid, name=uid.title(), mail=mail)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("Ada@Example.org", "ada@example.ORG", True),
        ("ｏada@example.org", "oada@example.org", True),  # noqa: RUF001
        ("straße@example.org", "STRASSE@example.org", True),
        ("ada@example.org", "ada+x@example.org", False),
        ("ada@example.org", "áda@example.org", False),
    ],
)
def test_which_addresses_are_the_same(one: str, other: str, *, same: bool) -> None:
    assert (mail_key(one) == mail_key(other)) is same
    assert mail_key(mail_key(one)) == mail_key(one)


def test_a_mail_address_is_taken_whatever_its_case(session: Session, make: Factory) -> None:
    ada = commands.create_user(session, make.operator, new("ada", "Ada@Example.org"), NOON)
    assert ada.mail == "Ada@Example.org"
    assert local_user_by_mail(session, "ADA@example.org") is ada
    with pytest.raises(Conflict, match=r"The mail address ada@example\.org belongs to .* ada "):
        commands.create_user(session, make.operator, new("ada2", "ada@example.org"), NOON)


def test_a_uid_is_taken_once_and_only_by_those_who_may(session: Session, make: Factory) -> None:
    make.user("ada")
    with pytest.raises(Conflict, match="There is a user ada already"):
        commands.create_user(session, make.operator, new("ada", "other@example.org"), NOON)
    with pytest.raises(NotFound):
        commands.create_user(session, make.user(), new("eve", "eve@example.org"), NOON)
    assert roles_of(make.burst) == {Role.BURST}
    commands.create_user(session, make.burst, new("bob", "bob@example.org"), NOON)


def test_the_constraint_catches_a_race(session: Session, make: Factory) -> None:
    make.user("ada")
    twin = User(uid="x", name="X", mail="ADA@example.org", created_at=NOON, version=0)
    session.add(twin)
    with pytest.raises(IntegrityError):
        session.flush()


def test_people_of_the_directory_may_share_an_address(session: Session, make: Factory) -> None:
    make.user("ada")
    group = "ada@example.org"
    users = []
    for uid in ("grace", "mary"):
        known = person(uid)
        known = type(known)(known.id, uid, known.name, group)
        users.append(commands.user_of_person(session, known, None, NOON))
    session.flush()
    assert [user.mail_key for user in users] == [None, None]
    commands.refresh_user(
        session, users[0], type(known)(users[0].directory_id, "g", "G", group), NOON
    )
    session.flush()
    assert users[0].mail_key is None


def test_the_key_follows_the_address_and_whose_word_counts(session: Session, make: Factory) -> None:
    ada = make.user("ada")
    ada.mail = "Lovelace@Example.org"
    session.flush()
    assert ada.mail_key == "lovelace@example.org"
    ada.directory_id = "known-by-now"
    session.flush()
    assert ada.mail_key is None


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database without tables."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/empty.db"
        return
    server: PostgreSQL = request.getfixturevalue("postgresql_server")
    name = server.create()
    yield server.url(name)
    server.drop(name)


def test_an_older_databases_local_users_get_their_key(empty_url: str) -> None:
    before = next(
        str(one.down_revision)
        for one in migrating.scripts().walk_revisions()
        if hasattr(one.module, "_mail_key")
    )
    with short_lived(empty_url) as database:
        with database.writing() as session:
            migrating.migrate(session.connection(), None, before)
            for id_, mail, directory_id in (
                (1, "Ada@example.org", None),
                (2, "ada@Example.org", None),
                (3, "grace@example.org", "grace"),
                (4, "grace@example.org", "mary"),
                (5, "bob@example.org", None),
            ):
                values = {"id": id_, "uid": str(id_), "mail": mail, "directory_id": directory_id}
                session.execute(ACTOR, {**values, "uuid": f"{id_:032}", "at": NOON})
                session.execute(text(USER), values)
        schema.upgrade(database)
        assert schema.differences(database) == []
        with database.reading() as session:
            rows = session.execute(select(User.id, User.mail, User.mail_key).order_by(User.id))
            assert [tuple(row) for row in rows] == [
                (1, "Ada@example.org", "ada@example.org"),
                (2, "ada@Example.org", None),
                (3, "grace@example.org", None),
                (4, "grace@example.org", None),
                (5, "bob@example.org", "bob@example.org"),
            ]


ACTOR = text(
    "INSERT INTO actors (id, uuid, kind_of_actor, name, version, created_at) "
    "VALUES (:id, :uuid, 'user', :uid, 0, :at)"
).bindparams(bindparam("at", type_=UtcDateTime()))
USER = "INSERT INTO users (id, uid, mail, directory_id) VALUES (:id, :uid, :mail, :directory_id)"


def test_who_changes_in_the_transaction_that_made_them_known(database: Database) -> None:
    grace = person("grace")
    with database.writing() as session:
        user = commands.user_of_person(session, grace, None, NOON)
        commands.refresh_user(session, user, replace(grace, name="Grace Hopper"), NOON)
        assert (user.name, user.touch_count) == ("Grace Hopper", 2)
    assert verify(database, SECRET).findings == []
