"""Registrations, uidNumbers, the outbox, API tokens, pools of addresses, mail whatever its case."""

import unicodedata

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")

SQLITE = (
    # INSERT OR REPLACE deletes without a trigger, also the row that another column names.
    """
    CREATE TRIGGER uid_numbers_are_not_replaced BEFORE INSERT ON uid_numbers
    WHEN EXISTS (
        SELECT 1 FROM uid_numbers WHERE number = NEW.number OR user_uuid = NEW.user_uuid
    )
    BEGIN SELECT RAISE(ABORT, 'history is append-only'); END
    """,
    """
    CREATE TRIGGER uid_numbers_are_not_changed BEFORE UPDATE ON uid_numbers
    BEGIN SELECT RAISE(ABORT, 'history is append-only'); END
    """,
    """
    CREATE TRIGGER uid_numbers_are_not_deleted BEFORE DELETE ON uid_numbers
    BEGIN SELECT RAISE(ABORT, 'history is append-only'); END
    """,
)
POSTGRESQL = (
    """
    CREATE TRIGGER uid_numbers_are_not_changed BEFORE UPDATE OR DELETE ON uid_numbers
    FOR EACH ROW EXECUTE FUNCTION history_is_append_only()
    """,
    """
    CREATE TRIGGER uid_numbers_are_not_truncated BEFORE TRUNCATE ON uid_numbers
    FOR EACH STATEMENT EXECUTE FUNCTION history_is_append_only()
    """,
)


def upgrade() -> None:
    """Apply. Older code runs on it: what it makes has no mail_key, and it frees no pool's address
    (defining the pool again does).
    """
    _users()
    _uid_numbers()
    _messages()
    _api_tokens()
    _pools()
    _registrations()


def _users() -> None:
    op.add_column("users", sa.Column("mail_key", sa.String(), nullable=True))
    connection = op.get_bind()
    users = sa.table(
        "users",
        sa.column("id", sa.Integer),
        sa.column("mail", sa.String),
        sa.column("directory_id", sa.String),
        sa.column("mail_key", sa.String),
    )
    local = sa.select(users.c.id, users.c.mail).where(users.c.directory_id.is_(None))
    # Of several with one address the first keeps it; the others stay as they are, without a key.
    keys: set[str] = set()
    for id_, mail in connection.execute(local.order_by(users.c.id)).all():
        key = _mail_key(mail)
        if mail and key not in keys:
            keys.add(key)
            connection.execute(users.update().where(users.c.id == id_).values(mail_key=key))
    op.create_index(op.f("ix_users_mail_key"), "users", ["mail_key"], unique=True)


def _mail_key(mail: str) -> str:
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", mail).casefold())


def _uid_numbers() -> None:
    op.create_table(
        "uid_numbers",
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("user_uuid", sa.Uuid(), nullable=False),
        sa.Column("allotted", sa.Boolean(), nullable=False),
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_uid_numbers")),
        sa.UniqueConstraint("user_uuid", name=op.f("uq_uid_numbers_user_uuid")),
    )
    op.create_index(
        "ix_uid_numbers_allotted",
        "uid_numbers",
        ["number"],
        sqlite_where=sa.text("allotted = 1"),
        postgresql_where=sa.text("allotted"),
    )
    for statement in SQLITE if op.get_bind().dialect.name == "sqlite" else POSTGRESQL:
        op.execute(statement)


def _due_columns() -> list[sa.Column[object]]:
    return [
        sa.Column("wanted_version", sa.Integer(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("claim_token", sa.String(), nullable=True),
        sa.Column("claim_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("attempt", sa.Integer(), nullable=False),
        *_artifact_columns(),
    ]


def _artifact_columns() -> list[sa.Column[object]]:
    return [
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("uuid", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("touch_count", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("last_link", sa.String(), nullable=False, server_default=""),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
    ]


def _due_index(table: str) -> None:
    op.create_index(
        f"ix_{table}_due",
        table,
        ["due_at"],
        sqlite_where=sa.text("due_at IS NOT NULL"),
        postgresql_where=sa.text("due_at IS NOT NULL"),
    )


def _messages() -> None:
    op.create_table(
        "messages",
        sa.Column("to", sa.String(), nullable=False),
        sa.Column("template", sa.String(), nullable=False),
        sa.Column("values", JSON, nullable=False),
        sa.Column("once", sa.String(), nullable=True),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("problem", sa.String(), nullable=False),
        *_due_columns(),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_messages")),
        sa.UniqueConstraint("once", name=op.f("uq_messages_once")),
        sa.UniqueConstraint("uuid", name=op.f("uq_messages_uuid")),
    )
    _due_index("messages")


def _api_tokens() -> None:
    op.create_table(
        "api_tokens",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("uuid", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("label", sa.String(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("prefix", sa.String(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_used_day", sa.Date(), nullable=True),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_api_tokens_user_id_users")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_tokens")),
        sa.UniqueConstraint("digest", name=op.f("uq_api_tokens_digest")),
        sa.UniqueConstraint("uuid", name=op.f("uq_api_tokens_uuid")),
    )
    op.create_index(op.f("ix_api_tokens_user_id"), "api_tokens", ["user_id"])


def _pools() -> None:
    op.add_column(
        "addresses",
        sa.Column("allotted", sa.Boolean(), nullable=False, server_default=sa.false()),
    )
    op.create_table(
        "pools",
        sa.Column("provider_id", sa.Integer(), nullable=False),
        sa.Column("network", sa.String(), nullable=False),
        *_artifact_columns(),
        sa.ForeignKeyConstraint(
            ["provider_id"], ["providers.id"], name=op.f("fk_pools_provider_id_providers")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pools")),
        sa.UniqueConstraint("provider_id", "network", name=op.f("uq_pools_provider_id_network")),
        sa.UniqueConstraint("uuid", name=op.f("uq_pools_uuid")),
    )
    op.create_table(
        "pool_addresses",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("pool_id", sa.Integer(), nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("packed", sa.LargeBinary(), nullable=False),
        sa.Column("free", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["pool_id"], ["pools.id"], name=op.f("fk_pool_addresses_pool_id_pools")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pool_addresses")),
        sa.UniqueConstraint("pool_id", "address", name=op.f("uq_pool_addresses_pool_id_address")),
    )
    op.create_index(
        "ix_pool_addresses_free",
        "pool_addresses",
        ["pool_id", "packed"],
        sqlite_where=sa.text("free = 1"),
        postgresql_where=sa.text("free"),
    )


def _registrations() -> None:
    op.create_table(
        "registrations",
        sa.Column("organisation_id", sa.Integer(), nullable=True),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("mail", sa.String(), nullable=False),
        sa.Column("mail_key", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("nonce", sa.String(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("uid", sa.String(), nullable=True),
        sa.Column("name", sa.String(), nullable=True),
        sa.Column("key", sa.String(), nullable=True),
        sa.Column("user_id", sa.Integer(), nullable=True),
        sa.Column("uid_number", sa.BigInteger(), nullable=True),
        *_due_columns(),
        sa.CheckConstraint("role IN ('member', 'admin')", name=op.f("ck_registrations_role")),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.id"],
            name=op.f("fk_registrations_organisation_id_organisations"),
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_registrations_user_id_users")
        ),
        sa.ForeignKeyConstraint(
            ["uid_number"],
            ["uid_numbers.number"],
            name=op.f("fk_registrations_uid_number_uid_numbers"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_registrations")),
        sa.UniqueConstraint("uuid", name=op.f("uq_registrations_uuid")),
    )
    op.create_index(op.f("ix_registrations_organisation_id"), "registrations", ["organisation_id"])
    _due_index("registrations")
    for index, column, predicate in (
        (
            "uq_registrations_open_mail_key",
            "mail_key",
            "state IN ('invited', 'confirmed', 'detailed', 'published')",
        ),
        (
            "uq_registrations_open_uid",
            "uid",
            "uid IS NOT NULL AND state IN ('detailed', 'published')",
        ),
    ):
        op.create_index(
            index,
            "registrations",
            [column],
            unique=True,
            sqlite_where=sa.text(predicate),
            postgresql_where=sa.text(predicate),
        )
