"""Numbers for ETags, and what was made under an Idempotency-Key."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.add_column(
        "installation", sa.Column("renames", sa.Integer(), nullable=False, server_default="0")
    )
    op.create_table(
        "creations",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("key_digest", sa.String(), nullable=False),
        sa.Column("request_digest", sa.String(), nullable=False),
        sa.Column("location", sa.String(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_creations_user_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_creations")),
        sa.UniqueConstraint("user_id", "key_digest", name=op.f("uq_creations_user_id_key_digest")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_creations_made_at"), "creations", ["made_at"])
    op.create_index(op.f("ix_nodes_appliance_id"), "nodes", ["appliance_id"])
