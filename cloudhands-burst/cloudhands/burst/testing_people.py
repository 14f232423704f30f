"""What people and operators ask for in the test of people, operators, clouds and crashes."""

from typing import Any
from uuid import UUID

from hypothesis import strategies as st
from hypothesis.stateful import Bundle, multiple, rule
from sqlalchemy.orm import Session

from cloudhands.burst.testing_asking import PEOPLE, Asking
from cloudhands.burst.testing_capable import SERVICE
from cloudhands.common.actor.erasure import erase_user
from cloudhands.common.actor.tables import User
from cloudhands.common.appliance import commands as appliances
from cloudhands.common.appliance import server_commands
from cloudhands.common.appliance.commands import Goal, Launch, Rename
from cloudhands.common.limits import Limits
from cloudhands.common.machine import move
from cloudhands.common.membership import commands as memberships
from cloudhands.common.membership.commands import NewRole, RoleName
from cloudhands.common.organisation import commands as organisations
from cloudhands.common.organisation.tables import Organisation
from cloudhands.common.provider import commands as providers
from cloudhands.common.provider.states import SUBSCRIPTION
from cloudhands.common.testing.factories import Factory

WHO = st.sampled_from(sorted(PEOPLE))
# Most of the time somebody who may: the refusals are short.
MOSTLY = st.sampled_from(["ada", "ada", "ada", "ben", "ben", *sorted(PEOPLE)])
GOAL = st.sampled_from(["running", "stopped", "deleted"])
PROVIDER = st.sampled_from(["private", "private", "public"])


class People(Asking):
    """Whose rules are what people and operators do."""

    launched: Bundle[UUID] = Bundle("launched")

    # --- people ---

    @rule(target=launched, who=MOSTLY, size=st.sampled_from(["small", "large", "none"]))
    def launch(self, who: str, size: str) -> Any:
        def act(session: Session, actor: User) -> UUID:
            organisation = session.get_one(Organisation, self.world.organisation_id)
            item = Factory(session).item(SERVICE)
            wanted = Launch(label="mine", size=size)
            now = self.world.clock()
            return appliances.launch(session, actor, organisation, item, wanted, now).uuid

        made = self.ask(who, act, may=self.role(who) is not None)
        return multiple() if made is None else made

    @rule(who=MOSTLY, what=launched, goal=GOAL)
    def set_goal(self, who: str, what: UUID, goal: Goal) -> None:
        def act(session: Session, actor: User) -> None:
            appliances.set_goal(session, actor, self.one(session, what), goal, self.world.clock())

        self.ask(who, act, may=self.manages(who, what))

    @rule(who=MOSTLY, what=launched)
    def retry(self, who: str, what: UUID) -> None:
        def act(session: Session, actor: User) -> None:
            appliances.retry(session, actor, self.one(session, what), self.world.clock())

        self.ask(who, act, may=self.manages(who, what))

    @rule(who=MOSTLY, what=launched)
    def reboot(self, who: str, what: UUID) -> None:
        def act(session: Session, actor: User) -> None:
            server_commands.reboot(session, actor, self.one(session, what), self.world.clock())

        self.ask(who, act, may=self.manages(who, what))

    @rule(who=MOSTLY, what=launched, size=st.sampled_from(["small", "large", "large", "none"]))
    def resize(self, who: str, what: UUID, size: str) -> None:
        def act(session: Session, actor: User) -> None:
            row, wanted = self.one(session, what), server_commands.Resize(size=size)
            server_commands.resize(session, actor, row, wanted, self.world.clock())

        self.ask(who, act, may=self.manages(who, what))

    @rule(who=MOSTLY, what=launched, label=st.sampled_from(["mine", "yours"]))
    def rename(self, who: str, what: UUID, label: str) -> None:
        def act(session: Session, actor: User) -> None:
            row, wanted = self.one(session, what), Rename(label=label)
            appliances.rename(session, actor, row, wanted, self.world.clock())

        self.ask(who, act, may=self.manages(who, what))

    @rule(who=MOSTLY, whom=WHO, role=st.sampled_from(["member", "admin"]))
    def invite(self, who: str, whom: str, role: RoleName) -> None:
        def act(session: Session, actor: User) -> None:
            organisation = session.get_one(Organisation, self.world.organisation_id)
            now = self.world.clock()
            memberships.invite(session, actor, organisation, PEOPLE[whom], role, now)

        self.ask(who, act, may=self.role(who) == "admin")

    @rule(who=WHO, whom=WHO)
    def accept(self, who: str, whom: str) -> None:
        def act(session: Session, actor: User) -> None:
            memberships.accept(session, actor, self.of(session, whom), self.world.clock())

        self.ask(who, act, may=who == whom)

    @rule(who=MOSTLY, whom=WHO)
    def withdraw(self, who: str, whom: str) -> None:
        def act(session: Session, actor: User) -> None:
            memberships.withdraw(session, actor, self.of(session, whom), self.world.clock())

        self.ask(who, act, may=self.role(who) == "admin")

    @rule(who=MOSTLY, whom=WHO, role=st.sampled_from(["member", "admin"]))
    def set_role(self, who: str, whom: str, role: RoleName) -> None:
        def act(session: Session, actor: User) -> None:
            membership, wanted = self.of(session, whom), NewRole(role=role)
            memberships.set_role(session, actor, membership, wanted, self.world.clock())

        self.ask(who, act, may=self.role(who) == "admin")

    # --- operators ---

    @rule(name=st.sampled_from(["appliances", "vcpus"]), limit=st.sampled_from([None, 0, 2, 5]))
    def limit_organisation(self, name: str, limit: int | None) -> None:
        with self.world.database.writing() as session:
            operator, wanted = Factory(session).operator, Limits(**{name: limit})
            row = session.get_one(Organisation, self.world.organisation_id, with_for_update=True)
            organisations.set_limits(session, operator, row, wanted, self.world.clock())

    @rule(provider=PROVIDER, limit=st.sampled_from([None, 0, 1, 3]))
    def limit_subscription(self, provider: str, limit: int | None) -> None:
        with self.world.database.writing() as session:
            operator, wanted = Factory(session).operator, Limits(addresses=limit)
            row = self.subscription(session, provider)
            providers.set_limits(session, operator, row, wanted, self.world.clock())

    @rule(provider=PROVIDER, way=st.integers(0, 1))
    def move_subscription(self, provider: str, way: int) -> None:
        with self.world.database.writing() as session:
            operator, row = Factory(session).operator, self.subscription(session, provider)
            ways = [arrow for arrow in SUBSCRIPTION.arrows if arrow.source == row.state]
            arrow = ways[way % len(ways)]
            now = self.world.clock()
            move(session, SUBSCRIPTION, row, arrow.target, operator, arrow.meaning, now)

    @rule(whom=WHO)
    def erase(self, whom: str) -> None:
        user_id = self.user_id(whom)
        if user_id is None:
            return
        theirs = [row for row in self.before.appliances if row.owner_id == user_id]
        with self.refusing(), self.world.database.writing() as session:
            user, operator = session.get_one(User, user_id), Factory(session).operator
            erase_user(session, operator, user, self.world.clock())
        assert self.refused == any(row.state != "deleted" for row in theirs)
