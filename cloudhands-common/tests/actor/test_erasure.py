"""`actor.erasure`: nothing personal is left, and what happened stays and verifies."""

from dataclasses import dataclass
from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from cloudhands.common import history
from cloudhands.common.account import api_tokens, keys, sessions
from cloudhands.common.account.passwords import set_password
from cloudhands.common.actor.commands import NewUser, component, user_of_person
from cloudhands.common.actor.erasure import erase_user
from cloudhands.common.actor.queries import BURST, OPERATOR
from cloudhands.common.actor.tables import User
from cloudhands.common.appliance import commands as appliances
from cloudhands.common.appliance.states import APPLIANCE
from cloudhands.common.appliance.tables import Appliance
from cloudhands.common.db import Database
from cloudhands.common.errors import Conflict, InvalidInput, NotFound
from cloudhands.common.forms import parse
from cloudhands.common.history.verification import verify
from cloudhands.common.machine import move
from cloudhands.common.mail.commands import post
from cloudhands.common.registration import commands as registrations
from cloudhands.common.registration import links, publishing
from cloudhands.common.registration.commands import NewRegistration, invite
from cloudhands.common.testing.databases import SECRET, short_lived
from cloudhands.common.testing.factories import KEY, NOON, Factory, person

WORDS = ("Zebedee", "zebedee", "weather station")


def scene(session: Session) -> User:
    """A person who has left words everywhere, and whose appliance is deleted."""
    make = Factory(session)
    organisation = make.organisation("physics")
    user = make.member(organisation, "zebedee", "admin")
    set_password(session, user, "a long password", NOON)
    sessions.open_session(session, user, NOON, timedelta(hours=8))
    keys.add_key(session, user, keys.NewKey(label="Zebedee's laptop", key=KEY), NOON)
    appliance = make.appliance(organisation, user, "weather station")
    wanted = appliances.Rename(label="Zebedee's weather station")
    appliances.rename(session, user, appliance, wanted, NOON)
    move(session, APPLIANCE, appliance, "deleted", make.burst, "nothing is left", NOON)
    api_tokens.make(session, user, api_tokens.NewToken(label="Zebedee's script"), NOON)
    for mail in ("Zebedee@example.org", "somebody.else@example.org"):
        user.mail_key = None  # as of somebody whom the directory knows
        session.flush()
        invite(session, make.operator, None, NewRegistration(mail=mail), NOON)
    post(session, user.mail, "reminder", {"name": "Zebedee"}, NOON)
    return user


def everything(database: Database) -> str:
    """All that the database holds, as text."""
    with database.reading() as session:
        tables = (
            "SELECT name FROM sqlite_master WHERE type = 'table'"
            if database.is_sqlite
            else "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
        )
        names = session.scalars(text(tables)).all()
        rows = (session.execute(text(f"SELECT * FROM {name}")).all() for name in names)
        return "\n".join(map(str, rows))


def test_nothing_personal_is_left_and_the_chain_is_whole(database: Database) -> None:
    with database.writing() as session:
        uuid = scene(session).uuid
    before = everything(database)
    assert all(word in before for word in WORDS)
    with database.writing() as session:
        user = session.query(User).filter_by(uuid=uuid).one()
        erased = erase_user(session, component(session, OPERATOR, NOON), user, NOON)
    left = everything(database)
    assert "somebody.else@example.org" in left
    assert [word for word in WORDS if word in left] == []
    found = verify(database, SECRET)
    assert found.findings == []
    assert found.erased == erased == 5
    with database.reading() as session:
        newest, *_, oldest = history.latest(session, uuid)
        assert (newest.who, newest.why) == ("cloud-admin", "erased")
        assert oldest.why == "(erased)"


def test_what_cloud_burst_said_of_their_appliance_stays(database: Database) -> None:
    with database.writing() as session:
        user = scene(session)
        erase_user(session, Factory(session).operator, user, NOON)
    with database.reading() as session:
        whys = session.scalars(text("SELECT why FROM touch_texts WHERE why IS NOT NULL")).all()
    assert "nothing is left" in whys


def test_a_person_with_appliances_is_not_erased(database: Database) -> None:
    with database.writing() as session:
        user = scene(session)
        session.query(Appliance).one().state = "running"
        with pytest.raises(Conflict, match="weather station"):
            erase_user(session, Factory(session).operator, user, NOON)
        assert user.uid == "zebedee"


def test_nobody_is_erased_twice(database: Database) -> None:
    with database.writing() as session:
        user = scene(session)
        erase_user(session, Factory(session).operator, user, NOON)
        with pytest.raises(Conflict, match="erased already"):
            erase_user(session, Factory(session).operator, user, NOON)


def test_two_can_be_erased(database: Database) -> None:
    with database.writing() as session:
        make = Factory(session)
        for user in (make.user("first"), make.user("second")):
            erase_user(session, make.operator, user, NOON)
    assert not verify(database, SECRET).findings


@pytest.mark.parametrize("who", ["themselves", "cloud-burst"])
def test_only_an_operator_may(database: Database, who: str) -> None:
    with database.writing() as session:
        user = scene(session)
        actor = user if who == "themselves" else component(session, BURST, NOON)
        with pytest.raises(NotFound):
            erase_user(session, actor, user, NOON)
        assert user.uid == "zebedee"


def test_somebody_who_has_just_become_known_can_be_erased(database: Database) -> None:
    with database.writing() as session:
        operator = Factory(session).operator
        user = user_of_person(session, person("grace"), None, NOON)
        assert erase_user(session, operator, user, NOON) == 1
        assert (user.version, user.touch_count) == (2, 2)
    assert verify(database, SECRET).findings == []


@dataclass
class Registered:
    """A person whose registration is published; the accounts are yet to be made."""

    session: Session

    def __post_init__(self) -> None:
        self.make = Factory(self.session)
        wanted = registrations.NewRegistration(mail="grace@example.org")
        self.registration = made = registrations.invite(
            self.session, self.make.operator, None, wanted, NOON
        )
        token = registrations.confirm(
            self.session, made, links.token(SECRET, links.CONFIRM, made), SECRET, NOON
        )
        details = registrations.Details(uid="grace", name="Grace Hopper")
        registrations.detail(self.session, made, token, SECRET, details, NOON)
        self.user = publishing.publish(self.session, self.make.burst, made, range(5000, 5010), NOON)

    def erase(self) -> None:
        erase_user(self.session, self.make.operator, self.user, NOON)


def test_whose_registration_goes_on_is_not_erased(rolled_back: Session) -> None:
    scene = Registered(rolled_back)
    scene.registration.due_at = None
    with pytest.raises(Conflict, match="has a registration that has not ended"):
        scene.erase()
    registrations.withdraw(rolled_back, scene.make.operator, scene.registration, NOON)
    with pytest.raises(Conflict, match="wait until cloud-burst has done with it"):
        scene.erase()


def test_an_ended_registration_tells_nothing_of_who_was_erased(rolled_back: Session) -> None:
    scene = Registered(rolled_back)
    registrations.withdraw(rolled_back, scene.make.operator, scene.registration, NOON)
    scene.registration.due_at = None
    scene.erase()
    left = scene.registration
    assert (left.mail, left.mail_key, left.uid, left.name, left.key) == ("", "", None, None, None)
    with pytest.raises(Conflict, match="The person was erased"):
        registrations.invite_again(rolled_back, scene.make.operator, left, NOON)
    again = registrations.NewRegistration(mail="grace@example.org")
    assert registrations.invite(rolled_back, scene.make.operator, None, again, NOON).is_open


def test_nobody_can_take_the_name_that_an_erased_person_gets(rolled_back: Session) -> None:
    make = Factory(rolled_back)
    user = make.user("first")
    erase_user(rolled_back, make.operator, user, NOON)
    with pytest.raises(InvalidInput):
        parse(NewUser, {"uid": user.uid, "name": "X", "mail": "x@example.org"})


def test_what_is_deleted_leaves_no_free_page(sqlite_url: str) -> None:
    with short_lived(sqlite_url) as database, database.reading() as session:
        assert session.scalar(text("PRAGMA secure_delete")) == 1
