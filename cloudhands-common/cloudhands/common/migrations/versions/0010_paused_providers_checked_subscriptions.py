"""Providers that are paused and probed, subscriptions that are checked, workers that are seen."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

JSON = sa.JSON().with_variant(JSONB(), "postgresql")


def upgrade() -> None:
    """Apply. Older code runs on it: it calls paused providers, too."""
    _providers()
    _subscriptions()
    op.create_table(
        "workers",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("host", sa.String(), nullable=False),
        sa.Column("pid", sa.Integer(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("in_hand", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_workers")),
    )


def _providers() -> None:
    check = sa.CheckConstraint(
        "pause_ends IN ('', 'probe', 'operator')", name=op.f("ck_providers_pause_ends")
    )
    _text("providers", "state", "working")
    _text("providers", "problem")
    _text("providers", "pause_ends", "", check)
    op.add_column("providers", sa.Column("since", sa.DateTime(timezone=True), nullable=True))
    _due("providers")


def _subscriptions() -> None:
    _text("subscriptions", "problem")
    op.add_column("subscriptions", sa.Column("quota", JSON, nullable=True))
    op.add_column("subscriptions", sa.Column("read_at", sa.DateTime(timezone=True), nullable=True))
    _due("subscriptions")


def _text(table: str, name: str, default: str = "", *checks: sa.CheckConstraint) -> None:
    op.add_column(
        table, sa.Column(name, sa.String(), *checks, nullable=False, server_default=default)
    )


def _due(table: str) -> None:
    for column in (
        sa.Column("wanted_version", sa.Integer(), nullable=False, server_default="1"),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("claim_token", sa.String(), nullable=True),
        sa.Column("claim_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("attempt", sa.Integer(), nullable=False, server_default="0"),
    ):
        op.add_column(table, column)
    op.create_index(
        f"ix_{table}_due",
        table,
        ["due_at"],
        sqlite_where=sa.text("due_at IS NOT NULL"),
        postgresql_where=sa.text("due_at IS NOT NULL"),
    )
