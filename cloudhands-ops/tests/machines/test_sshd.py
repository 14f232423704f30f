"""A real sshd asks the real portal who may sign in, as a machine's user data have it do."""

import os
from contextlib import ExitStack
from pathlib import Path

import pytest

from cloudhands.burst.testing_machine import IS_ROOT
from cloudhands.common.account import keys
from cloudhands.common.account.tables import SshKey
from cloudhands.common.appliance.tables import Appliance
from cloudhands.common.membership import commands as memberships
from cloudhands.common.membership.tables import Membership
from cloudhands.common.testing.programs import require, unavailable
from cloudhands.common.testing.sshd import make_key, sshd
from cloudhands.web.testing import NOW, user


@pytest.fixture
def key(tmp_path):
    """A key of the member's."""
    return make_key(tmp_path / "member")


def add(portal, uid, key):
    with portal.services.database.writing() as session:
        wanted = keys.NewKey(label="test", key=key.public)
        keys.add_key(session, user(session, uid), wanted, NOW)


class Place:
    """A machine whose sshd runs, and the portal that it asks."""

    def __init__(self, portal, machine, folder, stack):
        self.machine, self.portal, self._stack = machine, portal, stack
        self._portal_runs = ExitStack()
        self.address = stack.enter_context(self._portal_runs).enter_context(portal.served())
        self._folder = folder

    def run(self, uuid, **options):
        self.machine.set_up(self.address, uuid, **options)
        extra = Path(self.machine.layout.sshd)
        self._sshd = self._stack.enter_context(sshd(self._folder, extra))

    def lets_in(self, key):
        return self._sshd.lets_in(key)

    def lose_the_portal(self):
        self._portal_runs.close()


def place_of(portal, machine, folder):
    require("sshd", "openssh-server")
    if not IS_ROOT:
        unavailable("an sshd that asks: its scripts must be root's, so run the tests as root")
    folder.mkdir()
    return ExitStack(), lambda stack: Place(portal, machine, folder, stack)


@pytest.fixture
def place(portal, machine, tmp_path):
    stack, make = place_of(portal, machine, tmp_path / "sshd")
    with stack:
        yield make(stack)


@pytest.fixture
def any_place(any_portal, machine, tmp_path):
    """The same on each kind of database."""
    stack, make = place_of(any_portal, machine, tmp_path / "sshd")
    with stack:
        yield make(stack)


def withdraw(portal, uid):
    with portal.services.database.writing() as session:
        person = user(session, uid)
        membership = session.query(Membership).filter_by(user_id=person.id).one()
        memberships.withdraw(session, user(session, "admin"), membership, NOW)


def test_a_withdrawn_member_cannot_sign_in_any_more(any_place, key, tmp_path):
    portal, of_admin, of_nobody = (
        any_place.portal,
        make_key(tmp_path / "a"),
        make_key(tmp_path / "n"),
    )
    add(portal, "member", key)
    add(portal, "admin", of_admin)
    add(portal, "stranger", of_nobody)
    any_place.run(portal.world.appliance)
    assert any_place.lets_in(key)
    assert any_place.lets_in(of_admin)
    assert not any_place.lets_in(of_nobody)
    withdraw(portal, "member")
    assert not any_place.lets_in(key)
    assert any_place.lets_in(of_admin)
    # Also while nobody answers.
    any_place.lose_the_portal()
    assert not any_place.lets_in(key)
    assert any_place.lets_in(of_admin)


def test_without_the_portal_a_member_can_for_a_time(place, key):
    place.run(place.portal.world.appliance)
    assert not place.lets_in(key)
    add(place.portal, "member", key)
    assert place.lets_in(key)
    place.lose_the_portal()
    assert place.lets_in(key)
    old = place.machine.kept.stat().st_mtime - 25 * 3600
    os.utime(place.machine.kept, (old, old))
    assert not place.lets_in(key)


def test_a_portal_that_is_away_at_the_first_boot_locks_nobody_out(place, key):
    place.lose_the_portal()
    place.run(place.portal.world.appliance, keys=(key.public,))
    assert place.lets_in(key)


def test_a_removed_key_closes(place, key):
    add(place.portal, "member", key)
    place.run(place.portal.world.appliance, keys=(key.public,))
    assert place.lets_in(key)
    with place.portal.services.database.writing() as session:
        (kept,) = [one for one in session.query(SshKey) if one.key == key.public]
        keys.remove_key(session, user(session, "member"), kept.uuid, NOW)
    assert not place.lets_in(key)


def test_another_machines_token_opens_nothing(place, key):
    add(place.portal, "member", key)
    world = place.portal.world
    place.run(world.appliance, keys=(key.public,), of=world.other_appliance)
    assert not place.lets_in(key)
    place.lose_the_portal()
    assert not place.lets_in(key)


def test_the_machine_of_what_is_deleted_lets_nobody_in(place, key):
    add(place.portal, "member", key)
    place.run(place.portal.world.appliance)
    assert place.lets_in(key)
    with place.portal.services.database.writing() as session:
        session.query(Appliance).update({"state": "deleted"})
    assert not place.lets_in(key)


def test_keys_in_a_home_folder_do_not_count(place):
    place.run(place.portal.world.appliance)
    config = Path(place.machine.layout.sshd).read_text(encoding="ascii")
    assert "AuthorizedKeysFile none" in config.splitlines()


def test_the_machine_reports_to_the_portal(place):
    machine, world = place.machine, place.portal.world
    machine.put("cloud-init", "exit 0")
    place.run(world.appliance)
    command = f"{machine.layout.sbin}/cloudhands-authorized-keys"
    machine.put("sshd", f"echo authorizedkeyscommand {command} %u")
    Path(machine.layout.log).write_text("Cloud-init finished\n", encoding="utf-8")
    assert os.spawnve(os.P_WAIT, f"{machine.layout.sbin}/cloudhands-report", ["report"], {}) == 0
    found = place.portal.client("member").document(f"/appliances/{world.appliance}")
    assert (found["setup"], found["setup_log"]) == ("ready", "Cloud-init finished")
