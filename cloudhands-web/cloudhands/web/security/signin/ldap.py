"""Sign-in by binding to the directory; the password goes there and nowhere else."""

import structlog

from cloudhands.common import directory, settings
from cloudhands.common.actor.commands import user_from_directory
from cloudhands.common.actor.tables import User
from cloudhands.common.errors import Conflict
from cloudhands.web.services import Services

log = structlog.get_logger(__name__)


def sign_in(services: Services, where: settings.Directory, uid: str, password: str) -> User | None:
    """The user that the directory says this is, made known here at the first sign-in.

    :raises DirectoryError: if the directory does not answer.
    """
    person = directory.authenticate(where, services.settings.state, uid, password)
    if person is None:
        return None
    try:
        with services.database.writing() as session:
            user = user_from_directory(session, person, services.clock())
            session.expunge(user)
            return user
    except Conflict:
        log.error("uid is held by another account", uid=person.uid, directory_id=person.id)
        return None
