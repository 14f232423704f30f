"""The account's representation."""

from cloudhands.common.account import keys
from cloudhands.common.account.keys import NewKey
from cloudhands.common.account.tables import SshKey
from cloudhands.common.actor.tables import User
from cloudhands.web.pages.session.forms import sign_out_option
from cloudhands.web.representation import Link, Option, Representation, options
from cloudhands.web.request import PortalRequest

REMOVING = "New appliances will not let this key in. Those that run keep it."


def of_account(request: PortalRequest, user: User) -> Representation:
    """A user's own account."""
    add = Option("add-key", "Add key", request.route_path("add-key"), NewKey)
    return Representation(
        title="Account",
        info={"uid": user.uid, "name": user.name, "mail": user.mail},
        nav=[
            Link("self", request.route_path("account"), "Account"),
            Link("up", request.route_path("front"), "Front page"),
        ],
        items={
            "ch:authorized-keys": [_key(request, row) for row in keys.of_user(request.db, user)]
        },
        options=options(add, sign_out_option(request)),
    )


def _key(request: PortalRequest, key: SshKey) -> Representation:
    path = request.route_path("remove-key", key=key.uuid)
    return Representation(
        title=key.label,
        info={
            "label": key.label,
            "fingerprint": key.fingerprint,
            "key": key.key,
            "added_at": key.added_at,
        },
        options=options(Option("remove-key", "Remove", path, warning=REMOVING)),
    )
