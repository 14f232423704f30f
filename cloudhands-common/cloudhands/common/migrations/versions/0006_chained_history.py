"""Links that seal each artifact's history, and texts beside it that can be erased.

The history that is there is sealed as it is found. How a link is made is written out here: what
`common.history.chain` does may change one day, what this migration did may not.
"""

import hashlib
import hmac
import json
import secrets
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC
from itertools import groupby
from typing import Any
from uuid import uuid4

import sqlalchemy as sa
from alembic import context, op
from sqlalchemy.dialects.postgresql import JSONB

from cloudhands.common.errors import DatabaseError

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None
# The newest revision that the oldest usable code knows, from this one on.
oldest_code = "0006"

JSON = sa.JSON().with_variant(JSONB(), "postgresql")
HEADS = {
    "appliance": "appliances",
    "catalogue item": "catalogue_items",
    "component": "actors",
    "membership": "memberships",
    "organisation": "organisations",
    "provider": "providers",
    "subscription": "subscriptions",
    "user": "actors",
}
BATCH = 1000

ACTORS = sa.table("actors", sa.column("id", sa.Integer), sa.column("uuid", sa.Uuid))
TOUCHES = sa.table(
    "touches",
    sa.column("id", sa.Integer),
    sa.column("artifact_kind", sa.String),
    sa.column("artifact_uuid", sa.Uuid),
    sa.column("actor_id", sa.Integer),
    sa.column("from_state", sa.String),
    sa.column("to_state", sa.String),
    sa.column("at", sa.DateTime(timezone=True)),
    sa.column("why", sa.String),
    sa.column("number", sa.Integer),
    sa.column("facts", JSON),
    sa.column("text_digest", sa.String),
    sa.column("link", sa.String),
)
TEXTS = sa.table(
    "sealed_texts",
    sa.column("touch_id", sa.Integer),
    sa.column("salt", sa.String),
    sa.column("why", sa.String),
)

SQLITE_TOUCHES = (
    # INSERT OR REPLACE deletes without a trigger.
    """
    CREATE TRIGGER touches_are_not_replaced BEFORE INSERT ON touches
    WHEN EXISTS (
        SELECT 1 FROM touches
        WHERE artifact_uuid = NEW.artifact_uuid AND number = NEW.number OR id = NEW.id
    )
    BEGIN SELECT RAISE(ABORT, 'history is append-only'); END
    """,
    """
    CREATE TRIGGER touches_are_not_changed BEFORE UPDATE ON touches
    BEGIN SELECT RAISE(ABORT, 'history is append-only'); END
    """,
    """
    CREATE TRIGGER touches_are_not_deleted BEFORE DELETE ON touches
    BEGIN SELECT RAISE(ABORT, 'history is append-only'); END
    """,
)
SQLITE_TEXTS = (
    """
    CREATE TRIGGER touch_texts_are_not_replaced BEFORE INSERT ON touch_texts
    WHEN EXISTS (SELECT 1 FROM touch_texts WHERE touch_id = NEW.touch_id)
    BEGIN SELECT RAISE(ABORT, 'history is append-only'); END
    """,
    """
    CREATE TRIGGER touch_texts_are_only_erased BEFORE UPDATE ON touch_texts
    WHEN NOT (NEW.touch_id = OLD.touch_id AND NEW.why IS NULL AND NEW.salt IS NULL
    AND NEW.erased IS NOT NULL)
    BEGIN SELECT RAISE(ABORT, 'history is append-only'); END
    """,
    """
    CREATE TRIGGER touch_texts_are_not_deleted BEFORE DELETE ON touch_texts
    BEGIN SELECT RAISE(ABORT, 'history is append-only'); END
    """,
)
POSTGRESQL_TOUCHES = (
    """
    CREATE TRIGGER touches_are_not_changed BEFORE UPDATE OR DELETE ON touches
    FOR EACH ROW EXECUTE FUNCTION history_is_append_only()
    """,
)
POSTGRESQL_TEXTS = (
    """
    CREATE TRIGGER touch_texts_are_only_erased BEFORE UPDATE ON touch_texts
    FOR EACH ROW WHEN (NOT (NEW.touch_id = OLD.touch_id AND NEW.why IS NULL
    AND NEW.salt IS NULL AND NEW.erased IS NOT NULL))
    EXECUTE FUNCTION history_is_append_only()
    """,
    """
    CREATE TRIGGER touch_texts_are_not_deleted BEFORE DELETE ON touch_texts
    FOR EACH ROW EXECUTE FUNCTION history_is_append_only()
    """,
    """
    CREATE TRIGGER touch_texts_are_not_truncated BEFORE TRUNCATE ON touch_texts
    FOR EACH STATEMENT EXECUTE FUNCTION history_is_append_only()
    """,
)


def upgrade() -> None:
    """Apply. Older code cannot write history any more."""
    sqlite = op.get_bind().dialect.name == "sqlite"
    _add_columns()
    _unguard(sqlite)
    # SQLite makes `touches` anew: nothing may refer to it until then.
    _add_texts("sealed_texts")
    _seal(op.get_bind())
    _finish()
    _add_texts("touch_texts", *_rules_of_texts())
    _execute(
        "INSERT INTO touch_texts (touch_id, salt, why) "
        "SELECT touch_id, salt, why FROM sealed_texts",
        "DROP TABLE sealed_texts",
    )
    if sqlite:
        _execute(*SQLITE_TOUCHES, *SQLITE_TEXTS)
    else:
        _execute(*POSTGRESQL_TOUCHES, *POSTGRESQL_TEXTS)
    _execute("UPDATE compatibility SET oldest_code = '0006'")


def _add_columns() -> None:
    for table in sorted(set(HEADS.values())):
        op.add_column(
            table, sa.Column("touch_count", sa.Integer(), nullable=False, server_default="0")
        )
        op.add_column(table, sa.Column("last_link", sa.String(), nullable=False, server_default=""))
    op.add_column("installation", sa.Column("key_mark", sa.String(), nullable=True))
    op.add_column("appliances", sa.Column("seen_size", sa.String(), nullable=True))
    op.execute("UPDATE appliances SET seen_size = size WHERE provider_id IS NOT NULL")
    op.add_column("users", sa.Column("erased_at", sa.DateTime(timezone=True), nullable=True))
    installation = sa.table("installation", sa.column("id"), sa.column("uuid", sa.Uuid))
    if op.get_bind().scalar(sa.select(installation.c.id)) is None:
        op.bulk_insert(installation, [{"id": 1, "uuid": uuid4()}])
    for column in ("number", "facts", "text_digest", "link"):
        op.add_column("touches", sa.Column(column, TOUCHES.c[column].type, nullable=True))


def _add_texts(name: str, *rules: sa.Constraint) -> None:
    op.create_table(
        name,
        sa.Column("touch_id", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("salt", sa.String(), nullable=True),
        sa.Column("why", sa.String(), nullable=True),
        sa.Column("erased", sa.String(), nullable=True),
        *rules,
    )


def _rules_of_texts() -> Sequence[sa.Constraint]:
    return (
        sa.ForeignKeyConstraint(
            ["touch_id"], ["touches.id"], name=op.f("fk_touch_texts_touch_id_touches")
        ),
        sa.PrimaryKeyConstraint("touch_id", name=op.f("pk_touch_texts")),
        sa.CheckConstraint(
            "(why IS NULL) = (salt IS NULL) AND (why IS NULL) = (erased IS NOT NULL)",
            name=op.f("ck_touch_texts_whole"),
        ),
    )


def _unguard(sqlite: bool) -> None:
    if sqlite:
        names = ("touches_are_not_replaced", "touches_are_not_changed", "touches_are_not_deleted")
        _execute(*(f"DROP TRIGGER {name}" for name in names))
    else:
        _execute("DROP TRIGGER touches_are_not_changed ON touches")


def _seal(connection: sa.Connection) -> None:
    """Link what there is, artifact by artifact."""
    rows = connection.execute(
        sa.select(TOUCHES, ACTORS.c.uuid.label("actor_uuid"))
        .join(ACTORS, ACTORS.c.id == TOUCHES.c.actor_id)
        .order_by(TOUCHES.c.artifact_uuid, TOUCHES.c.id),
        execution_options={"yield_per": BATCH},
    )
    key = b""
    for artifacts in _batches(groupby(rows.mappings(), lambda row: row["artifact_uuid"])):
        key = key or _key()
        sealed = [row for artifact in artifacts for row in _chain(key, artifact)]
        _write(connection, sealed)


def _batches(groups: Any) -> Iterator[list[list[Mapping[str, Any]]]]:
    """Artifacts with all their rows, some thousand rows at a time."""
    held: list[list[Mapping[str, Any]]] = []
    for _, rows in groups:
        held.append(list(rows))
        if sum(map(len, held)) >= BATCH:
            yield held
            held = []
    if held:
        yield held


def _key() -> bytes:
    secret = context.config.attributes.get("secret")
    if secret is None:
        raise DatabaseError("the history that is there can only be sealed with the key file")
    return bytes.fromhex(hmac.new(secret, b"history\0", hashlib.sha256).hexdigest())


def _chain(key: bytes, rows: list[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    previous = ""
    for number, row in enumerate(rows, 1):
        salt = secrets.token_hex(16)
        digest = hashlib.sha256(f"{salt}\0{row['why']}".encode()).hexdigest()
        at = row["at"] if row["at"].tzinfo else row["at"].replace(tzinfo=UTC)
        values = [
            previous,
            row["artifact_kind"],
            str(row["artifact_uuid"]),
            number,
            str(row["actor_uuid"]),
            row["from_state"],
            row["to_state"],
            at.astimezone(UTC).isoformat(timespec="microseconds"),
            {},
            digest,
        ]
        canonical = json.dumps(values, sort_keys=True, separators=(",", ":")).encode()
        previous = hmac.new(key, canonical, hashlib.sha256).hexdigest()
        yield {**row, "number": number, "salt": salt, "text_digest": digest, "link": previous}


def _write(connection: sa.Connection, sealed: list[dict[str, Any]]) -> None:
    names = ("number", "text_digest", "link")
    connection.execute(
        sa.update(TOUCHES)
        .where(TOUCHES.c.id == sa.bindparam("row"))
        .values(facts={}, **{name: sa.bindparam(f"the_{name}") for name in names}),
        [{"row": row["id"], **{f"the_{name}": row[name] for name in names}} for row in sealed],
    )
    connection.execute(
        sa.insert(TEXTS),
        [{"touch_id": row["id"], "salt": row["salt"], "why": row["why"]} for row in sealed],
    )
    last = {row["artifact_uuid"]: row for row in sealed}
    for table in sorted(set(HEADS.values())):
        ends = [row for row in last.values() if HEADS[row["artifact_kind"]] == table]
        if ends:
            _write_heads(connection, table, ends)


def _write_heads(connection: sa.Connection, name: str, ends: list[dict[str, Any]]) -> None:
    table = sa.table(
        name, sa.column("uuid", sa.Uuid), sa.column("touch_count"), sa.column("last_link")
    )
    connection.execute(
        sa.update(table)
        .where(table.c.uuid == sa.bindparam("of", type_=sa.Uuid))
        .values(touch_count=sa.bindparam("count"), last_link=sa.bindparam("last")),
        [{"of": row["artifact_uuid"], "count": row["number"], "last": row["link"]} for row in ends],
    )


def _finish() -> None:
    with op.batch_alter_table("touches") as touches:
        touches.drop_index("ix_touches_artifact_uuid_id")
        for column in ("number", "facts", "text_digest", "link"):
            touches.alter_column(column, existing_type=TOUCHES.c[column].type, nullable=False)
        touches.drop_column("why")
        touches.create_unique_constraint(
            op.f("uq_touches_artifact_uuid_number"), ["artifact_uuid", "number"]
        )


def _execute(*statements: str) -> None:
    for statement in statements:
        op.execute(statement)
