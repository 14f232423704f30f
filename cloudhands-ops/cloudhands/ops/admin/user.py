"""`cloud-admin user`: people who are not in the directory, or whose account is local;
and the end of what is known of somebody.
"""

import argparse

from cloudhands.common import service
from cloudhands.common.account.passwords import set_password
from cloudhands.common.actor.commands import NewUser, create_user
from cloudhands.common.actor.erasure import erase_user
from cloudhands.common.actor.queries import user_by_uid
from cloudhands.common.actor.tables import User
from cloudhands.common.errors import Conflict, NotFound
from cloudhands.common.forms import parse
from cloudhands.common.opening import opened_for
from cloudhands.ops.admin import secret
from cloudhands.ops.admin.operation import answer, operation
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
    parser = command(
        place, "erase", "Erase everything personal of a user; what happened stays.", erase
    )
    parser.add_argument("uid", help="what the user signs in with")
    parser.add_argument(
        "--yes", action="store_true", required=True, help="it cannot be taken back: say so"
    )


def create(options: argparse.Namespace) -> None:
    """Make a local user with a password.

    :raises Refused: if the uid is taken, or an argument is no uid, name, mail or password.
    """
    wanted = parse(NewUser, {"uid": options.uid, "name": options.name, "mail": options.mail})
    if _is_known(options, wanted.uid):
        return
    # Asked for between two transactions: nobody waits for the database while somebody types.
    password = secret.read(options)
    with operation(options) as work:
        user = create_user(work.session, work.actor, wanted, work.now)
        set_password(work.session, user, password.value, work.now)
        uuid = str(user.uuid)
    _tell_made(options, wanted, uuid, password)


def erase(options: argparse.Namespace) -> None:
    """Erase a user.

    :raises Refused: if there is no such user, or they have appliances.
    """
    with operation(options) as work:
        user = user_by_uid(work.session, options.uid)
        if user is None:
            raise NotFound(f"There is no user {options.uid}.")
        uuid = str(user.uuid)
        texts = erase_user(work.session, work.actor, user, work.now)
    with opened_for(service.read_settings(options)) as database:
        database.tidy()
    answer(
        options,
        {"uid": options.uid, "uuid": uuid, "erased_texts": texts},
        f"The user {options.uid} is erased: names, addresses, keys, and {texts} texts of history.",
        "What happened stays, as the user's id. Backups and logs of before still hold the rest.",
        "Next: cloud-admin history verify; remove backups when their time is over.",
    )


def _is_known(options: argparse.Namespace, uid: str) -> bool:
    """Refuse a uid that is taken before anybody is asked for a password.

    :returns: whether there is such a user, and that is all right (`--if-missing`).
    """
    with operation(options) as work:
        known = user_by_uid(work.session, uid)
        if known is None:
            return False
        if not options.if_missing:
            raise Conflict(f"There is a user {uid} already.")
        _tell_known(options, known)
        return True


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
