"""What the test of people, operators, clouds and crashes in any order stands on.

A world with five people, who ask in turn; who may not is refused, and what is refused changes
nothing. What somebody may is told by the rows as they were before the step.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import Any
from uuid import UUID

from hypothesis.stateful import RuleBasedStateMachine
from sqlalchemy import select
from sqlalchemy.orm import Session

from cloudhands.burst.testing_capable import SERVICE
from cloudhands.burst.testing_chaos import ChaoticWorld
from cloudhands.burst.testing_invariants import Picture, seen
from cloudhands.common.actor.commands import user_of_person
from cloudhands.common.actor.tables import User
from cloudhands.common.appliance import commands as appliances
from cloudhands.common.appliance.commands import Goal
from cloudhands.common.appliance.queries import by_uuid
from cloudhands.common.appliance.tables import Appliance
from cloudhands.common.errors import Conflict, Forbidden, NotFound, Refused
from cloudhands.common.membership import commands as memberships
from cloudhands.common.membership.commands import RoleName
from cloudhands.common.membership.queries import locked
from cloudhands.common.membership.tables import Membership
from cloudhands.common.organisation.tables import Organisation
from cloudhands.common.provider.queries import subscription_to
from cloudhands.common.testing.factories import Factory, person

PEOPLE = {name: person(name) for name in ("ada", "ben", "cat", "dan", "eve")}
FIRST: dict[str, RoleName] = {"ada": "admin", "ben": "member", "cat": "member"}

Act = Callable[[Session, User], Any]


class Asking(RuleBasedStateMachine):
    """The world, and how somebody asks for something in it."""

    def __init__(self, opened: Callable[[], Any]) -> None:
        super().__init__()
        self._closing = ExitStack()
        self.world: ChaoticWorld = self._closing.enter_context(opened())
        with self.world.database.writing() as session:
            make = Factory(session)
            self.item_id = make.item(SERVICE).id
            organisation = session.get_one(Organisation, self.world.organisation_id)
            for name, role in FIRST.items():
                user = user_of_person(session, PEOPLE[name], None, make.now)
                memberships.grant(session, make.operator, organisation, user, role, make.now)
            for name in PEOPLE.keys() - FIRST.keys():
                user_of_person(session, PEOPLE[name], None, make.now)
        self.before: Picture = seen(self.world)
        self.refused = False

    def ask(self, who: str, act: Act, *, may: bool) -> Any:
        """Do what somebody asks; who may not is refused, and what is refused changes nothing."""
        made = None
        with self.refusing(may), self.world.database.writing() as session:
            made = act(session, self.user(session, who))
            session.flush()
            assert may, f"{who} may not do this"
        return made

    @contextmanager
    def refusing(self, may: bool = True) -> Iterator[None]:
        self.refused = False
        try:
            yield
        except (Forbidden, NotFound):
            assert not may
            self.refused = True
        except Refused:
            self.refused = True

    def user(self, session: Session, name: str) -> User:
        return user_of_person(session, PEOPLE[name], None, self.world.clock())

    def one(self, session: Session, uuid: UUID) -> Appliance:
        found = by_uuid(session, uuid, lock=True)
        assert found is not None
        return found

    def of(self, session: Session, name: str) -> Membership:
        user = self.user(session, name)
        query = select(Membership.id).where(Membership.user_id == user.id)
        found = session.scalar(query)
        if found is None:
            raise Conflict(f"{name} has no membership.")
        return locked(session, found)

    def subscription(self, session: Session, provider: str) -> Any:
        return subscription_to(session, self.world.organisation_id, provider, lock=True)

    def role(self, name: str) -> str | None:
        """What somebody is in the organisation, as the rows said before this step."""
        user_id = self.user_id(name)
        active = [row for row in self.before.memberships if row.state == "active"]
        return next((row.role for row in active if row.user_id == user_id), None)

    def user_id(self, name: str) -> int | None:
        known = {row.directory_id: row.id for row in self.before.users}
        return known.get(PEOPLE[name].id)

    def manages(self, name: str, uuid: UUID) -> bool:
        owned = {row.uuid: row.owner_id for row in self.before.appliances}
        role = self.role(name)
        return role == "admin" or (role is not None and owned[uuid] == self.user_id(name))

    def want_all(self, goal: Goal | None) -> None:
        """An administrator, if there is one, sets the goal of all that can have it."""
        found = seen(self.world)
        admins = [row.user_id for row in found.memberships if is_administrator(row)]
        if goal is None or not admins:
            return
        for row in found.appliances:
            with suppress(Conflict), self.world.database.writing() as session:
                admin, appliance = session.get_one(User, admins[0]), self.one(session, row.uuid)
                appliances.set_goal(session, admin, appliance, goal, self.world.clock())


def is_administrator(row: Any) -> bool:
    return (row.role, row.state) == ("admin", "active")
