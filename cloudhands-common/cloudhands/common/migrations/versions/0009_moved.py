"""Where the rows were moved to."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply. Older code runs on it, also where the rows were moved away."""
    op.add_column(
        "installation", sa.Column("moved_to", sa.String(), nullable=False, server_default="")
    )
