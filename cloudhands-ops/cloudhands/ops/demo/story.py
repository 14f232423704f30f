"""The main job, done over HTTP by two people: `demo.sh --story`.

The administrator invites a colleague, who launches more appliances than the private cloud holds.
It can be told again on the same state: what an earlier telling left is found, and told of.
"""

import sys
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import pairwise

from cloudhands.common.settings import Settings
from cloudhands.common.testing import people
from cloudhands.ops.demo import clouds, configuration, directory, keys, setup
from cloudhands.ops.demo.client import Client, Resource
from cloudhands.ops.demo.person import Person
from cloudhands.ops.demo.place import Place
from cloudhands.ops.demo.telling import Failed, Teller, expect, until

LABELS = tuple(f"Story {number}" for number in range(1, 7))
KEY = "Story"
ITEM, SIZE = "Analysis desktop", "small"
TYPED = "grase hoper"
CHANGE_SECONDS = 40

# What the appliance that is stopped, started and deleted goes through, and what all do.
LAUNCH = ("requested", "provisioning", "running")
WHOLE_LIFE = (*LAUNCH, "stopping", "stopped", "starting", "running", "deleting", "deleted")


def tell(place: Place) -> int:
    """Tell the story; returns the exit status.

    :param place: of a demonstration that is up.
    """
    settings = configuration.read(place)
    address = configuration.address(settings.portal.port)
    teller = Teller(lambda line: print(line, flush=True))
    try:
        with Client(address) as first, Client(address) as second:
            administrator = Person(first, setup.administrator(place), setup.ORGANISATION_TITLE)
            colleague = Person(second, invited(), setup.ORGANISATION_TITLE)
            Story(settings, teller, administrator, colleague).tell()
    except Failed as error:
        print(f"FAILED: {error}", file=sys.stderr)
        return 1
    teller.end()
    return 0


def invited() -> directory.SignIn:
    """Whom the administrator invites, with the directory's password."""
    uid, given, family = people.COLLEAGUE
    return directory.SignIn(f"{given} {family}", uid, directory.PASSWORD)


class Story:
    """The steps, in order; each is checked.

    :param settings: the demonstration's, for what the clouds themselves hold.
    :param administrator: signs in with a local password.
    :param colleague: signs in through the directory.
    """

    def __init__(
        self, settings: Settings, teller: Teller, administrator: Person, colleague: Person
    ) -> None:
        self._settings = settings
        self._teller = teller
        self._administrator = administrator
        self._colleague = colleague
        # What each appliance of this telling looks like, by its label.
        self._launched: dict[str, Resource] = {}

    def tell(self) -> None:
        """Every step.

        :raises Failed: at the first one that fails.
        """
        self._invite()
        self._join()
        self._add_key()
        self._clear()
        self._launch()
        self._change()
        self._show_history()
        self._count()

    # --- two people --------------------------------------------------------------------------

    def _invite(self) -> None:
        administrator, colleague = self._administrator, self._colleague
        with self._teller.step(f"{administrator.name} signs in with a local password"):
            administrator.sign_in()
        with self._teller.step(f"{administrator.name} types {TYPED!r} and finds {colleague.name}"):
            found = administrator.search(TYPED)
            expect(bool(found), f"nobody is like {TYPED!r}")
            expect(found[0]["name"] == colleague.name, f"{found[0]['name']} is found instead")
        if administrator.membership_of(colleague.uid):
            self._teller.remark(f"{colleague.name} was invited in an earlier telling")
            return
        with self._teller.step(f"{administrator.name} invites {colleague.name}"):
            administrator.invite(TYPED)
            membership = administrator.membership_of(colleague.uid)
            expect(membership is not None and membership["state"] == "invited", "not invited")

    def _join(self) -> None:
        colleague = self._colleague
        with self._teller.step(f"{colleague.name} signs in with the directory's password"):
            colleague.sign_in()
        if colleague.is_member():
            self._teller.remark(f"{colleague.name} became a member in an earlier telling")
            return
        with self._teller.step(f"{colleague.name} finds the invitation and accepts it"):
            invitations = colleague.invitations()
            expect(len(invitations) == 1, f"{len(invitations)} invitations")
            self._teller.detail(f"{invitations[0]['organisation']}, as {invitations[0]['role']}")
            colleague.accept()
            expect(colleague.is_member(), "not a member afterwards")

    def _add_key(self) -> None:
        colleague = self._colleague
        if any(key["label"] == KEY for key in colleague.authorized_keys()):
            self._teller.remark(f"{colleague.name} added an SSH key in an earlier telling")
            return
        with self._teller.step(f"{colleague.name} adds an SSH key"):
            added = colleague.add_key(KEY, keys.new_line(colleague.uid))
            self._teller.detail(added["fingerprint"])

    # --- appliances --------------------------------------------------------------------------

    def _clear(self) -> None:
        """Delete what an earlier telling launched, for the same labels and the same room."""
        left = self._ours()
        if not left:
            return
        with self._teller.step(f"{len(left)} appliances of an earlier telling are deleted"):
            for appliance in left:
                self._colleague.set_goal(appliance, "deleted")
            until(self._ours, lambda found: not found, CHANGE_SECONDS, "still there")

    def _ours(self) -> Sequence[Resource]:
        return [one for one in self._colleague.appliances() if one["label"] in LABELS]

    def _launch(self) -> None:
        room = self._room()
        with self._teller.step(f"{self._colleague.name} launches {len(LABELS)} appliances"):
            for label in LABELS:
                self._launched[label] = self._colleague.launch(ITEM, label, SIZE)
        with self._teller.step("all of them run and have addresses"):
            for label in LABELS:
                self._wait(label, "running", lambda one: bool(one["addresses"]))
            for label, one in self._launched.items():
                self._teller.detail(f"{label}  {one['provider']:8} {', '.join(one['addresses'])}")
        with self._teller.step(
            f"{room} are on the private cloud, {len(LABELS) - room} on the public one"
        ):
            placed = Counter(one["provider"] for one in self._launched.values())
            expect(placed["private"] == room, f"{placed['private']} are on the private cloud")
            expect(placed.total() == len(LABELS), f"they are on {dict(placed)}")
            for label, one in self._launched.items():
                self._teller.detail(f"{label}  {one['provider']:8} {_reason(one)}")

    def _room(self) -> int:
        """How many of ours the private cloud can take: all of it, unless somebody else is there."""
        others = [one for one in self._colleague.appliances() if one["provider"] == "private"]
        return min(len(LABELS), max(0, configuration.PRIVATE_SERVERS - len(others)))

    def _change(self) -> None:
        label = LABELS[0]
        for verb, goal in (("stops", "stopped"), ("starts", "running"), ("deletes", "deleted")):
            with self._teller.step(f"{self._colleague.name} {verb} {label}"):
                self._colleague.set_goal(self._launched[label], goal)
                self._wait(label, goal)

    def _wait(
        self, label: str, state: str, good: Callable[[Resource], bool] = lambda one: True
    ) -> None:
        def look() -> Resource:
            return self._colleague.look(self._launched[label])

        def reached(one: Resource) -> bool:
            expect(one["state"] != "failed", f"{label} has failed: {one['problem']}")
            return bool(one["state"] == state and good(one))

        self._launched[label] = until(look, reached, CHANGE_SECONDS, f"{label} is not {state}")

    # --- what happened -----------------------------------------------------------------------

    def _show_history(self) -> None:
        for label, one in self._launched.items():
            with self._teller.step(f"the history of {label}: who, when, why"):
                events = self._colleague.look(one).embedded("ch:history")[::-1]
                for event in events:
                    self._teller.detail(_line(event))
                _check(events, WHOLE_LIFE if label == LABELS[0] else LAUNCH)

    def _count(self) -> None:
        with self._teller.step("the counts: what the portal says and what the clouds hold"):
            shown = self._colleague.appliances()
            by_state = Counter(f"{one['provider']}, {one['state']}" for one in shown)
            for what, count in sorted(by_state.items()):
                self._teller.detail(f"the portal: {count} {what}")
            self._compare(Counter(one["provider"] for one in shown))

    def _compare(self, appliances: Counter[str]) -> None:
        for provider, servers in clouds.servers(self._settings).items():
            self._teller.detail(f"the {provider} cloud: {len(servers)} servers")
            expect(len(set(servers)) == len(servers), f"an appliance has two servers on {provider}")
            expect(len(servers) == appliances[provider], f"the portal says {appliances[provider]}")


def _reason(appliance: Resource) -> str:
    chosen = [verdict for verdict in appliance["placement"] if verdict["chosen"]]
    expect(len(chosen) == 1, f"{len(chosen)} clouds are chosen")
    expect(bool(chosen[0]["reason"]), "there is no reason")
    return str(chosen[0]["reason"])


def _line(event: Resource) -> str:
    change = f"{event['from'] or 'new'} -> {event['to']}" if event["to"] else "goal"
    return f"{event['at'][:19].replace('T', ' ')}  {change:25} {event['who']}: {event['why']}"


def _check(events: Sequence[Resource], states: Sequence[str]) -> None:
    """Every change begins where the one before it ended, and the states come in their order."""
    changes = [event for event in events if event["to"]]
    for before, after in pairwise(changes):
        expect(before["to"] == after["from"], f"{after['from']} follows {before['to']}")
    for event in events:
        expect(bool(event["who"] and event["why"] and event["at"]), "a change without who or why")
    passed = iter(event["to"] for event in changes)
    expect(all(state in passed for state in states), f"it did not go through {', '.join(states)}")
