"""6,000 requests of hostile shape over every route: none is a fault of ours, each answer is whole.

A request starts as what a browser or a program would send and is then spoiled in some places. The
requests of a series follow from its number alone, so that a failure comes back; other numbers in
`SERIES` make others.
"""

from collections import Counter

import pytest
from sqlalchemy import select

from cloudhands.common.appliance.tables import Appliance
from cloudhands.web.testing_hostile.checking import check
from cloudhands.web.testing_hostile.sending import Hostility
from cloudhands.web.testing_wsgi import ask

SERIES = range(6)
REQUESTS = 1000


@pytest.mark.parametrize("series", SERIES)
def test_hostile_requests(portal, series):
    hostility, statuses, before = Hostility(portal, series), Counter(), theirs(portal)
    for number in range(REQUESTS):
        sent = hostility.request()
        address = f"{sent.path}?{sent.query}" if sent.query else sent.path
        answer = ask(portal.app, sent.method, address, sent.headers, sent.body, **sent.environ)
        try:
            check(sent, answer)
        except Exception as error:
            error.add_note(f"series {series}, number {number}: {sent}\n{answer}")
            raise
        statuses[answer.status] += 1
        if sent.path == "/sign-out":
            hostility.renew()
    assert theirs(portal) == before, "a stranger's appliance was changed"
    # It is no feat to refuse everything at the door.
    assert {200, 204, 303, 400, 401, 403, 404, 405, 415, 422} <= set(statuses), statuses


def theirs(portal):
    with portal.services.database.reading() as session:
        query = select(Appliance.goal, Appliance.label, Appliance.version)
        return session.execute(query.where(Appliance.uuid == portal.world.other_appliance)).one()


def test_there_are_enough_requests_over_every_route(portal):
    assert len(SERIES) * REQUESTS >= 5000
    hostility = Hostility(portal, 0)
    assert len(hostility.routes) >= 25
    submitted = {pattern for pattern, methods in hostility.routes.items() if "POST" in methods}
    paths = {hostility.fill(pattern, hostility.ids.__getitem__) for pattern in submitted}
    # Where no form is known the state of the world offers none: the request has a token alone.
    assert len(paths & set(hostility.forms)) >= 8
