"""Sign-in by binding to the directory; the password goes there and nowhere else."""

import structlog
from sqlalchemy.exc import IntegrityError

from cloudhands.common import directory, settings
from cloudhands.common.account.passwords import waste_time
from cloudhands.common.actor.commands import refresh_user, user_of_person
from cloudhands.common.actor.tables import User
from cloudhands.common.errors import Conflict
from cloudhands.common.person import Person
from cloudhands.web.services import Services

log = structlog.get_logger(__name__)


def sign_in(services: Services, where: settings.Directory, uid: str, password: str) -> User | None:
    """The user that the directory says this is, made known here at the first sign-in.

    :raises DirectoryError: if the directory does not answer.
    """
    waste_time(password)  # as long as a local account takes, so that the time tells nothing
    person = directory.authenticate(where, services.settings.state, uid, password)
    if person is None:
        return None
    try:
        return _known(services, person)
    except IntegrityError:
        # The same person signed in elsewhere at this moment; now they are known.
        return _known(services, person)


def _known(services: Services, person: Person) -> User | None:
    now = services.clock()
    try:
        with services.database.writing() as session:
            user = user_of_person(session, person, None, now)
            refresh_user(session, user, person, now)
            session.flush()
            session.expunge(user)
            return user
    except Conflict as error:
        log.error("sign-in refused", reason=str(error), directory_id=person.id)
        return None
