"""What is asked of a cloud is written down first; reboots; what each cloud can do."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    """Apply. Older code runs on it, but does not look for what it asked for in vain."""
    for name in ("reboots_wanted", "reboots_done"):
        column = sa.Column(name, sa.Integer(), nullable=False, server_default="0")
        op.add_column("appliances", column)
    for name in ("asked_at", "ending_at"):
        op.add_column("nodes", sa.Column(name, sa.DateTime(timezone=True), nullable=True))
    op.add_column("nodes", sa.Column("failure", sa.String(), nullable=False, server_default=""))
    op.add_column(
        "nodes", sa.Column("full", sa.Boolean(), nullable=False, server_default=sa.false())
    )
    op.add_column("providers", sa.Column("capabilities", JSON, nullable=False, server_default="{}"))
    # Nobody wrote down which of them were asked for.
    op.execute("UPDATE nodes SET asked_at = made_at WHERE ended_at IS NULL")
