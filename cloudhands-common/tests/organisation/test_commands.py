import threading

import pytest

from cloudhands.common.actor.tables import User
from cloudhands.common.appliance.tables import Appliance
from cloudhands.common.db import Database
from cloudhands.common.errors import Conflict, LimitReached, NotFound
from cloudhands.common.organisation import commands
from cloudhands.common.organisation.commands import NewOrganisation
from cloudhands.common.organisation.queries import by_name
from cloudhands.common.organisation.tables import Organisation
from cloudhands.common.testing.factories import NOON, Factory


def test_only_the_operator_makes_organisations(database: Database) -> None:
    with database.writing() as session:
        make = Factory(session)
        wanted = NewOrganisation(name="physics", title="Physics")
        made = commands.create(session, make.operator, wanted, NOON)
        assert by_name(session, "physics") is made
        with pytest.raises(Conflict, match="There is an organisation physics already"):
            commands.create(session, make.operator, wanted, NOON)
        with pytest.raises(NotFound):
            commands.create(session, make.user(), wanted, NOON)


def test_parallel_requests_never_pass_a_limit(database: Database) -> None:
    with database.writing() as session:
        make = Factory(session)
        organisation = make.organisation(limit=10)
        make.item()
        organisation_id, owner_id = organisation.id, make.member(organisation).id
    start = threading.Barrier(8)
    outcomes: list[str] = []

    def person() -> None:
        start.wait()
        for _ in range(3):
            try:
                with database.writing() as session:
                    Factory(session).appliance(
                        session.get_one(Organisation, organisation_id),
                        session.get_one(User, owner_id),
                    )
                outcomes.append("launched")
            except LimitReached:
                outcomes.append("refused")

    threads = [threading.Thread(target=person) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (outcomes.count("launched"), outcomes.count("refused")) == (10, 14)
    with database.reading() as session:
        assert session.get_one(Organisation, organisation_id).appliances_used == 10
        assert session.query(Appliance).count() == 10
