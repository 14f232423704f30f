"""`history.verification`: whatever somebody without the key changes is named."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from cloudhands.common import history
from cloudhands.common.appliance.states import APPLIANCE
from cloudhands.common.db import Database
from cloudhands.common.errors import InvalidInput
from cloudhands.common.history import chain
from cloudhands.common.history.checkpoints import Checkpoint, take
from cloudhands.common.history.erasure import erase_texts
from cloudhands.common.history.verification import Verified, verify
from cloudhands.common.machine import move
from cloudhands.common.organisation.queries import by_name
from cloudhands.common.testing.databases import SECRET
from cloudhands.common.testing.factories import NOON, Factory

ROWS = 6
OTHER_KEY = chain.key(b"somebody else's" * 3)


@pytest.fixture
def artifact(database: Database) -> UUID:
    """An organisation with six rows of history, among other things with theirs."""
    with database.writing() as session:
        make = Factory(session)
        organisation = make.organisation("physics")
        make.member(organisation, "alice")
        for number in range(1, ROWS):
            later = NOON + timedelta(minutes=number)
            why = f"why {number}"
            history.record(session, organisation, make.operator, why, later, to_state="active")
        return organisation.uuid


def forge(database: Database, *statements: str, artifact: UUID | None = None) -> None:
    """Change what is written, as whoever owns the database can: the triggers do not stop them."""
    with database.writing() as session:
        for trigger, table in list(_triggers(session, database)):
            where = "" if database.is_sqlite else f" ON {table}"
            session.execute(text(f"DROP TRIGGER {trigger}{where}"))
        for statement in statements:
            session.execute(text(statement), _of(session, statement, artifact))


def _triggers(session: Session, database: Database) -> list[tuple[str, str]]:
    listed = (
        "SELECT name, tbl_name FROM sqlite_master WHERE type = 'trigger'"
        if database.is_sqlite
        else "SELECT tgname, tgrelid::regclass::text FROM pg_trigger WHERE NOT tgisinternal"
    )
    return [tuple(row) for row in session.execute(text(listed))]


def _of(session: Session, statement: str, artifact: UUID | None) -> dict[str, object]:
    if ":it" not in statement or artifact is None:
        return {}
    sqlite = session.get_bind().dialect.name == "sqlite"
    return {"it": artifact.hex if sqlite else artifact}


def verified(database: Database, told: Checkpoint | None = None) -> Verified:
    return verify(database, SECRET, told)


def sentences(database: Database, told: Checkpoint | None = None) -> list[str]:
    return [finding.sentence for finding in verified(database, told).findings]


def test_what_nobody_changed_is_as_it_was_written(database: Database, artifact: UUID) -> None:
    found = verified(database)
    assert found.findings == []
    assert found.rows > ROWS
    assert found.artifacts > 3
    assert found.erased == 0


def test_an_empty_database_has_nothing_to_find(database: Database) -> None:
    assert verified(database) == Verified(rows=0, artifacts=0, erased=0, findings=[])


@pytest.mark.parametrize(
    "change",
    [
        "at = at_of(1)",
        "to_state = 'activf'",
        "from_state = ''",
        "actor_id = actor_id + 1",
        "artifact_kind = 'organisatiom'",
        """facts = '{"size": "large"}'""",
        "text_digest = replace(text_digest, substr(text_digest, 1, 1), 'g')",
    ],
)
def test_one_byte_of_an_old_row_is_noticed(database: Database, artifact: UUID, change: str) -> None:
    change = change.replace("at_of(1)", "'2026-03-01 12:03:00.000001'")
    if not database.is_sqlite:
        change = change.replace(".000001'", ".000001+00'")
    forge(
        database,
        f"UPDATE touches SET {change} WHERE artifact_uuid = :it AND number = 4",
        artifact=artifact,
    )
    changed = sentences(database)
    assert any(
        f"{artifact}: row 4 (touch " in one and "was changed, or written without the key" in one
        for one in changed
    ), changed
    assert all(f"{artifact}: row 4" in one for one in changed), changed


def test_another_text_is_noticed(database: Database, artifact: UUID) -> None:
    forge(database, "UPDATE touch_texts SET why = 'nothing' WHERE why = 'why 3'")
    (found,) = sentences(database)
    assert found.startswith(f"{artifact}: row 4 (touch ")
    assert found.endswith("had its text changed")


def test_a_text_that_was_taken_away_is_noticed(database: Database, artifact: UUID) -> None:
    forge(database, "DELETE FROM touch_texts WHERE why = 'why 3'")
    (found,) = sentences(database)
    assert f"{artifact}: row 4" in found
    assert found.endswith("has lost its text")


def test_a_text_erased_without_the_key_is_noticed(database: Database, artifact: UUID) -> None:
    forge(
        database,
        "UPDATE touch_texts SET why = NULL, salt = NULL, erased = 'yes' WHERE why = 'why 3'",
    )
    (found,) = sentences(database)
    assert f"{artifact}: row 4" in found
    assert found.endswith("erased without the key")


def test_a_text_erased_with_the_key_leaves_the_chain_whole(
    database: Database, artifact: UUID
) -> None:
    with database.writing() as session:
        ids = session.scalars(text("SELECT touch_id FROM touch_texts WHERE why LIKE 'why %'")).all()
        assert erase_texts(session, ids) == ROWS - 1
        assert erase_texts(session, ids) == 0
    found = verified(database)
    assert found.findings == []
    assert found.erased == ROWS - 1
    with database.reading() as session:
        assert [event.why for event in history.latest(session, artifact, 2)] == ["(erased)"] * 2


def test_a_removed_row_is_named(database: Database, artifact: UUID) -> None:
    forge(database, *_removal("number = 3"), artifact=artifact)
    removed, after = sentences(database)
    assert removed == f"{artifact}: row 3 was removed"
    assert f"{artifact}: row 4" in after
    assert "cannot be verified: the row before it is missing" in after


def _removal(which: str) -> tuple[str, str]:
    rows = f"FROM touches WHERE artifact_uuid = :it AND {which}"
    return f"DELETE FROM touch_texts WHERE touch_id IN (SELECT id {rows})", f"DELETE {rows}"


def test_a_removed_row_is_named_though_the_rest_is_numbered_again(
    database: Database, artifact: UUID
) -> None:
    again = "UPDATE touches SET number = number - 1 WHERE artifact_uuid = :it AND number = "
    forge(
        database,
        *_removal("number = 3"),
        *(f"{again}{number}" for number in range(4, ROWS + 1)),
        artifact=artifact,
    )
    found = sentences(database)
    assert sum("was changed, or written without the key" in one for one in found) == ROWS - 3
    assert f"{artifact}: row {ROWS} was cut off: there are {ROWS} in all" in found


def test_a_tail_that_was_cut_off_is_named(database: Database, artifact: UUID) -> None:
    forge(database, *_removal("number > 4"), artifact=artifact)
    assert sentences(database) == [f"{artifact}: row 5 was cut off: there are {ROWS} in all"]


def test_a_whole_history_that_was_removed_is_named(database: Database, artifact: UUID) -> None:
    forge(database, *_removal("number > 0"), artifact=artifact)
    assert sentences(database) == [f"{artifact}: all {ROWS} rows were removed"]


def test_a_cut_tail_with_the_thing_taken_back_shows_against_a_checkpoint(
    database: Database, artifact: UUID
) -> None:
    kept = take(database)
    assert Checkpoint.parse(str(kept)) == kept
    last = "(SELECT link FROM touches WHERE artifact_uuid = :it AND number = 4)"
    forge(
        database,
        *_removal("number > 4"),
        f"UPDATE organisations SET touch_count = 4, last_link = {last} WHERE uuid = :it",
        artifact=artifact,
    )
    assert sentences(database) == []  # what the chain alone cannot know
    (found,) = sentences(database, kept)
    assert f"up to touch {kept.last} it is not what it was at the checkpoint" in found


@pytest.mark.parametrize("left", [0, 1, 2])
def test_a_cut_tail_shows_though_the_thing_tells_of_an_earlier_link(
    database: Database, left: int
) -> None:
    """What only says less than before contradicts the state that the thing is in."""
    with database.writing() as session:
        make = Factory(session)
        organisation = make.organisation()
        appliance = make.appliance(organisation, make.member(organisation))
        for state in ("provisioning", "running"):
            move(session, APPLIANCE, appliance, state, make.burst, "so it is", NOON)
        it = appliance.uuid
    last = f"(SELECT link FROM touches WHERE artifact_uuid = :it AND number = {left})"
    forge(
        database,
        *_removal(f"number > {left}"),
        f"UPDATE appliances SET touch_count = {left}, last_link = coalesce({last}, '') "
        "WHERE uuid = :it",
        artifact=it,
    )
    (found,) = sentences(database)
    told = "tells of" if left else "rows were removed"
    assert str(it) in found
    assert told in found


def test_what_comes_after_a_checkpoint_does_not_contradict_it(
    database: Database, artifact: UUID
) -> None:
    kept = take(database)
    with database.writing() as session:
        Factory(session).organisation("later")
    assert sentences(database, kept) == []
    assert take(database) != kept


def test_a_row_that_was_added_at_the_end_is_named(database: Database, artifact: UUID) -> None:
    columns = "artifact_kind, artifact_uuid, actor_id, from_state, to_state, at, facts, text_digest"
    forge(
        database,
        f"INSERT INTO touches (id, number, link, {columns}) SELECT 9999, {ROWS + 1}, link, "
        f"{columns} FROM touches WHERE artifact_uuid = :it AND number = {ROWS}",
        "INSERT INTO touch_texts (touch_id, salt, why) SELECT 9999, salt, why FROM touch_texts "
        f"JOIN touches ON id = touch_id WHERE artifact_uuid = :it AND number = {ROWS}",
        artifact=artifact,
    )
    changed, added = sentences(database)
    assert f"row {ROWS + 1} (touch 9999) was changed, or written without the key" in changed
    assert f"row {ROWS + 1} (touch 9999) was added" in added


def test_a_chain_that_was_made_again_without_the_key_is_named(
    database: Database, artifact: UUID
) -> None:
    with database.reading() as session:
        rows = (
            session.query(history.Touch)
            .filter_by(artifact_uuid=artifact)
            .order_by(history.Touch.number)
        )
        actor = Factory(session).operator.uuid
        previous, links = chain.BEGINNING, {}
        for row in rows:
            sealed = chain.Sealed(
                row.artifact_kind, artifact, row.number, actor, row.from_state, row.to_state,
                row.at, row.facts, row.text_digest,
            )  # fmt: skip
            previous = links[row.id] = chain.link(OTHER_KEY, previous, sealed)
    forge(
        database,
        *(f"UPDATE touches SET link = '{link}' WHERE id = {id_}" for id_, link in links.items()),
        f"UPDATE organisations SET last_link = '{previous}' WHERE uuid = :it",
        artifact=artifact,
    )
    assert sentences(database) == [f"{artifact}: all {ROWS} rows were written without the key"]


def test_history_of_nothing_is_named(database: Database, artifact: UUID) -> None:
    forge(
        database,
        "UPDATE organisations SET uuid = (SELECT uuid FROM users JOIN actors USING (id) LIMIT 1) "
        "WHERE uuid = :it",
        artifact=artifact,
    )
    assert f"{artifact}: there is history, but nothing that it is of" in sentences(database)


@pytest.mark.parametrize(
    "words", ["", "12", "12:", "12:abc", f"x:{'a' * 64}", f"{'9' * 25}:{'a' * 64}", f"1:{'G' * 64}"]
)
def test_what_is_no_checkpoint(words: str) -> None:
    with pytest.raises(InvalidInput, match="checkpoint"):
        Checkpoint.parse(words)


def test_two_that_record_at_once_make_one_chain(database: Database, artifact: UUID) -> None:
    def rename(number: int) -> None:
        with database.writing() as session:
            organisation = by_name(session, "physics")
            assert organisation is not None
            history.record(session, organisation, Factory(session).operator, str(number), NOON)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(rename, range(24)))
    found = verified(database)
    assert found.findings == []
    with database.reading() as session:
        organisation = by_name(session, "physics")
        assert organisation is not None
        assert organisation.touch_count == ROWS + 24
