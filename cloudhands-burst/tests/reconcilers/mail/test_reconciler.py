import sys
from dataclasses import replace
from datetime import timedelta
from threading import Event

import pytest

from cloudhands.burst.outcome import Again, Done, Failed
from cloudhands.burst.reconcilers import every
from cloudhands.burst.reconcilers.mail.reconciler import MailReconciler
from cloudhands.common import settings, work
from cloudhands.common.db import Database
from cloudhands.common.errors import ClaimLost
from cloudhands.common.organisation.tables import Organisation
from cloudhands.common.registration import links
from cloudhands.common.registration.commands import NewRegistration, confirm, invite
from cloudhands.common.registration.queries import by_uuid
from cloudhands.common.testing.databases import SECRET
from cloudhands.common.testing.factories import Factory
from cloudhands.common.testing.ports import free_port
from cloudhands.common.testing.processes import running
from cloudhands.common.testing.smtp import serving, taken


def test_a_mail_is_sent_once_and_forgotten(office, server):
    posted = office.post()
    assert office.send() == [Done()]
    assert office.send() == []
    (message,) = server.messages
    row = office.row(posted)
    assert message["Message-ID"] == f"<{row.uuid}@example.org>"
    assert message["To"] == "alice@example.org"
    assert "Your user name is alice." in message.get_content()
    assert (row.to, row.values, row.due_at, row.sent_at) == ("", {}, None, office.world.clock())


def test_text_of_any_language_arrives(office, server):
    office.post(template="provider-paused", provider="Wölke ☁", reason="größer " * 300)
    office.send()
    (message,) = server.messages
    assert message["Subject"] == "Provider Wölke ☁ is paused"
    assert "größer größer" in message.get_content()


def test_who_is_refused_for_good_is_given_up(office, server):
    server.refusals["gone@example.org"] = "550 no such user here"
    gone, other = office.post("gone@example.org"), office.post()
    outcomes = office.send()
    assert sorted(map(type, outcomes), key=str) == [Done, Failed]
    row = office.row(gone)
    assert (row.due_at, row.sent_at) == (None, None)
    assert "refuses whom it is for: 550 no such user here" in row.problem
    assert office.row(other).sent_at is not None


def test_who_is_refused_for_now_is_tried_again(office, server):
    server.refusals["grey@example.org"] = "450 come back later"
    posted, other = office.post("grey@example.org"), office.post()
    outcomes = office.send()
    assert sorted(map(type, outcomes), key=str) == [Again, Done]
    row = office.row(posted)
    assert "450 come back later" in row.problem
    assert row.attempt == 1
    assert office.row(other).sent_at is not None, "the others are not held up"
    del server.refusals["grey@example.org"]
    office.world.clock.moment = row.due_at
    assert office.send() == [Done()]
    assert office.row(posted).problem == ""


def test_a_refused_text_is_given_up_and_a_busy_server_is_not(office, server):
    server.on_data = lambda message: "554 this is spam"
    spam = office.post()
    office.send()
    assert (office.row(spam).due_at, "554 this is spam" in office.row(spam).problem) == (None, True)
    server.on_data = lambda message: "452 the disk is full"
    busy = office.post()
    office.send()
    assert office.row(busy).due_at is not None


def test_nobody_listens_and_then_somebody_does(office):
    port = free_port()
    office.mail = {"server": "127.0.0.1", "port": port, "sender": "cloud@example.org"}
    posted = [office.post() for _ in range(3)]
    outcomes = office.send()
    assert all(isinstance(one, Again) for one in outcomes)
    assert all(f"127.0.0.1:{port} cannot be used" in office.row(one).problem for one in posted)
    with serving(port) as server:
        for _ in range(5):
            office.world.clock.advance(30)
            office.send()
        assert len(server.messages) == 3
    assert all(office.row(one).sent_at for one in posted)


@pytest.mark.parametrize("how", ["tls", "start_tls"])
def test_it_is_encrypted_verified_and_logged_in(office, certificate, tmp_path, how):
    for name in ("secret", "wrong"):
        (tmp_path / name).write_text(f"{name}\n", encoding="utf-8")
    given = {how: certificate, "login": ("cloud", "secret")}
    with serving(**given) as server:
        login = {"user": "cloud", "password_file": tmp_path / "secret"}
        trusted = {**server.settings, how: True, "ca_file": certificate.file}
        office.mail = {**trusted, **login}
        office.post()
        assert office.send() == [Done()]
        assert server.encrypted == [True]
        for wrong in ({how: True, "ca_file": None}, {"password_file": tmp_path / "wrong"}):
            other = type(office)(office.world, {**office.mail, **wrong})
            id_ = other.post()
            (outcome,) = other.send()
            assert isinstance(outcome, Again)
            told = "certificate verify failed" if "ca_file" in wrong else "535"
            assert told in other.row(id_).problem
        assert len(server.messages) == 1


def test_without_starttls_nothing_is_sent(office, server):
    office.mail |= {"start_tls": True}
    posted = office.post()
    (outcome,) = office.send()
    assert isinstance(outcome, Again)
    assert "STARTTLS" in office.row(posted).problem
    assert server.messages == []


def test_a_lost_answer_sends_the_same_mail_again(office, server):
    server.on_data = lambda message: None
    office.post()
    (outcome,) = office.send()
    assert isinstance(outcome, Again)
    server.on_data = taken
    office.world.clock.advance(60)
    assert office.send() == [Done()]
    first, second = server.messages
    assert first["Message-ID"] == second["Message-ID"]


def test_whoever_lost_the_claim_meanwhile_records_nothing(office, server):
    posted = office.post()

    def overtaken(message):
        with office.world.database.writing() as session:
            later = office.world.clock() + timedelta(hours=1)
            assert work.claim(session, MailReconciler.model, later, 15, 1)
        return "250 OK"

    server.on_data = overtaken
    with pytest.raises(ClaimLost):
        office.send()
    assert office.row(posted).sent_at is None


KILLED = """
import sys
from datetime import datetime
from pathlib import Path
from cloudhands.burst.context import Context
from cloudhands.burst.mail.writing import Sender
from cloudhands.burst.reconcilers.mail.reconciler import MailReconciler
from cloudhands.common import settings, work
from cloudhands.common.db import Database
from cloudhands.common.mail.tables import Message

url, now, port, secret = sys.argv[1:]
now = datetime.fromisoformat(now)
database = Database(url, bytes.fromhex(secret))
mail = settings.Mail(server="127.0.0.1", port=int(port), sender="cloud@example.org")
context = Context(database, settings.Settings(mail=mail), {}, "", lambda: now)
sender = Sender("cloud@example.org", "Test cloud", "help@example.org", "https://c.org")
with database.writing() as session:
    (claim,) = work.claim(session, Message, now, 15, 1)
MailReconciler(context, sender).reconcile(claim)
"""


def test_killed_after_the_server_has_it_it_is_sent_again(office, server, script, database_url):
    script.write_text(KILLED, encoding="utf-8")
    posted, arrived, answered = office.post(), Event(), Event()

    def hold(message):
        arrived.set()
        answered.wait(20)
        return "250 OK"

    server.on_data = hold
    now = office.world.clock().isoformat()
    argv = [sys.executable, str(script), database_url, now, str(server.port), SECRET.hex()]
    with running(argv, ready=arrived.is_set) as process:
        process.kill()
        answered.set()
    assert office.row(posted).sent_at is None
    assert office.send() == [], "it is still claimed"
    server.on_data = taken
    office.world.clock.advance(600)
    assert office.send() == [Done()]
    first, second = server.messages
    assert first["Message-ID"] == second["Message-ID"]


def test_a_template_that_nobody_knows_is_given_up(office, server):
    posted = office.post(template="nonsense")
    (outcome,) = office.send()
    assert outcome == Failed("there is no template 'nonsense' for mail")
    row = office.row(posted)
    assert (row.due_at, row.problem) == (None, "there is no template 'nonsense' for mail")


def invited(office):
    with office.world.database.writing() as session:
        organisation = session.get_one(Organisation, office.world.organisation_id)
        now, make = office.world.clock(), Factory(session)
        wanted = NewRegistration(mail="new@example.org")
        return invite(session, make.operator, organisation, wanted, now).uuid


def test_a_link_that_would_lead_nowhere_is_not_sent(office, server):
    invited(office)
    assert office.send() == [Failed("the portal has no page yet that its link could lead to")]
    assert server.messages == []


def test_the_link_of_an_invitation_is_derived_when_it_is_sent(office, server, monkeypatch):
    monkeypatch.setattr(links, "PAGE", "/registrations")
    database: Database = office.world.database
    uuid, now = invited(office), office.world.clock()
    assert office.send() == [Done()]
    (message,) = server.messages
    with database.reading() as session:
        token = links.token(SECRET, links.CONFIRM, by_uuid(session, uuid))
    body = message.get_content()
    assert f"https://c.org/registrations/{uuid}?token={token}\n" in body
    assert "15 March 2026" in body
    with database.writing() as session:
        confirm(session, by_uuid(session, uuid, lock=True), token, SECRET, now)
    stale = {"registration": str(uuid), "organisation": "Physics", "role": "member"}
    office.post(template="registration-invitation", **stale)
    (outcome,) = office.send()
    assert outcome == Failed("its link is not good any more: the registration is confirmed")


def test_while_no_server_is_set_mail_waits_and_nobody_looks(office):
    posted = office.post()
    context = office.world.context
    assert [one.model.kind for one in every(context) if one.model.kind == "message"] == []
    mail = settings.Mail(server="localhost", sender="cloud@example.org")
    on = replace(context, settings=context.settings.model_copy(update={"mail": mail}))
    assert "message" in [one.model.kind for one in every(on)]
    assert office.row(posted).due_at is not None
