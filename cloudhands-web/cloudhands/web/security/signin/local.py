"""Sign-in by a password that is kept here, as an argon2id hash."""

from cloudhands.common.account.passwords import check_password
from cloudhands.common.actor.tables import User
from cloudhands.web.services import Services


def sign_in(services: Services, uid: str, password: str) -> User | None:
    """The user whose local password this is."""
    with services.database.reading() as session:
        return check_password(session, uid, password)
