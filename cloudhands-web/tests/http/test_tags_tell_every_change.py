"""Whatever happens, a page whose tag stayed the same is the same page, byte by byte."""

import random

from cloudhands.common.account import keys
from cloudhands.common.actor.commands import refresh_user
from cloudhands.common.actor.tables import User
from cloudhands.common.appliance import commands as appliances
from cloudhands.common.appliance import server_commands
from cloudhands.common.appliance.queries import living_node
from cloudhands.common.appliance.states import APPLIANCE
from cloudhands.common.appliance.tables import Appliance, Node
from cloudhands.common.catalogue import commands as catalogue
from cloudhands.common.catalogue.tables import CatalogueItem
from cloudhands.common.cloud import Capabilities
from cloudhands.common.errors import Refused
from cloudhands.common.expiry import commands as expiry
from cloudhands.common.limits import give_back
from cloudhands.common.machine import move
from cloudhands.common.membership import commands as memberships
from cloudhands.common.membership.tables import Membership
from cloudhands.common.organisation.tables import Organisation
from cloudhands.common.person import Person
from cloudhands.common.provider.commands import tell_capabilities
from cloudhands.common.provider.tables import Provider
from cloudhands.common.testing.factories import ITEM, KEY, Factory, person
from cloudhands.web.http.negotiation import HAL_FORMS
from cloudhands.web.testing import NOW, PEOPLE, able_to_change, index_people, user

STEPS = 80


class Life:
    """What people, cloud-burst, operators and the directory do to the portal's world."""

    def __init__(self, portal, seed):
        self.portal, self.chance = portal, random.Random(seed)
        self.done = 0

    def step(self):
        act = self.chance.choice(
            [
                self.launch,
                self.set_goal,
                self.set_goal,
                self.progress,
                self.progress,
                self.progress,
                self.problem,
                self.rest,
                self.rename,
                self.reboot,
                self.resize,
                self.tell_capabilities,
                self.extend,
                self.expire,
                self.invite,
                self.accept,
                self.withdraw,
                self.set_role,
                self.add_key,
                self.remove_key,
                self.load,
                self.rename_person,
                self.rename_person,
                self.sync,
            ]
        )
        try:
            with self.portal.services.database.writing() as session:
                act(session)
            self.done += 1
        except Refused:
            pass

    def one(self, session, model):
        return self.chance.choice(session.query(model).order_by(model.id).all())

    def label(self):
        return f"name {self.chance.randrange(4)}"

    def launch(self, session):
        organisation = session.query(Organisation).filter_by(name="physics").one()
        wanted = appliances.Launch(label=self.label(), size="small")
        item, by = session.query(CatalogueItem).first(), user(session, "member")
        appliances.launch(session, by, organisation, item, wanted, NOW)

    def set_goal(self, session):
        goal = self.chance.choice(["running", "stopped", "deleted"])
        appliances.set_goal(
            session, user(session, "admin"), self.one(session, Appliance), goal, NOW
        )

    def progress(self, session):
        make, appliance = Factory(session, NOW), self.one(session, Appliance)
        targets = [one.target for one in APPLIANCE.arrows if one.source == appliance.state]
        if not targets:
            return
        target = self.chance.choice(targets)
        move(session, APPLIANCE, appliance, target, make.burst, f"it is {target}", NOW)
        node = living_node(session, appliance)
        if target == "provisioning" and node is None:
            self.place(session, appliance)
        if target == "deleted":
            appliance.due_at = None
            give_back(session, Organisation, appliance.organisation_id, appliance.share)

    def place(self, session, appliance):
        """As `burst.reconcilers.appliance.record` does: each change shown raises the version."""
        provider = session.query(Provider).first()
        appliance.provider_id, appliance.version = provider.id, appliance.version + 1
        session.add(
            Node(
                appliance_id=appliance.id,
                generation=appliance.generation,
                provider_id=provider.id,
                made_at=NOW,
            )
        )

    def problem(self, session):
        appliance = self.one(session, Appliance)
        appliance.problem = self.label()
        appliance.version += 1

    def rest(self, session):
        appliance = self.one(session, Appliance)
        appliance.due_at = self.chance.choice([None, NOW])

    def rename(self, session):
        wanted = appliances.Rename(label=self.label())
        appliances.rename(
            session, user(session, "admin"), self.one(session, Appliance), wanted, NOW
        )

    def reboot(self, session):
        by = user(session, "admin")
        server_commands.reboot(session, by, self.one(session, Appliance), NOW)

    def resize(self, session):
        wanted = server_commands.Resize(size=self.chance.choice(["small", "large"]))
        by = user(session, "admin")
        server_commands.resize(session, by, self.one(session, Appliance), wanted, NOW)

    def tell_capabilities(self, session):
        able_to_change(session, self.one(session, Appliance))
        able = self.chance.choice([Capabilities(), Capabilities(resize=True, reboot=True)])
        tell_capabilities(session, Factory(session, NOW).burst, "private", able, NOW)

    def extend(self, session):
        by, days = user(session, "admin"), self.chance.choice([1, 7, 30])
        appliance = self.one(session, Appliance)
        appliance.expires_at = appliance.expires_at or NOW
        expiry.extend(session, by, appliance, days, NOW)

    def expire(self, session):
        appliance = self.one(session, Appliance)
        if appliance.expires_at and not appliance.expired_at:
            expiry.expire(session, Factory(session, NOW).burst, appliance, NOW, NOW)

    def invite(self, session):
        organisation = session.query(Organisation).filter_by(name="physics").one()
        whom = self.chance.choice(PEOPLE)
        memberships.invite(session, user(session, "admin"), organisation, whom, "member", NOW)

    def accept(self, session):
        membership = self.one(session, Membership)
        memberships.accept(session, membership.user, membership, NOW)

    def withdraw(self, session):
        membership = self.one(session, Membership)
        if membership.user.uid not in ("member", "invitee"):
            memberships.withdraw(session, user(session, "admin"), membership, NOW)

    def set_role(self, session):
        wanted = memberships.NewRole(role=self.chance.choice(["member", "admin"]))
        membership = self.one(session, Membership)
        memberships.set_role(session, user(session, "admin"), membership, wanted, NOW)

    def add_key(self, session):
        wanted = keys.NewKey(label=self.label(), key=KEY)
        keys.add_key(session, self.one(session, User), wanted, NOW)

    def remove_key(self, session):
        by = user(session, "member")
        for key in keys.of_user(session, by):
            keys.remove_key(session, by, key.uuid, NOW)

    def load(self, session):
        name = f"item-{self.chance.randrange(3)}"
        wanted = ITEM.model_copy(update={"name": name, "title": self.label()})
        catalogue.load(session, Factory(session, NOW).operator, [wanted], NOW)

    def rename_person(self, session):
        one = user(session, self.chance.choice(["admin", "member", "invitee"]))
        refresh_user(session, one, Person(one.directory_id, one.uid, self.label(), one.mail), NOW)

    def sync(self, session):
        found = [person("ghopper", self.label()), *PEOPLE]
        folder = self.portal.services.settings.path(self.portal.services.settings.index.folder)
        index_people(folder, found)


def looks(world):
    organisation = f"/organisations/{world.organisation}"
    return [
        ("", "/"),
        ("invitee", "/"),
        ("admin", organisation),
        ("member", organisation),
        ("member", f"{organisation}/catalogue"),
        ("member", f"{organisation}/catalogue/{world.item}"),
        ("member", f"/appliances/{world.appliance}"),
        ("admin", f"/appliances/{world.appliance}/rename"),
        ("admin", f"{organisation}/people?q=name"),
        ("member", "/account"),
        ("member", "/rels"),
        ("invitee", f"/invitations/{world.invitation}"),
        ("admin", f"/memberships/{world.invitation}"),
    ]


def test_the_same_tag_means_the_same_page(any_portal):
    portal, life = any_portal, Life(any_portal, seed=7)
    clients = {uid: portal.client(uid) for uid, _ in looks(portal.world)}
    kept, changed = {}, set()
    for _ in range(STEPS):
        life.step()
        for uid, path in looks(portal.world):
            for accept in ("text/html", HAL_FORMS):
                answer = clients[uid].get(path, headers={"Accept": accept})
                if answer.status_code != 200:
                    continue
                look = (uid, path, accept)
                tag, body = answer.headers["etag"], answer.text.replace(answer.headers["etag"], "")
                before = kept.get(look)
                if before is not None and before[0] == tag:
                    assert before[1] == body, look
                elif before is not None:
                    changed.add(look)
                kept[look] = (tag, body)
    assert life.done > STEPS / 3
    assert len(changed) >= 2 * (len(looks(portal.world)) - 2), "nearly every page has changed"
