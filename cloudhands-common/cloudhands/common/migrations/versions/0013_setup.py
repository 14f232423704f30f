"""What the machines of appliances report of their set-up."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply. Older code runs on it: what it writes tells nothing of a set-up."""
    check = sa.CheckConstraint(
        "setup IN ('', 'booting', 'ready', 'failed')", name=op.f("ck_appliances_setup")
    )
    op.add_column(
        "appliances", sa.Column("setup", sa.String(), check, nullable=False, server_default="")
    )
    op.add_column(
        "appliances", sa.Column("setup_log", sa.String(), nullable=False, server_default="")
    )
    op.add_column("appliances", sa.Column("setup_at", sa.DateTime(timezone=True), nullable=True))
