from cloudhands.common import history
from cloudhands.common.db import Database
from cloudhands.common.history.verification import verify
from cloudhands.common.testing.databases import SECRET
from cloudhands.common.testing.factories import NOON, Factory
from cloudhands.common.testing.histories import WHY, lengthen


def test_what_is_written_in_bulk_is_sealed_like_any_other(database: Database) -> None:
    with database.writing() as session:
        make = Factory(session)
        organisation = make.organisation()
        member = make.member(organisation)
        made = [make.appliance(organisation, member) for _ in range(3)]
        for touches in (7, 20):
            lengthen(session, made, touches, make.burst, NOON)
        history.record(session, made[0], make.burst, "the last one", NOON)
        uuids = [one.uuid for one in made]
    found = verify(database, SECRET)
    assert found.findings == []
    assert found.rows >= 61
    with database.reading() as session:
        assert [len(history.latest(session, uuid)) for uuid in uuids] == [21, 20, 20]
        assert history.latest(session, uuids[0])[1].why == WHY
