"""Checking who somebody is. A uid with a local password is never asked of the directory."""

from cloudhands.common.account.passwords import has_password
from cloudhands.common.actor.tables import User
from cloudhands.web.security.signin import ldap, local
from cloudhands.web.services import Services


def sign_in(services: Services, uid: str, password: str, address: str) -> User | None:
    """The user whose password this is.

    :param address: the client's, for the throttle.
    :raises TooManyAttempts: if there were too many lately, or too many are being checked.
    :raises DirectoryError: if the directory has to be asked and does not answer.
    """
    with services.throttle.attempt(uid, address):
        user = _check(services, uid, password)
        if user is not None:
            services.throttle.succeeded(uid)
        return user


def _check(services: Services, uid: str, password: str) -> User | None:
    with services.database.reading() as session:
        is_local = has_password(session, uid)
    if is_local or services.settings.directory is None:
        return local.sign_in(services, uid, password)
    return ldap.sign_in(services, services.settings.directory, uid, password)
