"""Whether cloud-burst only observes."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply. Older code runs on it, but works on where it should only observe."""
    op.add_column(
        "installation",
        sa.Column("observing", sa.Boolean(), nullable=False, server_default=sa.false()),
    )
