"""Registrations: from an invitation to details, and back."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from cloudhands.common.actor.tables import Actor
from cloudhands.common.errors import Conflict, Forbidden, InvalidInput, NotFound
from cloudhands.common.forms import parse
from cloudhands.common.history import latest
from cloudhands.common.mail.tables import Message
from cloudhands.common.organisation.tables import Organisation
from cloudhands.common.registration import commands, links, publishing, queries
from cloudhands.common.registration.commands import LASTS, Details, NewRegistration
from cloudhands.common.registration.tables import Registration
from cloudhands.common.testing.factories import KEY, NOON, Factory

SECRET = b"s" * 32
LATER = NOON + timedelta(hours=1)
TOO_LATE = NOON + LASTS
DETAILS = Details(uid="grace", name="Grace Hopper", key=f"{KEY} laptop")
MAIL = "Grace@Example.org"


@dataclass
class Scene:
    session: Session
    make: Factory

    def __post_init__(self) -> None:
        self.organisation = self.make.organisation("physics")
        self.admin = self.make.member(self.organisation, "pi", "admin")

    def invite(
        self, actor: Actor | None = None, where: Organisation | None = None, mail: str = MAIL
    ) -> Registration:
        wanted = NewRegistration(mail=mail)
        made = commands.invite(
            self.session, actor or self.admin, where or self.organisation, wanted, NOON
        )
        self.session.flush()
        return made

    def invited(self) -> tuple[Registration, str]:
        made = self.invite()
        return made, links.token(SECRET, links.CONFIRM, made)

    def confirm(self, made: Registration, token: str, now: datetime = LATER) -> str:
        return commands.confirm(self.session, made, token, SECRET, now)

    def detail(self, made: Registration, token: str, wanted: Details = DETAILS) -> None:
        commands.detail(self.session, made, token, SECRET, wanted, LATER)
        self.session.flush()

    def detailed(self) -> Registration:
        made, token = self.invited()
        self.detail(made, self.confirm(made, token))
        return made

    def messages(self) -> list[Message]:
        return list(self.session.scalars(select(Message).order_by(Message.id)))


@pytest.fixture
def scene(rolled_back: Session) -> Scene:
    return Scene(rolled_back, Factory(rolled_back))


def test_an_invitation_is_mailed_and_due(scene: Scene) -> None:
    made = scene.invite()
    assert (made.state, made.role, made.organisation) == ("invited", "member", scene.organisation)
    assert (made.mail, made.mail_key) == (MAIL, "grace@example.org")
    assert (made.expires_at, made.due_at) == (NOON + LASTS, NOON)
    assert (made.uid, made.user, made.uid_number, made.key) == (None, None, None, None)
    (message,) = scene.messages()
    assert (message.to, message.template) == (MAIL, commands.INVITATION)
    assert message.values == {
        "registration": str(made.uuid),
        "organisation": "Physics",
        "role": "member",
    }
    (event,) = latest(scene.session, made.uuid)
    assert (event.who, event.from_state, event.to_state) == (scene.admin.name, None, "invited")
    assert "race" not in event.why, "history holds no address"
    assert queries.open_of_organisation(scene.session, scene.organisation) == [made]
    assert queries.by_uuid(scene.session, made.uuid, lock=True) is made


def test_who_may_invite(scene: Scene) -> None:
    member, stranger = scene.make.member(scene.organisation), scene.make.user()
    for actor, refusal in ((member, Forbidden), (stranger, NotFound), (scene.make.burst, NotFound)):
        with pytest.raises(refusal):
            scene.invite(actor)
    with pytest.raises(NotFound):
        commands.invite(scene.session, scene.admin, None, NewRegistration(mail=MAIL), NOON)
    alone = commands.invite(
        scene.session, scene.make.operator, None, NewRegistration(mail=MAIL), NOON
    )
    assert alone.organisation is None
    scene.invite(scene.make.operator, mail="mary@example.org")


def test_an_address_with_an_account_or_an_open_registration(scene: Scene) -> None:
    made = scene.invite()
    with pytest.raises(Conflict, match="has been invited already"):
        scene.invite(mail=MAIL.upper())
    with pytest.raises(Conflict, match="has an account already: find Pi"):
        scene.invite(mail="PI@example.org")
    commands.withdraw(scene.session, scene.admin, made, NOON)
    scene.session.flush()
    again = scene.invite(mail=MAIL.upper())
    with pytest.raises(Conflict, match="has been invited already"):
        commands.invite_again(scene.session, scene.admin, made, NOON)
    assert again.is_open
    assert not made.is_open


def detailed_row(mail: str, uid: str) -> Registration:
    return Registration(
        role="member",
        mail=mail,
        uid=uid,
        state="detailed",
        nonce="x",
        expires_at=NOON,
        created_at=NOON,
    )


def test_the_database_refuses_a_second_open_one_and_a_second_uid(scene: Scene) -> None:
    made = scene.detailed()
    for mail, uid in ((MAIL.lower(), "mary"), ("mary@example.org", "grace")):
        with pytest.raises(IntegrityError), scene.session.begin_nested():
            scene.session.add(detailed_row(mail, uid))
    made.state = "withdrawn"
    scene.session.flush()
    scene.session.add(detailed_row(MAIL.lower(), "grace"))
    scene.session.flush()


def test_a_role_that_there_is_not(scene: Scene) -> None:
    made = scene.invite()
    made.role = "king"
    with pytest.raises(IntegrityError):
        scene.session.flush()


def test_a_link_confirms_once(scene: Scene) -> None:
    made, token = scene.invited()
    scene.confirm(made, token)
    assert (made.state, made.expires_at) == ("confirmed", LATER + LASTS)
    with pytest.raises(NotFound, match="not good, or not any more"):
        scene.confirm(made, token)
    event = latest(scene.session, made.uuid)[0]
    assert (event.who, event.to_state) == ("cloud-serve", "confirmed")


def test_nothing_in_the_database_is_a_token(scene: Scene) -> None:
    made, token = scene.invited()
    (row,) = scene.session.execute(text("SELECT * FROM registrations")).all()
    (mail,) = scene.session.execute(text("SELECT * FROM messages")).all()
    kept = [str(value) for value in (*row, *mail)]
    assert not any(token in value for value in kept)
    others = (
        links.token(SECRET, links.DETAIL, made),
        links.token(b"x" * 32, links.CONFIRM, made),
        links.token(SECRET, links.CONFIRM, scene.invite(mail="mary@example.org")),
        "",
        "é",
    )
    for value in (*kept, *others):
        with pytest.raises(NotFound):
            scene.confirm(made, value)
    assert made.state == "invited"


def test_a_link_that_came_too_late_says_what_to_do(scene: Scene) -> None:
    made, token = scene.invited()
    for _ in range(2):
        with pytest.raises(Conflict, match=r"ran out on 15 March 2026\. Ask whoever invited you"):
            scene.confirm(made, token, TOO_LATE)
        if made.state == "invited":
            publishing.expire(scene.session, scene.make.burst, made, TOO_LATE)
    assert made.state == "expired"


def test_a_link_of_what_was_taken_back(scene: Scene) -> None:
    made, token = scene.invited()
    commands.withdraw(scene.session, scene.admin, made, NOON)
    with pytest.raises(Conflict, match=r"was taken back\. Ask whoever invited you"):
        scene.confirm(made, token)


def test_a_new_invitation_makes_the_old_link_worthless(scene: Scene) -> None:
    made, token = scene.invited()
    commands.invite_again(scene.session, scene.admin, made, LATER)
    scene.session.flush()
    assert (made.state, made.expires_at, len(scene.messages())) == ("invited", LATER + LASTS, 2)
    with pytest.raises(NotFound):
        scene.confirm(made, token)
    details = scene.confirm(made, links.token(SECRET, links.CONFIRM, made))
    commands.invite_again(scene.session, scene.admin, made, LATER)
    with pytest.raises(NotFound):
        scene.detail(made, details)
    assert [event.why for event in latest(scene.session, made.uuid)] == [
        "invited again",
        "the person followed the link",
        "sent a new link",
        "invited as member",
    ]


@pytest.mark.parametrize("end", ["expired", "withdrawn"])
def test_what_has_ended_is_taken_up_again(scene: Scene, end: str) -> None:
    made, _ = scene.invited()
    if end == "expired":
        publishing.expire(scene.session, scene.make.burst, made, TOO_LATE)
    else:
        commands.withdraw(scene.session, scene.make.operator, made, NOON)
    commands.invite_again(scene.session, scene.admin, made, TOO_LATE)
    scene.session.flush()
    assert (made.state, made.expires_at) == ("invited", TOO_LATE + LASTS)
    scene.confirm(made, links.token(SECRET, links.CONFIRM, made), TOO_LATE)
    assert made.state == "confirmed"


def test_who_may_invite_again_and_withdraw(scene: Scene) -> None:
    made = scene.invite()
    member, stranger = scene.make.member(scene.organisation), scene.make.user()
    for actor, refusal in ((member, Forbidden), (stranger, NotFound)):
        with pytest.raises(refusal):
            commands.invite_again(scene.session, actor, made, NOON)
        with pytest.raises(NotFound):
            commands.withdraw(scene.session, actor, made, NOON)
    assert made.state == "invited"


def test_details_are_kept_once_and_wake_burst(scene: Scene) -> None:
    made, token = scene.invited()
    details = scene.confirm(made, token)
    made.due_at = None
    scene.detail(made, details)
    assert (made.state, made.due_at) == ("detailed", LATER)
    assert (made.uid, made.name, made.key) == ("grace", "Grace Hopper", KEY)
    with pytest.raises(NotFound):
        scene.detail(made, details)
    with pytest.raises(Conflict, match="A registration that is detailed cannot become invited"):
        commands.invite_again(scene.session, scene.admin, made, LATER)


def test_details_before_the_address_is_confirmed(scene: Scene) -> None:
    made, token = scene.invited()
    with pytest.raises(NotFound):
        scene.detail(made, token)
    with pytest.raises(Conflict, match="has been made already"):
        scene.detail(made, links.token(SECRET, links.DETAIL, made))


def test_details_that_come_too_late(scene: Scene) -> None:
    made, token = scene.invited()
    details = scene.confirm(made, token, NOON)
    with pytest.raises(Conflict, match="ran out"):
        commands.detail(scene.session, made, details, SECRET, DETAILS, TOO_LATE)


def test_a_user_name_that_is_taken(scene: Scene) -> None:
    scene.detailed()
    other = scene.invite(mail="mary@example.org")
    details = scene.confirm(other, links.token(SECRET, links.CONFIRM, other))
    for uid in ("grace", "pi", "root"):
        with pytest.raises(InvalidInput, match=f"uid: The user name {uid} is taken"):
            scene.detail(other, details, Details(uid=uid, name="Mary"))
    scene.detail(other, details, Details(uid="mary", name="Mary"))
    assert (other.state, other.key) == ("detailed", None)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("uid", "Grace"),
        ("uid", "g"),
        ("uid", "0grace"),
        ("uid", "grace hopper"),
        ("uid", "grace\n"),
        ("uid", "g" * 32),
        ("uid", "../grace"),
        ("name", ""),
        ("name", "Grace\nHopper"),
        ("key", "nonsense"),
        ("mail", "x"),
    ],
)
def test_details_that_are_none(field: str, value: str) -> None:
    good = {"uid": "grace", "name": "Grace", "key": ""}
    assert parse(Details, good).key == ""
    if value.strip() == "grace":
        assert parse(Details, {**good, field: value}).uid == "grace"
        return
    with pytest.raises(InvalidInput) as caught:
        parse(Details, {**good, field: value})
    assert set(caught.value.fields) == {field}


def test_withdrawing_forgets_the_key_and_ends(scene: Scene) -> None:
    made = scene.detailed()
    commands.withdraw(scene.session, scene.admin, made, LATER)
    assert (made.state, made.key) == ("withdrawn", None)
    with pytest.raises(Conflict):
        commands.withdraw(scene.session, scene.admin, made, LATER)
