"""`cloud-admin db move`: what is moved, and what the new database is good for."""

import io
import json
import re
from contextlib import redirect_stdout
from dataclasses import dataclass, replace

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from cloudhands.common import db, idempotency, schema
from cloudhands.common.actor.commands import installation
from cloudhands.common.history import Touch, latest
from cloudhands.common.history.verification import verify
from cloudhands.common.testing.databases import SECRET
from cloudhands.common.testing.factories import Factory
from cloudhands.ops import moving
from cloudhands.ops.admin.main import main
from cloudhands.ops.moving import copying
from cloudhands.ops.testing_move import KEY_FILE, TABLES, copied, rows_of
from cloudhands.web.http.cookies import SESSION_COOKIE
from cloudhands.web.testing import NOW, Portal


@dataclass
class Done:
    """A move that was made once for several tests, with what both sides held before and after."""

    before: dict
    after: dict
    told: dict
    target: db.Database
    portal: Portal
    cookie: str


@pytest.fixture(scope="module")
def done(filled, tmp_path_factory, postgresql_server):
    portal, cookie = filled
    folder = tmp_path_factory.mktemp("done")
    with copied(portal, folder) as database:
        before = rows_of(database)
    (folder / "cloudhands.toml").write_text(f'state = "{folder}"\n', encoding="utf-8")
    url = postgresql_server.url(postgresql_server.create())
    argv = ["--config", str(folder / "cloudhands.toml"), "db", "move", url, "--json"]
    with redirect_stdout(io.StringIO()) as output:
        assert main(argv) == 0
    with db.opened(url, SECRET) as target:
        services = replace(portal.services, database=target)
        over_target = replace(portal, services=services)
        told = json.loads(output.getvalue())
        yield Done(before, rows_of(target), told, target, over_target, cookie)


def test_every_row_is_moved_as_it_is(done):
    assert all(done.before.values()), "each table has rows"
    assert done.after == done.before
    assert done.told["rows"] == {name: len(rows) for name, rows in done.before.items()}
    assert done.told["to"] == done.target.address
    assert not schema.state(done.target).moved_to
    assert schema.differences(done.target) == []


def test_the_portal_goes_on_with_the_new_one(done):
    """Who was signed in still is, and changes what is there."""
    path = f"/appliances/{done.portal.world.appliance}"
    client = done.portal.client()
    client.cookies.set(SESSION_COOKIE, done.cookie, domain="portal.test")
    assert client.document(path)["label"] == "mine"
    template = client.document(f"{path}/rename")["_templates"]["rename"]
    assert client.use(template, label="renamed").status_code == 303
    assert client.document(path)["label"] == "renamed"


def test_new_ids_come_after_the_old_ones(done):
    with done.target.writing() as session:
        make = Factory(session)
        organisation = make.organisation("later")
        made = make.appliance(organisation, make.member(organisation, "newcomer"))
        session.flush()
        assert made.id == max(done.before["appliances"])[0] + 1
        touches = session.scalars(select(Touch.id).where(Touch.artifact_uuid == made.uuid)).all()
        assert min(touches) > max(done.before["touches"])[0]
        idempotency.keep(session, made.owner_id, "third", "digest", "/", NOW)
        number = idempotency.latest(session, made.owner_id)
    assert number == max(done.before["creations"])[0] + 2, "an id that was given is not given again"


def test_history_is_append_only_there_too(done):
    changes = (
        "UPDATE touches SET link = 'x'",
        "UPDATE touch_texts SET why = 'x'",
        "DELETE FROM touches",
        "TRUNCATE touch_texts",
    )
    for change in changes:
        with pytest.raises(DBAPIError, match="append-only"), done.target.writing() as session:
            session.execute(text(change))
    with done.target.reading() as session:
        assert latest(session, done.portal.world.appliance)


def test_rows_in_many_batches_and_what_to_do_next(
    admin, source, target, target_url, monkeypatch, capsys
):
    monkeypatch.setattr(copying, "BATCH", 2)
    before = source.rows()
    assert admin("db", "move", target_url) == 0
    assert rows_of(target) == before
    told = capsys.readouterr().out.splitlines()
    assert re.match(rf"Moved \d+ rows of {len(TABLES)} tables from sqlite:///\S+ to p", told[0])
    assert told[-1] == "Next: set database.url to the new one, then start the programs."


def test_an_installation_without_a_name_gets_the_same_on_both_sides(
    upgraded, tmp_path, target, target_url
):
    assert upgraded("db", "move", target_url) == 0
    with db.opened(f"sqlite:///{tmp_path}/cloudhands.db") as old, old.writing() as session:
        uuid = installation(session).uuid
    with target.writing() as session:
        assert installation(session).uuid == uuid


def test_the_history_is_what_was_written_on_both_sides(done):
    before = len(done.before["touches"])
    found = verify(done.target, SECRET)
    assert found.findings == []
    assert found.rows >= before > 10


def test_progress_is_told(source, target, tmp_path):
    told = []
    moving.move(source.database, tmp_path / KEY_FILE, target, NOW, lambda *step: told.append(step))
    dones, totals = [done for _, done, _ in told], {total for *_, total in told}
    assert dones == sorted(dones)
    assert dones[0] == 0
    assert totals == {dones[-1]}
    assert list(dict.fromkeys(name for name, *_ in told)) == [table.name for table in TABLES]
