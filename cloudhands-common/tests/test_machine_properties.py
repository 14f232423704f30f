"""Memberships and registrations: their commands in any order, by anybody.

Whatever is asked, each change of state is an arrow of the table, and what is refused changes
nothing. In the suite the runs are always the same ones; `CLOUDHANDS_EXAMPLES=500` looks for new.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session

from cloudhands.common.actor.commands import user_of_person
from cloudhands.common.actor.erasure import erase_user
from cloudhands.common.actor.tables import User
from cloudhands.common.db import Database
from cloudhands.common.errors import Refused
from cloudhands.common.history import Touch
from cloudhands.common.machine import Machine
from cloudhands.common.membership import commands as memberships
from cloudhands.common.membership.commands import NewRole
from cloudhands.common.membership.queries import locked
from cloudhands.common.membership.states import MEMBERSHIP
from cloudhands.common.membership.tables import Membership
from cloudhands.common.registration import commands as registrations
from cloudhands.common.registration import links, publishing
from cloudhands.common.registration.commands import LASTS, Details, NewRegistration
from cloudhands.common.registration.states import REGISTRATION
from cloudhands.common.registration.tables import Registration
from cloudhands.common.testing.factories import KEY, NOON, Factory, person

LONG = int(os.environ.get("CLOUDHANDS_EXAMPLES", "0"))
SECRET = b"s" * 32
NUMBERS = range(5000, 5100)
MAILS = ("grace@example.org", "henry@example.org")
UIDS = ("grace", "henry", "irene")
PEOPLE = {name: person(name) for name in ("ada", "ben", "cat")}

in_any_order = settings(
    max_examples=LONG or 15,
    derandomize=not LONG,
    deadline=None,
    database=None,
    phases=(Phase.generate, Phase.shrink),
    suppress_health_check=list(HealthCheck),
)


@dataclass
class Scene:
    session: Session
    now: datetime = NOON
    make: Factory = field(init=False)

    def __post_init__(self) -> None:
        self.make = Factory(self.session)
        self.organisation = self.make.organisation("physics")
        self.burst = self.make.burst
        ada = self.user("ada")
        memberships.grant(self.session, self.make.operator, self.organisation, ada, "admin", NOON)

    def user(self, name: str) -> User:
        return user_of_person(self.session, PEOPLE[name], None, self.now)

    def membership(self, name: str) -> Membership:
        user = self.user(name)
        query = select(Membership.id).where(Membership.user_id == user.id)
        found = self.session.scalar(query)
        if found is None:
            raise Refused("there is none")
        return locked(self.session, found)

    def registration(self, number: int) -> Registration:
        rows = self.session.scalars(select(Registration).order_by(Registration.id)).all()
        if not rows:
            raise Refused("there is none")
        return rows[number % len(rows)]

    def rows(self) -> list[Any]:
        """Everything that a command may change."""
        self.session.flush()
        tables = (Membership, Registration, User, Touch)
        return [
            self.session.execute(select(table.__table__).order_by(table.__table__.c.id)).all()
            for table in tables
        ]


Step = Callable[[Scene], object]


def goes_on(database: Database, machine: Machine, kind: str, steps: list[Step]) -> None:
    """Take each step in a transaction of its own, and compare."""
    with database.writing() as session:
        scene = Scene(session)
        for step in steps:
            before = scene.rows()
            asked = session.begin_nested()
            try:
                step(scene)
                session.flush()
                asked.commit()
            except Refused:
                asked.rollback()
                session.expire_all()
                assert scene.rows() == before
            holds(session, machine, kind)
        session.rollback()


def holds(session: Session, machine: Machine, kind: str) -> None:
    """History goes from each state to the next along the table's arrows, up to the present one."""
    last: dict[Any, str | None] = {}
    touches = session.scalars(
        select(Touch).where(Touch.artifact_kind == kind).order_by(Touch.artifact_uuid, Touch.number)
    )
    for touch in touches:
        source, target = touch.from_state, touch.to_state
        if touch.number == 1:
            assert source is None or source == machine.initial
        else:
            assert source == last[touch.artifact_uuid]
        if source != target:
            assert target == machine.initial if source is None else machine.allows(source, target)
        last[touch.artifact_uuid] = target
    for model in (Membership, Registration):
        if model.kind == kind:
            rows = session.execute(select(model.uuid, model.state)).all()
            assert {row.uuid: row.state for row in rows} == last


# --- memberships ---

WHO = st.sampled_from(["ada", "ada", "ben", "cat"])
ROLE = st.sampled_from(["member", "admin"])


def invites(who: str, whom: str, role: Any) -> Step:
    return lambda scene: memberships.invite(
        scene.session, scene.user(who), scene.organisation, PEOPLE[whom], role, scene.now
    )


def accepts(who: str, whom: str) -> Step:
    return lambda scene: memberships.accept(
        scene.session, scene.user(who), scene.membership(whom), scene.now
    )


def withdraws(who: str, whom: str) -> Step:
    return lambda scene: memberships.withdraw(
        scene.session, scene.user(who), scene.membership(whom), scene.now
    )


def sets_role(who: str, whom: str, role: Any) -> Step:
    return lambda scene: memberships.set_role(
        scene.session, scene.user(who), scene.membership(whom), NewRole(role=role), scene.now
    )


def grants(whom: str, role: Any) -> Step:
    return lambda scene: memberships.grant(
        scene.session, scene.make.operator, scene.organisation, scene.user(whom), role, scene.now
    )


def admits(whom: str, role: Any) -> Step:
    return lambda scene: memberships.admit(
        scene.session, scene.burst, scene.organisation, scene.user(whom), role, scene.now
    )


def erases(whom: str) -> Step:
    return lambda scene: erase_user(scene.session, scene.make.operator, scene.user(whom), scene.now)


MEMBERSHIPS = st.one_of(
    st.builds(invites, WHO, WHO, ROLE),
    st.builds(accepts, WHO, WHO),
    st.builds(withdraws, WHO, WHO),
    st.builds(sets_role, WHO, WHO, ROLE),
    st.builds(grants, WHO, ROLE),
    st.builds(admits, WHO, ROLE),
    st.builds(erases, WHO),
)


@in_any_order
@given(steps=st.lists(MEMBERSHIPS, min_size=5, max_size=25))
def test_memberships(common_database: Database, steps: list[Step]) -> None:
    goes_on(common_database, MEMBERSHIP, "membership", steps)


# --- registrations ---

WHICH = st.integers(0, 2)


def registers(mail: str, role: Any, inside: bool) -> Step:
    wanted = NewRegistration(mail=mail, role=role)
    return lambda scene: registrations.invite(
        scene.session,
        scene.make.operator,
        scene.organisation if inside else None,
        wanted,
        scene.now,
    )


def invites_again(which: int) -> Step:
    return lambda scene: registrations.invite_again(
        scene.session, scene.make.operator, scene.registration(which), scene.now
    )


def confirms(which: int) -> Step:
    def step(scene: Scene) -> object:
        found = scene.registration(which)
        token = links.token(SECRET, links.CONFIRM, found)
        return registrations.confirm(scene.session, found, token, SECRET, scene.now)

    return step


def details(which: int, uid: str) -> Step:
    wanted = Details(uid=uid, name=uid.title(), key=KEY)

    def step(scene: Scene) -> object:
        found = scene.registration(which)
        token = links.token(SECRET, links.DETAIL, found)
        registrations.detail(scene.session, found, token, SECRET, wanted, scene.now)
        return None

    return step


def publishes(which: int) -> Step:
    return lambda scene: publishing.publish(
        scene.session, scene.burst, scene.registration(which), NUMBERS, scene.now
    )


def activates(which: int) -> Step:
    return lambda scene: publishing.activate(
        scene.session, scene.burst, scene.registration(which), scene.now
    )


def asks_again(which: int) -> Step:
    return lambda scene: publishing.ask_again(
        scene.session, scene.burst, scene.registration(which), "the name is taken", scene.now
    )


def expires(which: int) -> Step:
    return lambda scene: publishing.expire(
        scene.session, scene.burst, scene.registration(which), scene.now
    )


def takes_back(which: int) -> Step:
    return lambda scene: registrations.withdraw(
        scene.session, scene.make.operator, scene.registration(which), scene.now
    )


def erases_registered(which: int) -> Step:
    def step(scene: Scene) -> object:
        found = scene.registration(which)
        if found.user is None:
            raise Refused("nobody is known yet")
        found.due_at = None  # cloud-burst has done with it
        return erase_user(scene.session, scene.make.operator, found.user, scene.now)

    return step


def waits(days: int) -> Step:
    def step(scene: Scene) -> None:
        scene.now += timedelta(days=days)

    return step


ON = st.one_of(
    st.builds(confirms, WHICH),
    st.builds(details, WHICH, st.sampled_from(UIDS)),
    st.builds(publishes, WHICH),
    st.builds(activates, WHICH),
)
REGISTRATIONS = st.one_of(
    st.builds(registers, st.sampled_from(MAILS), ROLE, st.booleans()),
    ON,
    ON,
    st.builds(invites_again, WHICH),
    st.builds(asks_again, WHICH),
    st.builds(expires, WHICH),
    st.builds(takes_back, WHICH),
    st.builds(erases_registered, WHICH),
    st.builds(waits, st.sampled_from([1, LASTS.days])),
)
THE_WAY = [
    registers(MAILS[0], "member", True),
    confirms(0),
    details(0, "grace"),
    publishes(0),
    activates(0),
]
BEGINNING = st.sampled_from([0, 3, 4, 5]).map(lambda count: THE_WAY[:count])


@in_any_order
@given(begun=BEGINNING, steps=st.lists(REGISTRATIONS, min_size=5, max_size=25))
def test_registrations(common_database: Database, begun: list[Step], steps: list[Step]) -> None:
    def known(scene: Scene) -> None:
        """Who is known by a registration has the name that it says, and is not erased."""
        for row in scene.session.scalars(select(Registration)):
            if row.state in ("published", "active") and row.user.erased_at is None:
                assert row.uid == row.user.uid
            if row.is_open:
                assert row.user is None or row.user.erased_at is None

    checked = [both for step in (*begun, *steps) for both in (step, known)]
    goes_on(common_database, REGISTRATION, "registration", checked)
