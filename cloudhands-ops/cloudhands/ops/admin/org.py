"""`cloud-admin org`: organisations."""

import argparse
from typing import get_args

from cloudhands.common.actor.queries import user_by_uid
from cloudhands.common.actor.tables import User
from cloudhands.common.errors import ConfigurationError, NotFound
from cloudhands.common.forms import parse
from cloudhands.common.membership.commands import grant
from cloudhands.common.organisation import commands as organisations
from cloudhands.common.organisation.commands import NewOrganisation
from cloudhands.common.organisation.queries import by_name
from cloudhands.common.organisation.tables import Organisation
from cloudhands.common.provider.commands import Overflow, subscribe
from cloudhands.ops.admin.operation import Operation, answer, operation
from cloudhands.ops.admin.parsing import Commands, command, group

LIMIT = NewOrganisation.model_fields["appliance_limit"].default


def add_commands(groups: Commands) -> None:
    """Add this group."""
    place = group(groups, "org", "organisations")
    parser = command(
        place,
        "create",
        "Make an organisation with its administrator; it may use every provider of the settings.",
        create,
    )
    parser.add_argument("name", help="its name in addresses: lower-case letters, digits, hyphens")
    parser.add_argument("--title", required=True, help="its name for people")
    parser.add_argument("--admin", required=True, metavar="UID", help="the administrator")
    parser.add_argument(
        "--limit", type=int, default=LIMIT, metavar="N", help=f"most appliances (default {LIMIT})"
    )
    parser.add_argument(
        "--overflow",
        choices=get_args(Overflow),
        default="never",
        help="whether public clouds may be used when the private ones are full (default never)",
    )
    parser.add_argument(
        "--if-missing",
        action="store_true",
        help="change nothing if there is such an organisation already",
    )


def create(options: argparse.Namespace) -> None:
    """Make an organisation, subscribe it to every provider, make its administrator a member.

    :raises Refused: if the name is taken, there is no such user, or an argument is wrong.
    :raises ConfigurationError: if the settings define no provider.
    """
    wanted = parse(
        NewOrganisation,
        {"name": options.name, "title": options.title, "appliance_limit": options.limit},
    )
    with operation(options) as work:
        known = by_name(work.session, wanted.name)
        if known and options.if_missing:
            _tell_known(options, known)
            return
        organisation = _create(options, work, wanted)
        _tell_made(options, organisation, sorted(work.settings.providers))


def _create(options: argparse.Namespace, work: Operation, wanted: NewOrganisation) -> Organisation:
    session, actor, now = work.session, work.actor, work.now
    organisation = organisations.create(session, actor, wanted, now)
    if not work.settings.providers:
        raise ConfigurationError("providers: there are none: define one in the settings file")
    subscribe(session, actor, organisation, work.settings.providers, options.overflow, now)
    grant(session, actor, organisation, _administrator(options, work), "admin", now)
    session.flush()
    return organisation


def _administrator(options: argparse.Namespace, work: Operation) -> User:
    user = user_by_uid(work.session, options.admin)
    if user is None:
        raise NotFound(
            f"There is no user {options.admin} yet: make one (cloud-admin user create), or let "
            "that person sign in once through the directory."
        )
    return user


def _tell_known(options: argparse.Namespace, organisation: Organisation) -> None:
    answer(
        options,
        {"name": organisation.name, "uuid": str(organisation.uuid), "created": False},
        f"There is an organisation {organisation.name} already; nothing was changed.",
    )


def _tell_made(
    options: argparse.Namespace, organisation: Organisation, providers: list[str]
) -> None:
    answer(
        options,
        {
            "name": organisation.name,
            "uuid": str(organisation.uuid),
            "created": True,
            "administrator": options.admin,
            "appliance_limit": organisation.appliance_limit,
            "providers": providers,
            "overflow": options.overflow,
        },
        f"The organisation {organisation.name} may have {organisation.appliance_limit} appliances "
        f"on {', '.join(providers)} (overflow: {options.overflow}).",
        f"Next: {options.admin} signs in to the portal and invites colleagues.",
    )
