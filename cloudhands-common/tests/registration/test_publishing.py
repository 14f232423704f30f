"""What cloud-burst does with a registration."""

from dataclasses import dataclass
from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from cloudhands.common.account import keys
from cloudhands.common.actor.commands import user_of_person
from cloudhands.common.actor.queries import user_by_uid
from cloudhands.common.actor.tables import Actor, User
from cloudhands.common.errors import Conflict, Forbidden, LimitReached, NotFound
from cloudhands.common.history import latest
from cloudhands.common.mail.tables import Message
from cloudhands.common.membership import commands as memberships
from cloudhands.common.membership.tables import Membership
from cloudhands.common.organisation.tables import Organisation
from cloudhands.common.person import Person
from cloudhands.common.registration import commands, links, publishing
from cloudhands.common.registration.commands import LASTS, Details, NewRegistration
from cloudhands.common.registration.tables import Registration
from cloudhands.common.testing.factories import KEY, NOON, Factory

SECRET = b"s" * 32
NUMBERS = range(5000, 5003)


@dataclass
class Scene:
    session: Session
    make: Factory

    def __post_init__(self) -> None:
        self.organisation = self.make.organisation("physics")
        self.admin = self.make.member(self.organisation, "pi", "admin")
        self.burst = self.make.burst

    def confirmed(
        self, uid: str = "grace", organisation: Organisation | None = None, role: str = "member"
    ) -> tuple[Registration, str]:
        form = NewRegistration.model_validate({"mail": f"{uid}@example.org", "role": role})
        made = commands.invite(self.session, self.make.operator, organisation, form, NOON)
        return made, self.confirm(made)

    def confirm(self, made: Registration) -> str:
        token = links.token(SECRET, links.CONFIRM, made)
        return commands.confirm(self.session, made, token, SECRET, NOON)

    def detail(self, made: Registration, uid: str) -> None:
        token = links.token(SECRET, links.DETAIL, made)
        wanted = Details(uid=uid, name=uid.title(), key=KEY)
        commands.detail(self.session, made, token, SECRET, wanted, NOON)
        self.session.flush()

    def detailed(
        self, uid: str = "grace", organisation: Organisation | None = None, role: str = "member"
    ) -> Registration:
        made, _ = self.confirmed(uid, organisation, role)
        self.detail(made, uid)
        return made

    def publish(self, made: Registration, actor: Actor | None = None) -> User:
        user = publishing.publish(
            self.session, actor or self.burst, made, NUMBERS, NOON, known={5000}
        )
        self.session.flush()
        return user

    def activate(self, made: Registration, directory_id: str | None = None) -> None:
        publishing.activate(self.session, self.burst, made, NOON, directory_id)
        self.session.flush()

    def membership(self, user: User) -> Membership:
        return self.session.scalars(select(Membership).where(Membership.user_id == user.id)).one()


@pytest.fixture
def scene(rolled_back: Session) -> Scene:
    return Scene(rolled_back, Factory(rolled_back))


def test_from_details_to_an_active_member(scene: Scene) -> None:
    made = scene.detailed(organisation=scene.organisation, role="admin")
    user = scene.publish(made)
    assert (user.uid, user.name, user.mail) == ("grace", "Grace", "grace@example.org")
    assert (made.state, made.user, made.uid_number) == ("published", user, 5001)
    assert made.key is None
    assert [key.key for key in keys.of_user(scene.session, user)] == [KEY]
    scene.activate(made, "id-in-the-directory")
    membership = scene.membership(user)
    assert (made.state, membership.role, membership.state) == ("active", "admin", "active")
    assert (user.directory_id, user.mail_key) == ("id-in-the-directory", None)
    found = Person("id-in-the-directory", "grace", "Grace", "grace@example.org")
    assert user_of_person(scene.session, found, None, NOON) is user
    assert [event.to_state for event in latest(scene.session, made.uuid)] == [
        "active",
        "published",
        "detailed",
        "confirmed",
        "invited",
    ]
    last = scene.session.scalars(select(Message).order_by(Message.id.desc()).limit(1)).one()
    assert (last.template, last.to) == (publishing.WELCOME, "grace@example.org")


def test_without_an_organisation_and_a_directory(scene: Scene) -> None:
    made = scene.detailed()
    user = scene.publish(made)
    scene.activate(made)
    assert (made.state, user.directory_id, user.mail_key) == ("active", None, "grace@example.org")
    assert scene.session.scalars(select(Membership).filter_by(user_id=user.id)).all() == []


def test_only_cloud_burst_does_it(scene: Scene) -> None:
    made = scene.detailed(organisation=scene.organisation)
    for actor, refusal in (
        (scene.make.operator, Forbidden),
        (scene.admin, Forbidden),
        (scene.make.member(scene.organisation), NotFound),
    ):
        with pytest.raises(refusal):
            scene.publish(made, actor)
        with pytest.raises(refusal):
            publishing.activate(scene.session, actor, made, NOON)
        with pytest.raises(refusal):
            publishing.ask_again(scene.session, actor, made, "x", NOON)
        with pytest.raises(refusal):
            publishing.expire(scene.session, actor, made, NOON + LASTS)
    assert made.state == "detailed"


def test_what_is_not_detailed_is_not_published(scene: Scene) -> None:
    made, _ = scene.confirmed()
    with pytest.raises(Conflict, match="confirmed cannot become published"):
        scene.publish(made)
    with pytest.raises(Conflict, match="confirmed cannot become active"):
        scene.activate(made)
    assert user_by_uid(scene.session, "grace") is None


def test_a_uid_that_was_taken_meanwhile_is_asked_for_again(scene: Scene) -> None:
    made = scene.detailed()
    scene.make.user("grace").mail = "another@example.org"
    scene.session.flush()
    with pytest.raises(Conflict, match="There is a user grace already"):
        scene.publish(made)
    before = links.token(SECRET, links.DETAIL, made)
    why = "the user name is taken in the directory"
    publishing.ask_again(scene.session, scene.burst, made, why, NOON)
    scene.session.flush()
    assert made.state == "confirmed"
    last = scene.session.scalars(select(Message).order_by(Message.id.desc()).limit(1)).one()
    assert (last.template, last.to) == (publishing.DETAILS_AGAIN, "grace@example.org")
    assert links.token(SECRET, links.DETAIL, made) != before
    scene.detail(made, "hopper")
    assert scene.publish(made).uid == "hopper"


def test_a_range_that_is_used_up(scene: Scene) -> None:
    for uid in ("ada", "bob"):
        scene.publish(scene.detailed(uid))
    with pytest.raises(LimitReached, match="is used up: widen the range"):
        scene.publish(scene.detailed("carol"))


def test_a_published_one_that_was_taken_back_keeps_user_number_and_key(scene: Scene) -> None:
    made = scene.detailed()
    user = scene.publish(made)
    commands.withdraw(scene.session, scene.make.operator, made, NOON)
    commands.invite_again(scene.session, scene.make.operator, made, NOON)
    scene.confirm(made)
    scene.detail(made, "grace")
    assert scene.publish(made) is user
    assert (made.uid_number, made.key) == (5001, None)
    assert len(keys.of_user(scene.session, user)) == 1


@pytest.mark.parametrize(
    ("before", "role"),
    [("invited", "admin"), ("withdrawn", "admin"), ("active", "member")],
)
def test_a_membership_that_is_there_is_taken_up(scene: Scene, before: str, role: str) -> None:
    made = scene.detailed(organisation=scene.organisation, role="admin")
    user = scene.publish(made)
    operator = scene.make.operator
    given = memberships.grant(scene.session, operator, scene.organisation, user, "member", NOON)
    given.state = before
    scene.session.flush()
    scene.activate(made)
    assert scene.membership(user) is given
    assert (given.state, given.role) == ("active", role)


def test_only_cloud_burst_admits(scene: Scene) -> None:
    for actor in (scene.make.operator, scene.admin):
        with pytest.raises((Forbidden, NotFound)):
            memberships.admit(
                scene.session, actor, scene.organisation, scene.make.user(), "admin", NOON
            )


def test_it_does_not_run_out_before_its_time(scene: Scene) -> None:
    made, _ = scene.confirmed()
    with pytest.raises(Conflict, match="does not run out before"):
        publishing.expire(scene.session, scene.burst, made, NOON + LASTS - timedelta(seconds=1))
    publishing.expire(scene.session, scene.burst, made, NOON + LASTS)
    assert made.state == "expired"
    detailed = scene.detailed("mary")
    with pytest.raises(Conflict, match="detailed cannot become expired"):
        publishing.expire(scene.session, scene.burst, detailed, NOON + LASTS)


def test_who_comes_back_with_another_uid_has_that_one(scene: Scene) -> None:
    made = scene.detailed(organisation=scene.organisation)
    user = scene.publish(made)
    commands.withdraw(scene.session, scene.admin, made, NOON)
    commands.invite_again(scene.session, scene.admin, made, NOON)
    scene.confirm(made)
    scene.detail(made, "hopper")
    assert scene.publish(made) is user
    assert (user.uid, user.name) == (made.uid, made.name) == ("hopper", "Hopper")
    assert user_by_uid(scene.session, "grace") is None
    newest, *_ = latest(scene.session, user.uuid)
    assert newest.why == "registered again"


def test_who_comes_back_with_a_uid_that_was_taken_meanwhile(scene: Scene) -> None:
    made = scene.detailed()
    scene.publish(made)
    commands.withdraw(scene.session, scene.make.operator, made, NOON)
    commands.invite_again(scene.session, scene.make.operator, made, NOON)
    scene.confirm(made)
    scene.detail(made, "hopper")
    scene.make.user("hopper")
    with pytest.raises(Conflict, match="There is a user hopper already"):
        scene.publish(made)
