"""Listings of providers, and nodes that an operator has abandoned."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

JSON = sa.JSON().with_variant(JSONB(), "postgresql")
LIVING = "ended_at IS NULL AND abandoned_at IS NULL"
DUE = "due_at IS NOT NULL"


def upgrade() -> None:
    """Apply. Older code runs on it, as long as no node is abandoned: it takes that for living."""
    op.add_column("nodes", sa.Column("abandoned_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("nodes", sa.Column("share", JSON, nullable=True))
    op.drop_index("uq_nodes_living", table_name="nodes")
    op.create_index(
        "uq_nodes_living",
        "nodes",
        ["appliance_id"],
        unique=True,
        sqlite_where=sa.text(LIVING),
        postgresql_where=sa.text(LIVING),
    )
    op.create_table(
        "listings",
        sa.Column("provider_id", sa.Integer(), nullable=False),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("found", JSON, nullable=False),
        sa.Column("wanted_version", sa.Integer(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("claim_token", sa.String(), nullable=True),
        sa.Column("claim_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("uuid", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("touch_count", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("last_link", sa.String(), nullable=False, server_default=""),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["provider_id"], ["providers.id"], name=op.f("fk_listings_provider_id_providers")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_listings")),
        sa.UniqueConstraint("provider_id", name=op.f("uq_listings_provider_id")),
        sa.UniqueConstraint("uuid", name=op.f("uq_listings_uuid")),
    )
    op.create_index(
        "ix_listings_due",
        "listings",
        ["due_at"],
        sqlite_where=sa.text(DUE),
        postgresql_where=sa.text(DUE),
    )
