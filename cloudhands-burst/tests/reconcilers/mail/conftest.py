from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from cloudhands.burst.mail.writing import Sender
from cloudhands.burst.outcome import Outcome
from cloudhands.burst.reconcilers.mail.reconciler import MailReconciler
from cloudhands.burst.testing import World
from cloudhands.common import settings, work
from cloudhands.common.mail.commands import post
from cloudhands.common.mail.tables import Message
from cloudhands.common.testing.certificates import Certificate, self_signed
from cloudhands.common.testing.smtp import MailServer, serving

ADDRESS = "alice@example.org"


@dataclass
class Office:
    """The outbox, and what sends it."""

    world: World
    mail: dict[str, Any] = field(default_factory=dict)
    _reconciler: MailReconciler | None = None

    @property
    def reconciler(self) -> MailReconciler:
        if self._reconciler is None:
            mail = settings.Mail(**{"timeout": 5, **self.mail})
            chosen = self.world.settings.model_copy(update={"mail": mail})
            sender = Sender("cloud@example.org", "Test cloud", "help@example.org", "https://c.org")
            self._reconciler = MailReconciler(replace(self.world.context, settings=chosen), sender)
        return self._reconciler

    def post(self, to: str = ADDRESS, template: str = "registration-active", **values: Any) -> int:
        with self.world.database.writing() as session:
            values = values or {"uid": "alice"}
            posted = post(session, to, template, values, self.world.clock())
            assert posted is not None
            session.flush()
            return posted.id

    def claims(self) -> list[work.Claim]:
        with self.world.database.writing() as session:
            return list(work.claim(session, Message, self.world.clock(), 15, 100))

    def send(self) -> list[Outcome]:
        return [self.reconciler.reconcile(claim) for claim in self.claims()]

    def row(self, id_: int) -> Message:
        with self.world.database.reading() as session:
            found = session.scalars(select(Message).where(Message.id == id_)).one()
            session.expunge_all()
            return found


@pytest.fixture
def office(world: World) -> Office:
    return Office(world)


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return self_signed(tmp_path_factory.mktemp("mail"), "IP:127.0.0.1")


@pytest.fixture
def server(office: Office) -> Iterator[MailServer]:
    """A mail server without encryption, on this machine."""
    with serving() as running:
        office.mail = dict(running.settings)
        yield running


@pytest.fixture
def script(tmp_path: Path) -> Path:
    return tmp_path / "send.py"
