"""Budgets, approvals of public clouds, and where an organisation's data may lie."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

JSON = sa.JSON().with_variant(JSONB(), "postgresql")


def upgrade() -> None:
    """Apply. Older code runs on it: it keeps to no budget and no location."""
    op.add_column(
        "organisations",
        sa.Column("locations", JSON, nullable=False, server_default=sa.text("'[]'")),
    )
    _budgets()
    _approvals()


def _budgets() -> None:
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "budgets",
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.Column("amount", sa.Integer(), nullable=False),
        sa.Column("spent_cents", sa.BigInteger(), nullable=False),
        sa.Column("spent_at", moment, nullable=True),
        sa.Column("wanted_version", sa.Integer(), nullable=False),
        sa.Column("due_at", moment, nullable=True),
        sa.Column("claim_token", sa.String(), nullable=True),
        sa.Column("claim_until", moment, nullable=True),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("uuid", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("touch_count", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("last_link", sa.String(), nullable=False, server_default=""),
        sa.Column("created_at", moment, nullable=False),
        sa.CheckConstraint("amount >= 0", name=op.f("ck_budgets_amount")),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.id"],
            name=op.f("fk_budgets_organisation_id_organisations"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_budgets")),
        sa.UniqueConstraint("organisation_id", name=op.f("uq_budgets_organisation_id")),
        sa.UniqueConstraint("uuid", name=op.f("uq_budgets_uuid")),
    )
    due = sa.text("due_at IS NOT NULL")
    op.create_index("ix_budgets_due", "budgets", ["due_at"], sqlite_where=due, postgresql_where=due)


def _approvals() -> None:
    moment = sa.DateTime(timezone=True)
    names = ("appliance_id", "generation", "provider_id")
    op.create_table(
        "approvals",
        sa.Column("id", sa.Integer(), nullable=False),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in names),
        sa.Column("terms", sa.String(), nullable=False),
        sa.Column("asked_at", moment, nullable=False),
        sa.Column("approved_at", moment, nullable=True),
        sa.ForeignKeyConstraint(
            ["appliance_id"], ["appliances.id"], name=op.f("fk_approvals_appliance_id_appliances")
        ),
        sa.ForeignKeyConstraint(
            ["provider_id"], ["providers.id"], name=op.f("fk_approvals_provider_id_providers")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_approvals")),
        sa.UniqueConstraint(*names, name=op.f("uq_approvals_appliance_id_generation_provider_id")),
    )
