"""Content synchronisation (RFC 4533): only what has changed, and then every change as it comes.

With a cookie changes go into the index; without one, or with one that the server refuses,
everything is read and replaces it. Nothing of a part is taken for the whole: while a refresh goes
on its additions may be committed, but with the old cookie; deletions and the new one come at the
end.
"""

from collections.abc import Callable

import structlog
from ldap3.core.results import (
    RESULT_ADMIN_LIMIT_EXCEEDED,
    RESULT_INSUFFICIENT_ACCESS_RIGHTS,
    RESULT_OPERATIONS_ERROR,
    RESULT_PROTOCOL_ERROR,
    RESULT_SIZE_LIMIT_EXCEEDED,
    RESULT_TIME_LIMIT_EXCEEDED,
    RESULT_UNAVAILABLE_CRITICAL_EXTENSION,
    RESULT_UNWILLING_TO_PERFORM,
)

from cloudhands.common.errors import DirectoryError
from cloudhands.web.index.engine import Position
from cloudhands.web.index.sync import server, standing
from cloudhands.web.index.sync.choose import SYNCREPL
from cloudhands.web.index.sync.operation import Limits, Operation, Unsuitable
from cloudhands.web.index.sync.refresh import Ended
from cloudhands.web.index.sync.session import Session, now

REFRESH_REQUIRED = 4096
# With a cookie: that it is of no use. The server may still give everything.
COOKIE_REFUSED = (
    REFRESH_REQUIRED,
    RESULT_OPERATIONS_ERROR,
    RESULT_PROTOCOL_ERROR,
    RESULT_UNWILLING_TO_PERFORM,
)
# Without a cookie: that the server, or what it allows us, is not up to it.
NOT_FOR_US = (
    REFRESH_REQUIRED,
    RESULT_OPERATIONS_ERROR,
    RESULT_PROTOCOL_ERROR,
    RESULT_TIME_LIMIT_EXCEEDED,
    RESULT_SIZE_LIMIT_EXCEEDED,
    RESULT_ADMIN_LIMIT_EXCEEDED,
    RESULT_UNAVAILABLE_CRITICAL_EXTENSION,
    RESULT_INSUFFICIENT_ACCESS_RIGHTS,
    RESULT_UNWILLING_TO_PERFORM,
)

LIMITED = (
    RESULT_TIME_LIMIT_EXCEEDED,
    RESULT_SIZE_LIMIT_EXCEEDED,
    RESULT_ADMIN_LIMIT_EXCEEDED,
)

log = structlog.get_logger(__name__)


def sync(
    session: Session,
    protocol: str,
    position: Position | None,
    limits: Limits | None = None,
    synced: Callable[[Position], None] = lambda _: None,
) -> Position:
    """Bring the index to where the directory is; with `limits`, go on until one of them is reached.

    :param protocol: what to call it in the position.
    :param position: where the index stands.
    :param limits: ask for every further change too, as it comes.
    :param synced: is told the position after the refresh, and after every commit from then on.
    :raises Unsuitable: if the server does not do that, for us.
    :raises DirectoryError: if it fails, or too many are gone.
    """
    held, is_refused = _standing(session, position), False
    while True:
        operation = Operation(session, protocol, held, position, limits)
        try:
            position = operation.run(synced)
        except Ended as error:
            held, is_refused = _without_cookie(session, operation, error), True
            continue
        held = standing.parse(position.cookie) or held
        # A server leaves out of a sync who has changed since it began. Of everybody they would be
        # missed until the next look, unless every further change is told. A server that refuses its
        # cookies is not given the next one at once: that would go on for ever.
        if operation.cookie or limits or is_refused or not held.mark:
            return position


def _standing(session: Session, position: Position | None) -> standing.Standing:
    """Where to go on from; without a mark if everything has to be read."""
    afresh = standing.Standing(read=now())
    if position is None or position.protocol not in SYNCREPL:
        return afresh
    held = standing.parse(position.cookie)
    if held is None or not held.mark:
        return afresh
    if held.is_due(now()):
        log.info("everything is read afresh, as once a day")
        return afresh
    if not server.is_of_use(_cookie(held), session.server.csns):
        log.warning(
            "the directory cannot have given the cookie: everything is read; was it restored?",
            server=session.server.name,
        )
        return afresh
    return held


def _without_cookie(session: Session, operation: Operation, error: Ended) -> standing.Standing:
    """Where to go on from when a server has ended an operation.

    :raises Unsuitable: if it has not taken one without a cookie either.
    :raises DirectoryError: if this says nothing against the cookie.
    """
    why = f"the directory {session.server.name} ended the sync: {error}"
    if operation.refreshed:
        # It gave everything up to here; the next connection goes on from there, or is refused too.
        raise DirectoryError(why) from error
    if operation.cookie and error.result in COOKIE_REFUSED:
        log.warning("the cookie is refused: everything is read", reason=why)
        return standing.Standing(read=now())
    if error.result in NOT_FOR_US:
        raise _unsuitable(operation, error, why) from error
    raise DirectoryError(why) from error


def _unsuitable(operation: Operation, error: Ended, why: str) -> Unsuitable:
    if error.result in LIMITED:
        why += ". What directory.bind_dn may read in one search must not be limited"
    # The control is offered, but not for these people, or not to us: whatever is asked with it.
    is_known = error.result not in (*LIMITED, RESULT_UNAVAILABLE_CRITICAL_EXTENSION)
    return Unsuitable(why, (operation.protocol,) if is_known else SYNCREPL)


def _cookie(held: standing.Standing) -> bytes:
    return held.mark.encode("latin-1")
