"""`cloud-admin org`: organisations."""

import argparse
from collections.abc import Sequence
from typing import get_args

from cloudhands.common.actor.queries import user_by_uid
from cloudhands.common.actor.tables import User
from cloudhands.common.errors import ConfigurationError, NotFound
from cloudhands.common.forms import parse
from cloudhands.common.limits import WORDS, Limited, Limits, Use
from cloudhands.common.membership.commands import grant
from cloudhands.common.organisation import commands as organisations
from cloudhands.common.organisation.commands import NewOrganisation
from cloudhands.common.organisation.queries import by_name
from cloudhands.common.organisation.tables import Organisation
from cloudhands.common.provider.commands import Overflow, subscribe
from cloudhands.common.provider.commands import set_limits as set_subscription_limits
from cloudhands.common.provider.queries import subscription_to
from cloudhands.ops.admin import org_terms
from cloudhands.ops.admin.operation import Operation, answer, operation
from cloudhands.ops.admin.parsing import Commands, amount, command, group

LIMIT = NewOrganisation.model_fields["appliances_limit"].default
UNCHANGED = object()


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
    parser = command(
        place,
        "limits",
        "Show or set what an organisation may take, in all or of one provider.",
        change_limits,
    )
    parser.add_argument("name", help="the organisation's name in addresses")
    parser.add_argument("--provider", metavar="NAME", help="only what it may take there")
    for limited, words in WORDS.items():
        option = f"--{limited.replace('_', '-')}"
        words = f"most {words}, or 'none' for no limit"
        parser.add_argument(option, type=amount, metavar="N", default=UNCHANGED, help=words)
    org_terms.add_command(place)


def change_limits(options: argparse.Namespace) -> None:
    """Set limits, also below what is in use, and show them all.

    :raises NotFound: if there is no such organisation, or it does not use the provider.
    """
    named = {name: getattr(options, name) for name in WORDS}
    wanted = Limits(**{name: limit for name, limit in named.items() if limit is not UNCHANGED})
    with operation(options) as work:
        # Only what is changed is locked: whoever ends a node takes the two the other way round.
        organisation = by_name(work.session, options.name, lock=options.provider is None)
        if organisation is None:
            raise NotFound(f"There is no organisation {options.name}.")
        uses = _set_limits(options, work, organisation, wanted).uses
    _tell_limits(options, uses)


def _set_limits(
    options: argparse.Namespace, work: Operation, organisation: Organisation, wanted: Limits
) -> Limited:
    if options.provider is None:
        organisations.set_limits(work.session, work.actor, organisation, wanted, work.now)
        return organisation
    found = subscription_to(work.session, organisation.id, options.provider, lock=True)
    if found is None:
        raise NotFound(f"{organisation.name} does not use a provider {options.provider}.")
    set_subscription_limits(work.session, work.actor, found, wanted, work.now)
    return found


def _tell_limits(options: argparse.Namespace, uses: Sequence[Use]) -> None:
    at = f" at {options.provider}" if options.provider else ""
    result = {use.name: {"used": use.used, "limit": use.limit} for use in uses}
    answer(
        options,
        {"name": options.name, "provider": options.provider, "limits": result},
        f"{options.name}{at}:",
        *(
            f"  {WORDS[use.name]}: {use.used:,} of {'any' if use.limit is None else use.limit}"
            for use in uses
        ),
        "What is in use stays; a limit below it stops new requests only.",
    )


def create(options: argparse.Namespace) -> None:
    """Make an organisation, subscribe it to every provider, make its administrator a member.

    :raises Refused: if the name is taken, there is no such user, or an argument is wrong.
    :raises ConfigurationError: if the settings define no provider.
    """
    wanted = parse(
        NewOrganisation,
        {"name": options.name, "title": options.title, "appliances_limit": options.limit},
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
    subscribe(
        session,
        actor,
        organisation,
        work.settings.providers,
        options.overflow,
        now,
        vouched=False,
    )
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
            "appliances_limit": organisation.appliances_limit,
            "providers": providers,
            "overflow": options.overflow,
        },
        f"The organisation {organisation.name} may have {organisation.appliances_limit} appliances "
        f"on {', '.join(providers)} (overflow: {options.overflow}).",
        f"Next: {options.admin} signs in to the portal and invites colleagues.",
    )
