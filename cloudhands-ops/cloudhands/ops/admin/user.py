"""`cloud-admin user`: people who are not in the directory, or whose account is local."""

import argparse

from cloudhands.common.account.passwords import set_password
from cloudhands.common.actor.commands import NewUser, create_user
from cloudhands.common.actor.queries import user_by_uid
from cloudhands.common.actor.tables import User
from cloudhands.common.forms import parse
from cloudhands.ops.admin import secret
from cloudhands.ops.admin.operation import Operation, answer, operation
from cloudhands.ops.admin.parsing import Commands, command, group


def add_commands(groups: Commands) -> None:
    """Add this group."""
    place = group(groups, "user", "people with a local account")
    parser = command(place, "create", "Make a user who signs in with a local password.", create)
    parser.add_argument("uid", help="what the user signs in with")
    parser.add_argument("--name", required=True, help="the full name, as people write it")
    parser.add_argument("--mail", required=True, help="the mail address")
    parser.add_argument(
        "--if-missing", action="store_true", help="change nothing if there is such a user already"
    )
    secret.add_arguments(parser)


def create(options: argparse.Namespace) -> None:
    """Make a local user with a password.

    :raises Refused: if the uid is taken, or an argument is no uid, name, mail or password.
    """
    wanted = parse(NewUser, {"uid": options.uid, "name": options.name, "mail": options.mail})
    with operation(options) as work:
        known = user_by_uid(work.session, wanted.uid)
        if known and options.if_missing:
            _tell_known(options, known)
            return
        # The uid is refused before anybody is asked for a password.
        user = create_user(work.session, work.actor, wanted, work.now)
        password = _set_password(options, work, user)
        uuid = str(user.uuid)
    _tell_made(options, wanted, uuid, password)


def _set_password(options: argparse.Namespace, work: Operation, user: User) -> secret.Password:
    password = secret.read(options)
    set_password(work.session, user, password.value, work.now)
    return password


def _tell_known(options: argparse.Namespace, user: User) -> None:
    answer(
        options,
        {"uid": user.uid, "uuid": str(user.uuid), "created": False},
        f"There is a user {user.uid} already; nothing was changed.",
    )


def _tell_made(
    options: argparse.Namespace, wanted: NewUser, uuid: str, password: secret.Password
) -> None:
    result = {"uid": wanted.uid, "uuid": uuid, "created": True}
    lines = [f"The user {wanted.uid} ({wanted.name}) can sign in with a local password."]
    if password.generated:
        result["password"] = password.value
        lines.append(f"The password, shown this once: {password.value}")
    next_step = f"Next: cloud-admin org create NAME --title TITLE --admin {wanted.uid}."
    answer(options, result, *lines, next_step)
