"""Who may do what: the only table. Commands enforce it, whoever calls them.

A role is held towards something: a person is a member of one organisation and a stranger to
another. What a person may not even see is answered as if it did not exist.
"""

from collections.abc import Collection, Mapping
from enum import StrEnum

from cloudhands.common.errors import Forbidden, NotFound, Unauthenticated


class Role(StrEnum):
    """What somebody is towards the thing in question."""

    ANONYMOUS = "anonymous"  # not signed in
    PERSON = "person"  # signed in
    SELF = "self"  # the person whose account, key or invitation it is
    MEMBER = "member"  # an active member of the organisation
    ADMIN = "admin"  # an active member with the administrator's role
    OWNER = "owner"  # a member who launched the appliance
    OPERATOR = "operator"  # at the command line of the installation
    BURST = "burst"  # cloud-burst, which carries out what was asked for
    MACHINE = "machine"  # the machine that runs the appliance, by the token that it was given


_R = Role
EVERYONE = frozenset({_R.ANONYMOUS, _R.PERSON})
SIGNED_IN = frozenset({_R.PERSON})
MEMBERS = frozenset({_R.MEMBER, _R.ADMIN})

PERMISSIONS: Mapping[str, frozenset[Role]] = {
    "front.see": EVERYONE,
    "static.see": EVERYONE,
    "health.see": EVERYONE,
    "session.open": EVERYONE,
    "session.close": SIGNED_IN,
    "account.see": SIGNED_IN,
    "key.add": SIGNED_IN,
    "key.see": frozenset({_R.SELF}),
    "key.remove": frozenset({_R.SELF}),
    "api-token.make": SIGNED_IN,
    "api-token.see": frozenset({_R.SELF}),
    "api-token.revoke": frozenset({_R.SELF}),
    "people.search": SIGNED_IN,
    "organisation.create": frozenset({_R.OPERATOR}),
    "organisation.see": MEMBERS,
    "organisation.set-limits": frozenset({_R.OPERATOR}),
    "organisation.set-terms": frozenset({_R.OPERATOR}),
    "provider.pause": frozenset({_R.OPERATOR, _R.BURST}),
    "provider.resume": frozenset({_R.OPERATOR, _R.BURST}),
    "provider.reconcile": frozenset({_R.OPERATOR}),
    "work.hasten": frozenset({_R.OPERATOR}),
    "membership.grant": frozenset({_R.OPERATOR}),
    "membership.admit": frozenset({_R.BURST}),
    "membership.invite": frozenset({_R.ADMIN}),
    "membership.see": frozenset({_R.SELF, _R.ADMIN}),
    "membership.accept": frozenset({_R.SELF}),
    "membership.edit": frozenset({_R.ADMIN}),
    "membership.set-role": frozenset({_R.ADMIN}),
    "membership.withdraw": frozenset({_R.ADMIN}),
    "registration.invite": frozenset({_R.OPERATOR, _R.ADMIN}),
    "registration.see": frozenset({_R.SELF, _R.OPERATOR, _R.ADMIN, _R.BURST}),
    "registration.confirm": frozenset({_R.SELF}),
    "registration.detail": frozenset({_R.SELF}),
    "registration.ask-again": frozenset({_R.BURST}),
    "registration.publish": frozenset({_R.BURST}),
    "registration.activate": frozenset({_R.BURST}),
    "registration.expire": frozenset({_R.BURST}),
    "registration.withdraw": frozenset({_R.OPERATOR, _R.ADMIN}),
    "user.create": frozenset({_R.OPERATOR, _R.BURST}),
    "user.erase": frozenset({_R.OPERATOR}),
    "provider.tell": frozenset({_R.BURST}),
    "pool.define": frozenset({_R.OPERATOR}),
    "catalogue.load": frozenset({_R.OPERATOR}),
    "catalogue.see": MEMBERS,
    "appliance.launch": MEMBERS,
    "appliance.see": MEMBERS,
    "appliance.start": frozenset({_R.OWNER, _R.ADMIN}),
    "appliance.stop": frozenset({_R.OWNER, _R.ADMIN}),
    "appliance.reboot": frozenset({_R.OWNER, _R.ADMIN}),
    "appliance.resize": frozenset({_R.OWNER, _R.ADMIN}),
    "appliance.delete": frozenset({_R.OWNER, _R.ADMIN}),
    "appliance.retry": frozenset({_R.OWNER, _R.ADMIN}),
    "appliance.rename": frozenset({_R.OWNER, _R.ADMIN}),
    "appliance.approve": frozenset({_R.ADMIN}),
    "appliance.extend": frozenset({_R.OWNER, _R.ADMIN}),
    "appliance.expire": frozenset({_R.BURST}),
    "appliance.abandon": frozenset({_R.OPERATOR}),
    "appliance.write-off": frozenset({_R.OPERATOR}),
    # Over SSH: the machine asks for their keys.
    "appliance.sign-in": frozenset({_R.OWNER, _R.ADMIN}),
    "appliance.ask-keys": frozenset({_R.MACHINE}),
    "appliance.report": frozenset({_R.MACHINE}),
}


def allowed(permission: str, roles: Collection[Role]) -> bool:
    """Whether any of these roles has a permission."""
    return not PERMISSIONS[permission].isdisjoint(roles)


def require(permission: str, roles: Collection[Role]) -> None:
    """Refuse whoever has none of the roles that a permission needs.

    :raises Unauthenticated: if nobody is signed in.
    :raises NotFound: if they may not see the thing either.
    :raises Forbidden: if they see it, but may not do this.
    """
    if allowed(permission, roles):
        return
    if Role.ANONYMOUS in roles:
        raise Unauthenticated("Please sign in first.")
    if permission.endswith(".see") or not allowed(_seen_by(permission), roles):
        raise NotFound("There is no such page, or it is not yours to see.")
    raise Forbidden("Your role does not allow this.")


# Where the thing is yet to be made, what it is made in must be seen.
_SEEN_IN = {
    "appliance.launch": "organisation.see",
    "membership.invite": "organisation.see",
    "registration.invite": "organisation.see",
    "key.add": "account.see",
    "api-token.make": "account.see",
}


def _seen_by(permission: str) -> str:
    seen = _SEEN_IN.get(permission, f"{permission.partition('.')[0]}.see")
    return seen if seen in PERMISSIONS else permission
