"""History can be added to and not changed.

Whoever rebuilds the table on SQLite (a batch alteration) has to make the triggers again.
"""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

SQLITE = (
    # INSERT OR REPLACE deletes without a trigger.
    """
    CREATE TRIGGER touches_are_not_replaced BEFORE INSERT ON touches
    WHEN EXISTS (SELECT 1 FROM touches WHERE id = NEW.id)
    BEGIN SELECT RAISE(ABORT, 'history is append-only'); END
    """,
    """
    CREATE TRIGGER touches_are_not_changed BEFORE UPDATE ON touches
    BEGIN SELECT RAISE(ABORT, 'history is append-only'); END
    """,
    """
    CREATE TRIGGER touches_are_not_deleted BEFORE DELETE ON touches
    BEGIN SELECT RAISE(ABORT, 'history is append-only'); END
    """,
)
POSTGRESQL = (
    """
    CREATE FUNCTION history_is_append_only() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'history is append-only'; END $$
    """,
    """
    CREATE TRIGGER touches_are_not_changed BEFORE UPDATE OR DELETE ON touches
    FOR EACH ROW EXECUTE FUNCTION history_is_append_only()
    """,
    """
    CREATE TRIGGER touches_are_not_truncated BEFORE TRUNCATE ON touches
    FOR EACH STATEMENT EXECUTE FUNCTION history_is_append_only()
    """,
)


def upgrade() -> None:
    """Apply. Older code only adds to history, and runs on it."""
    for statement in SQLITE if op.get_bind().dialect.name == "sqlite" else POSTGRESQL:
        op.execute(statement)
