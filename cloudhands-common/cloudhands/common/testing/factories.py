"""Makes rows for tests through the same commands that people use."""

from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from uuid import uuid4

from sqlalchemy.orm import Session

from cloudhands.common import settings
from cloudhands.common.actor import commands as actors
from cloudhands.common.actor.queries import BURST, OPERATOR
from cloudhands.common.actor.tables import Component, User
from cloudhands.common.appliance import commands as appliances
from cloudhands.common.appliance.tables import Appliance
from cloudhands.common.catalogue import commands as catalogue
from cloudhands.common.catalogue.queries import every
from cloudhands.common.catalogue.tables import CatalogueItem
from cloudhands.common.membership import commands as memberships
from cloudhands.common.membership.commands import RoleName
from cloudhands.common.organisation import commands as organisations
from cloudhands.common.organisation.tables import Organisation
from cloudhands.common.person import Person
from cloudhands.common.placement import Candidate, Verdict
from cloudhands.common.placement.asking import ask
from cloudhands.common.provider import commands as providers
from cloudhands.common.provider.commands import Overflow

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)

ITEM = catalogue.ItemDefinition.model_validate(
    {
        "name": "analysis-desktop",
        "title": "Analysis desktop",
        "summary": "A desktop with the usual tools.",
        "images": {"private": "debian-12", "public": "debian-12"},
        "sizes": {
            "small": {
                "title": "Small",
                "vcpus": 1,
                "memory_mb": 2048,
                "disk_gb": 10,
                "on": {"private": "m1.small", "public": "m1.small"},
            }
        },
        "default_size": "small",
    }
)

PROVIDERS = {
    "private": settings.Provider(kind="simulated", label="Private cloud", priority=10),
    "public": settings.Provider(kind="simulated", label="Public cloud", public=True, priority=20),
}

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f"


@dataclass
class Factory:
    """Makes rows in one session; names are numbered, so that each is new."""

    session: Session
    now: datetime = NOON

    def __post_init__(self) -> None:
        self._numbers = count(1)

    @property
    def operator(self) -> Component:
        """The operator at the command line."""
        return actors.component(self.session, OPERATOR, self.now)

    @property
    def burst(self) -> Component:
        """cloud-burst."""
        return actors.component(self.session, BURST, self.now)

    def user(self, uid: str = "") -> User:
        """A local user without a password."""
        uid = uid or f"user{next(self._numbers)}"
        wanted = actors.NewUser(uid=uid, name=uid.title(), mail=f"{uid}@example.org")
        return actors.create_user(self.session, self.operator, wanted, self.now)

    def organisation(
        self, name: str = "", *, limit: int = 20, overflow: Overflow = "auto"
    ) -> Organisation:
        """An organisation that is subscribed to `PROVIDERS`."""
        name = name or f"organisation{next(self._numbers)}"
        wanted = organisations.NewOrganisation(
            name=name, title=name.title(), appliances_limit=limit
        )
        made = organisations.create(self.session, self.operator, wanted, self.now)
        providers.subscribe(self.session, self.operator, made, PROVIDERS, overflow, self.now)
        return made

    def member(self, organisation: Organisation, uid: str = "", role: RoleName = "member") -> User:
        """A new user who is an active member."""
        user = self.user(uid)
        memberships.grant(self.session, self.operator, organisation, user, role, self.now)
        return user

    def item(self, definition: catalogue.ItemDefinition = ITEM) -> CatalogueItem:
        """A catalogue item."""
        catalogue.load(self.session, self.operator, [definition], self.now)
        return next(item for item in every(self.session) if item.name == definition.name)

    def appliance(
        self,
        organisation: Organisation,
        owner: User,
        label: str = "",
        size: str = "small",
        lifetime_days: int | None = None,
    ) -> Appliance:
        """A requested appliance."""
        wanted = appliances.Launch(label=label or f"appliance{next(self._numbers)}", size=size)
        return appliances.launch(
            self.session, owner, organisation, self.item(), wanted, self.now, lifetime_days
        )

    def asking(self, organisation: Organisation, owner: User, label: str = "") -> Appliance:
        """A requested appliance that waits for the approval of a public cloud."""
        appliance = self.appliance(organisation, owner, label)
        terms = "Public cloud (about 73.00 EUR a month)"
        public = Candidate("public", "Public cloud", public=True, priority=20, overflow="ask")
        self.session.flush()
        ask(self.session, appliance, Verdict(public, "has to be approved", asks=terms), self.now)
        appliance.problem = f"It waits for an administrator's approval to use {terms}."
        return appliance


def person(uid: str, name: str = "") -> Person:
    """A person as the directory describes one."""
    return Person(id=str(uuid4()), uid=uid, name=name or uid.title(), mail=f"{uid}@example.org")
