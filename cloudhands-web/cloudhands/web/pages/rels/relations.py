"""Every link relation that the portal uses: what `/rels` documents, and the only list of them.

A test follows all links of the portal and compares: what is used is here, what is here is used.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

PREFIX = "ch:"


@dataclass(frozen=True)
class Relation:
    """One of our own relations.

    :param name: as in `ch:name`.
    :param meaning: what such a link, or what is embedded under it, is.
    :param found: on which resources.
    :param members: what the resource tells beyond `title`, by member, each in a sentence.
    """

    name: str
    title: str
    meaning: str
    found: str
    members: Mapping[str, str] = field(default_factory=dict)

    @property
    def curie(self) -> str:
        """The relation as documents write it."""
        return PREFIX + self.name


_ALL = (
    Relation(
        "organisation",
        "Organisation",
        "An organisation of the viewer: its appliances and members. Always a list of links.",
        "The front page of who is signed in.",
        {
            "name": "Its short name, unique in the installation.",
            "limit": "How many appliances it may have at once.",
            "used": "How many it has; a stopped one counts.",
            "moving": "Whether the state of one of its appliances will change by itself.",
        },
    ),
    Relation(
        "catalogue",
        "Catalogue",
        "What an organisation can launch. Each item has a page of its own with the template "
        "launch.",
        "An organisation.",
        {"organisation": "The title of the organisation that would launch."},
    ),
    Relation(
        "appliance",
        "Appliance",
        "A launched item of the catalogue: one server. In a list it is embedded in short; its "
        "link self leads to the whole.",
        "Embedded in an organisation.",
        {
            "label": "What its owner calls it.",
            "state": "requested, provisioning, running, stopping, stopped, starting, deleting, "
            "deleted or failed.",
            "goal": "What is wanted: running, stopped or deleted.",
            "problem": "What hinders it for the time being, in plain words, or null.",
            "setup": "How far the machine's own set-up is, as it reports: booting, ready (people "
            "can sign in) or failed; empty if it has not run yet or does not report.",
            "size": "The name of its size.",
            "provider": "The name of the cloud where it runs; empty until one is chosen.",
            "provider_title": "What people call that cloud.",
            "addresses": "Its IP addresses, as a list.",
            "owner": "The name of who launched it.",
            "created_at": "When it was asked for (ISO 8601, UTC).",
            "item": "The title of its catalogue item. Not in a list.",
            "organisation": "The title of its organisation. Not in a list.",
            "expires_at": "Until when it is wanted (ISO 8601, UTC), or null. Not in a list.",
            "expired_at": "Since when that is over (ISO 8601, UTC), or null. It is stopped "
            "then, and will be deleted unless it is extended. Not in a list.",
            "account": "The account that people sign in to over SSH. Not in a list.",
            "setup_at": "Since when setup is so (ISO 8601, UTC), or null. Not in a list.",
            "setup_problem": "That the machine has not reported for too long, since when, and what "
            "to look at; else empty. Not in a list.",
            "setup_log": "The last lines of the machine's set-up, as text. Not in a list.",
            "placement": "Each cloud that was considered: label, chosen, reason. Not in a list.",
            "moving": "Whether its state will change by itself. Not in a list.",
        },
    ),
    Relation(
        "members",
        "Members",
        "The people of an organisation. Who may invite sees those who are invited, too.",
        "Embedded in an organisation.",
        {
            "uid": "The user name.",
            "role": "member or admin.",
            "state": "active or invited.",
        },
    ),
    Relation(
        "invitations",
        "Invitations",
        "Memberships that are offered to the viewer, each with the template accept.",
        "Embedded in the front page of who is signed in.",
        {
            "organisation": "The title of the organisation.",
            "person": "The name of who is invited.",
            "role": "The role that is offered: member or admin.",
            "state": "invited; active once it is accepted.",
        },
    ),
    Relation(
        "people",
        "People",
        "The search for people of the directory, a templated link with the variable q. From an "
        "organisation, what is found can be invited: each has the template invite.",
        "The front page of who is signed in; an organisation, or an invitation to it, for who may "
        "invite.",
        {
            "query": "What was searched for.",
            "organisation": "To which those who are found may be invited.",
            "path": "The address of the search, without variables.",
            "shown": "How many people are shown at most; the nearest come first.",
            "stale_since": "Since when nothing is known of the directory; null if not for long.",
        },
    ),
    Relation(
        "account",
        "Account",
        "The viewer's own account.",
        "The front page of who is signed in.",
        {
            "uid": "The user name.",
            "name": "The full name.",
            "mail": "The mail address; empty if there is none.",
        },
    ),
    Relation(
        "history",
        "History",
        "What happened to a thing, the latest first.",
        "Embedded in an appliance.",
        {
            "at": "When (ISO 8601, UTC).",
            "who": "The person or process that did it.",
            "from": "The state before, or null if it stayed.",
            "to": "The state after, or null if it stayed.",
            "why": "What was done or seen, in a sentence.",
        },
    ),
    Relation(
        "authorized-keys",
        "SSH keys",
        "The SSH public keys of a person: an appliance lets in those that its owner has when it "
        "is launched.",
        "Embedded in the account.",
        {
            "label": "What its owner calls it.",
            "fingerprint": "SHA256 of the key, as ssh-keygen -l prints it.",
            "key": "The key, in the form of authorized_keys.",
            "added_at": "When it was added (ISO 8601, UTC).",
        },
    ),
)

RELATIONS: Mapping[str, Relation] = {one.name: one for one in _ALL}
"""Our own relations by name, without the prefix."""

IANA: Mapping[str, str] = {
    "self": "The resource itself.",
    "up": "The resource that this one is a part of.",
    "edit-form": "The form that edits the thing; what it sends names the state that it edits.",
    "item": "One of what the resource lists. Always a list.",
    "search": "The search that found this; templated with the variable q.",
    "help": "Documentation for programs.",
    "curies": "HAL's own: where the relations with the prefix ch: are documented.",
}
"""Relations of others that the portal uses (https://www.iana.org/assignments/link-relations/)."""
