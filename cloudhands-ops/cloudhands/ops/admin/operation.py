"""One operation of an operator: who acts, on which database, in one transaction; and its answer."""

import argparse
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from cloudhands.common import service
from cloudhands.common.actor.commands import component
from cloudhands.common.actor.queries import OPERATOR
from cloudhands.common.actor.tables import Component
from cloudhands.common.clock import DatabaseClock
from cloudhands.common.db import explained
from cloudhands.common.opening import opened_for
from cloudhands.common.settings import Settings


@dataclass(frozen=True)
class Operation:
    """What a command works with.

    :param session: a writing one; committed when the command ends without an error.
    :param actor: the operator at the command line.
    :param now: the moment that history shows.
    """

    session: Session
    actor: Component
    now: datetime
    settings: Settings


@contextmanager
def operation(options: argparse.Namespace) -> Iterator[Operation]:
    """An operation on the settings' database; rolled back when anything is raised.

    :raises ConfigurationError: if a setting is wrong or the database is not up to date.
    """
    settings = service.read_settings(options)
    with opened_for(settings) as database, explained(database), database.writing() as session:
        now = DatabaseClock(database)()
        yield Operation(session, component(session, OPERATOR, now), now, settings)


@dataclass(frozen=True)
class Look:
    """What a command works with that changes nothing.

    :param session: a reading one; nobody who writes waits for it.
    """

    session: Session
    now: datetime
    settings: Settings


@contextmanager
def look(options: argparse.Namespace) -> Iterator[Look]:
    """A look at the settings' database.

    :raises ConfigurationError: if a setting is wrong or the database is not up to date.
    """
    settings = service.read_settings(options)
    with opened_for(settings) as database, explained(database), database.reading() as session:
        yield Look(session, DatabaseClock(database)(), settings)


def answer(options: argparse.Namespace, result: Mapping[str, Any], *lines: str) -> None:
    """Print what was done: one JSON object with `--json`, otherwise the lines.

    :param result: for a script.
    :param lines: for a person: what was done, and last what to do next.
    """
    if options.json:
        print(json.dumps(result, ensure_ascii=False))
    else:
        print("\n".join(lines))
