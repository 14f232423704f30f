"""The people who go on wishing whatever happens, and the operator who resumes what is paused."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import Random

from chaos_world import World
from sqlalchemy import select
from sqlalchemy.orm import Session

from cloudhands.common import clock, work
from cloudhands.common.actor.tables import User
from cloudhands.common.appliance import commands, server_commands
from cloudhands.common.appliance.commands import Goal
from cloudhands.common.appliance.tables import Appliance
from cloudhands.common.catalogue.tables import CatalogueItem
from cloudhands.common.errors import Conflict, LimitReached
from cloudhands.common.organisation.tables import Organisation
from cloudhands.common.provider import pausing, queries
from cloudhands.common.testing.factories import Factory

Wish = Callable[[Session, User, Appliance], None]
SIZES = ("small", "large")


@dataclass
class People:
    """Make wishes, by chance.

    :ivar wished: how often each was granted; what cannot be done now is counted as refused.
    """

    world: World
    random: Random
    wished: Counter[str] = field(default_factory=Counter)

    def launch(self, count: int) -> None:
        """Ask for so many more appliances."""
        for _ in range(count):
            with self.world.database.writing() as session:
                organisation = session.get_one(Organisation, self.world.organisation_id)
                owner = session.get_one(User, self.world.owner_id)
                item = session.get_one(CatalogueItem, self.random.choice(self.world.items))
                number = self.wished["launch"] + 1
                wanted = commands.Launch(label=f"appliance{number}", size=SIZES[0])
                commands.launch(session, owner, organisation, item, wanted, clock.now())
            self.wished["launch"] += 1

    def wish(self, chances: Mapping[str, float]) -> None:
        """Wish one thing of one of the appliances.

        :param chances: how likely each is, compared with the others.
        """
        name = self.random.choices(list(chances), list(chances.values()))[0]
        verb = self._verbs[name]
        try:
            with self.world.database.writing() as session:
                ids = session.scalars(
                    select(Appliance.id).where(Appliance.goal != "deleted").order_by(Appliance.id)
                ).all()
                if not ids:
                    return
                wanted = select(Appliance).where(Appliance.id == self.random.choice(ids))
                appliance = session.scalars(wanted.with_for_update()).one()
                verb(session, session.get_one(User, self.world.owner_id), appliance)
        except (Conflict, LimitReached):
            self.wished["refused"] += 1
        else:
            self.wished[name] += 1

    def resume(self) -> None:
        """As the operator does who thinks that a cloud works again."""
        with self.world.database.reading() as session:
            names = list(queries.paused(session))
        for name in names:
            with self.world.database.writing() as session:
                operator = Factory(session, clock.now()).operator
                provider = queries.by_name(session, name, lock=True)
                assert provider is not None, "it is paused"
                pausing.resume(session, operator, provider, "resumed by an operator", clock.now())
                provider.attempt = 0
            self.wished["resume"] += 1

    def hasten(self) -> None:
        """As `cloud-admin burst retry --all` does."""
        with self.world.database.writing() as session:
            now = clock.now()
            work.wake_all(session, Appliance, now, Appliance.due_at > now)

    @property
    def _verbs(self) -> Mapping[str, Wish]:
        return {
            "stop": self._goal("stopped"),
            "start": self._goal("running"),
            "delete": self._goal("deleted"),
            "reboot": lambda *about: server_commands.reboot(*about, clock.now()),
            "resize": self._resize,
            "retry": lambda *about: commands.retry(*about, clock.now()),
        }

    def _goal(self, goal: Goal) -> Wish:
        def wish(session: Session, owner: User, appliance: Appliance) -> None:
            commands.set_goal(session, owner, appliance, goal, clock.now())

        return wish

    def _resize(self, session: Session, owner: User, appliance: Appliance) -> None:
        other = SIZES[1 - SIZES.index(appliance.size)]
        wanted = server_commands.Resize(size=other)
        server_commands.resize(session, owner, appliance, wanted, clock.now())
