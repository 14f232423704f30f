"""What one person does in the portal, by its links and templates alone.

Each act knows how to see whether it took effect, so that the client can do it exactly once.
"""

from collections.abc import Sequence

from cloudhands.ops.demo.client import Client, Resource, Unexpected
from cloudhands.ops.demo.directory import SignIn

# The template that sets each goal.
SETS = {"running": "start", "stopped": "stop", "deleted": "delete"}


class Person:
    """Somebody who uses the portal.

    :param client: theirs alone, since it keeps their session.
    :param who: name, uid and password.
    :param organisation: the title of the one that they act in.
    """

    def __init__(self, client: Client, who: SignIn, organisation: str) -> None:
        self._client = client
        self._organisation = organisation
        self.name, self.uid = who.name, who.uid
        self._who = who

    def sign_in(self) -> None:
        """Open a session.

        :raises Unexpected: if the portal takes them for somebody else afterwards.
        """
        front = self._client.submit(
            self._client.front,
            "sign-in",
            {"uid": self._who.uid, "password": self._who.password},
            done=self._signed_in,
        )
        name = self._client.get(front.link("ch:account"))["name"]
        if name != self.name:
            raise Unexpected(f"{self._who.uid} is signed in as {name} and not as {self.name}")

    def _signed_in(self) -> Resource | None:
        front = self._client.front()
        return front if front.offers("sign-out") else None

    def organisation(self) -> Resource:
        """The organisation.

        :raises Unexpected: if they are not a member of it.
        """
        return self._client.get(self._client.front().link("ch:organisation", self._organisation))

    def is_member(self) -> bool:
        """Whether they are a member of the organisation."""
        links = self._client.front().links("ch:organisation")
        return any(link["title"] == self._organisation for link in links)

    def search(self, text: str) -> Sequence[Resource]:
        """The people whom a search within the organisation finds, best first."""
        people = self.organisation().link("ch:people")
        return self._client.get(people, q=text).embedded("item")

    def invite(self, text: str) -> None:
        """Invite the best match of a search."""
        uid = self.search(text)[0]["uid"]
        self._client.submit(
            lambda: self.search(text)[0], "invite", {}, done=lambda: self.membership_of(uid)
        )

    def membership_of(self, uid: str) -> Resource | None:
        """Somebody's membership of the organisation, also one that they only are invited to."""
        members = self.organisation().embedded("ch:members")
        return next((member for member in members if member["uid"] == uid), None)

    def invitations(self) -> Sequence[Resource]:
        """Their open invitations to the organisation."""
        found = self._client.front().embedded("ch:invitations")
        return [one for one in found if one["organisation"] == self._organisation]

    def accept(self) -> None:
        """Accept the invitation to the organisation."""
        self._client.submit(
            lambda: self.invitations()[0],
            "accept",
            {},
            done=lambda: None if self.invitations() else self.organisation(),
        )

    def add_key(self, label: str, line: str) -> Resource:
        """Add an SSH public key; returns it as the portal keeps it."""
        self._client.submit(
            self._account,
            "add-key",
            {"label": label, "key": line},
            done=lambda: self._key(line),
        )
        added = self._key(line)
        if added is None:
            raise Unexpected("the account does not show the key that was added")
        return added

    def _account(self) -> Resource:
        return self._client.get(self._client.front().link("ch:account"))

    def _key(self, line: str) -> Resource | None:
        # The comment at the end of a line is not part of the key.
        wanted = line.split()[:2]
        kept = self.authorized_keys()
        return next((key for key in kept if key["key"].split()[:2] == wanted), None)

    def authorized_keys(self) -> Sequence[Resource]:
        """Their SSH public keys."""
        return self._account().embedded("ch:authorized-keys")

    def appliances(self) -> Sequence[Resource]:
        """The organisation's appliances that are not deleted, as its page lists them."""
        return self.organisation().embedded("ch:appliance")

    def appliance(self, label: str) -> Resource | None:
        """An appliance of that label, whole, or None."""
        for found in self.appliances():
            if found["label"] == label:
                return self.look(found)
        return None

    def look(self, resource: Resource) -> Resource:
        """The same resource, whole and as it is now."""
        return self._client.get(resource.link("self"))

    def launch(self, title: str, label: str, size: str) -> Resource:
        """Launch an item of the catalogue."""
        return self._client.submit(
            lambda: self._launch_page(title),
            "launch",
            {"label": label, "size": size},
            done=lambda: self.appliance(label),
        )

    def _launch_page(self, title: str) -> Resource:
        catalogue = self._client.get(self.organisation().link("ch:catalogue"))
        for item in catalogue.embedded("item"):
            if item["title"] == title:
                return self.look(item)
        raise Unexpected(f"the catalogue has no {title!r}")

    def set_goal(self, appliance: Resource, goal: str) -> Resource:
        """Say what an appliance shall be: `running`, `stopped` or `deleted`."""

        def done() -> Resource | None:
            now = self.look(appliance)
            return now if now["goal"] == goal else None

        return self._client.submit(lambda: self.look(appliance), SETS[goal], {}, done=done)
