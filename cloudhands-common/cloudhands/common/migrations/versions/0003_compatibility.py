"""Which code may run on the database."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None
# The newest revision that the oldest usable code knows, from this one on.
oldest_code = "0003"


def upgrade() -> None:
    """Apply. Older code asks for its own revision exactly: it does not run on this one."""
    table = op.create_table(
        "compatibility",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("oldest_code", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_compatibility")),
    )
    op.bulk_insert(table, [{"id": 1, "oldest_code": oldest_code}])
