"""A cloud that has no address left is not one that has no room."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply. Older code runs on it, and takes a cloud without addresses for one with room."""
    moment = sa.Column("addresses_full_until", sa.DateTime(timezone=True), nullable=True)
    op.add_column("subscriptions", moment)
