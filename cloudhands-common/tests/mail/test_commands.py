"""The outbox: posting once, sending, forgetting."""

import threading
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from cloudhands.common import work
from cloudhands.common.db import Database
from cloudhands.common.errors import ClaimLost
from cloudhands.common.mail import commands, queries
from cloudhands.common.mail.tables import Message
from cloudhands.common.testing.factories import NOON
from cloudhands.common.work import Claim

LATER = NOON + timedelta(minutes=5)


def post(database: Database, once: str | None = None) -> bool:
    with database.writing() as session:
        values = {"name": "Ada"}
        return commands.post(session, "ada@example.org", "hello", values, NOON, once) is not None


def claim(database: Database) -> Claim:
    with database.writing() as session:
        (taken,) = work.claim(session, Message, NOON, 60, 10)
        return taken


def only(database: Database) -> Message:
    with database.reading() as session:
        return session.scalars(select(Message)).one()


def test_what_is_posted_waits_and_is_due(database: Database) -> None:
    assert post(database)
    message = only(database)
    assert (message.to, message.template, message.values) == (
        *("ada@example.org", "hello", {"name": "Ada"}),
    )
    assert (message.due_at, message.created_at, message.sent_at) == (NOON, NOON, None)
    assert (message.problem, message.attempt) == ("", 0)
    assert message.wanted_version == 2, "it was posted, and woke the sender"
    assert claim(database).id == message.id


def test_one_event_mails_once_and_others_as_often_as_they_are_posted(database: Database) -> None:
    assert post(database, "welcome:1")
    assert not post(database, "welcome:1")
    assert post(database, "welcome:2")
    assert post(database)
    assert post(database)
    with database.reading() as session:
        assert queries.waiting(session) == (4, NOON)


def test_a_mail_that_was_rolled_back_is_not_there(database: Database) -> None:
    with database.writing() as session:
        commands.post(session, "ada@example.org", "hello", {}, NOON, "x")
        session.rollback()
    assert post(database, "x")


def test_a_sent_mail_tells_nothing_of_the_person(database: Database) -> None:
    post(database, "welcome:1")
    taken = claim(database)
    with database.writing() as session:
        commands.sent(session, taken, LATER)
    message = only(database)
    assert (message.to, message.values, message.sent_at) == ("", {}, LATER)
    assert (message.due_at, message.claim_token) == (None, None)
    assert not post(database, "welcome:1")
    with database.reading() as session:
        assert queries.waiting(session) == (0, None)


def test_a_mail_that_could_not_be_sent_waits_with_its_problem(database: Database) -> None:
    post(database)
    taken = claim(database)
    with database.writing() as session:
        commands.not_sent(session, taken, "the mail server is away", LATER, NOON)
    message = only(database)
    assert (message.problem, message.attempt, message.due_at) == (
        *("the mail server is away", 1, LATER),
    )
    assert message.to == "ada@example.org"
    with database.writing() as session:
        (again,) = work.claim(session, Message, LATER, 60, 10)
        commands.sent(session, again, LATER)
    assert (only(database).problem, only(database).attempt) == ("", 0)


def test_a_sender_that_was_overtaken_writes_nothing(database: Database) -> None:
    post(database)
    first = claim(database)
    with database.writing() as session:
        (second,) = work.claim(session, Message, NOON + timedelta(minutes=2), 60, 10)
    with database.writing() as session, pytest.raises(ClaimLost):
        commands.sent(session, first, NOON)
    with database.writing() as session, pytest.raises(ClaimLost):
        commands.not_sent(session, first, "x", None, NOON)
    with database.writing() as session:
        commands.sent(session, second, NOON)


def test_several_at_once_post_one_event_once(database: Database) -> None:
    posted: list[bool] = []
    start = threading.Barrier(8)

    def worker() -> None:
        start.wait()
        posted.extend(post(database, f"event:{number}") for number in range(10))

    threads = [threading.Thread(target=worker) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(posted), sum(posted)) == (80, 10)
    with database.reading() as session:
        assert session.scalar(select(func.count()).select_from(Message)) == 10
