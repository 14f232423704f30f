"""`cloud-admin db`: the database."""

import argparse

from cloudhands.common import schema, service
from cloudhands.common.db import opened
from cloudhands.ops.admin.operation import answer
from cloudhands.ops.admin.parsing import Commands, command, group


def add_commands(groups: Commands) -> None:
    """Add this group."""
    place = group(groups, "db", "the database")
    command(place, "upgrade", "Make the tables, or bring them to this release.", upgrade)


def upgrade(options: argparse.Namespace) -> None:
    """Bring the database to the newest revision; harmless when it is there.

    :raises DatabaseError: if it cannot be reached or written.
    """
    with opened(service.read_settings(options).database_url) as database:
        revision = schema.upgrade(database)
        where = database.engine.url.render_as_string(hide_password=True)
    answer(
        options,
        {"database": where, "revision": revision},
        f"The database {where} is at revision {revision}.",
        "Next: cloud-admin catalogue load; cloud-admin user create; cloud-admin org create.",
    )
