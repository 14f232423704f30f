"""Limits of vCPUs, memory, storage and addresses too; of organisations and of subscriptions."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None
# The newest revision that the oldest usable code knows, from this one on.
oldest_code = "0007"

NAMES = ("appliances", "vcpus", "memory_mb", "storage_gb", "addresses")
JSON = sa.JSON().with_variant(JSONB(), "postgresql")


def upgrade() -> None:
    """Apply. Older code reserves by other columns."""
    for table in ("organisations", "subscriptions"):
        for name in NAMES:
            op.add_column(table, _used(table, name))
            op.add_column(table, sa.Column(f"{name}_limit", sa.Integer(), nullable=True))
    op.execute("UPDATE organisations SET appliances_limit = appliance_limit")
    op.drop_column("organisations", "appliances")
    op.drop_column("organisations", "appliance_limit")
    _count("organisations", PRESENT, "organisation_id")
    _count("subscriptions", PLACED, "subscription_id")
    op.execute("UPDATE compatibility SET oldest_code = '0007'")


def _used(table: str, name: str) -> sa.Column[int]:
    check = sa.CheckConstraint(f"{name}_used >= 0", name=op.f(f"ck_{table}_{name}_used"))
    return sa.Column(f"{name}_used", sa.Integer(), check, nullable=False, server_default="0")


PRESENT = """
SELECT organisation_id, definition, size FROM appliances WHERE state <> 'deleted'
"""
PLACED = """
SELECT subscriptions.id AS subscription_id, definition, size FROM appliances
JOIN nodes ON nodes.appliance_id = appliances.id AND nodes.ended_at IS NULL
JOIN subscriptions ON subscriptions.organisation_id = appliances.organisation_id
AND subscriptions.provider_id = nodes.provider_id
"""


def _count(table: str, query: str, owner: str) -> None:
    rows = op.get_bind().execute(
        sa.text(query).columns(
            sa.column(owner, sa.Integer), sa.column("definition", JSON), sa.column("size")
        )
    )
    used: dict[int, Counter[str]] = {}
    for row in rows.mappings():
        used.setdefault(row[owner], Counter()).update(_amounts(row["definition"], row["size"]))
    for id_, amounts in used.items():
        columns = [sa.column(f"{name}_used", sa.Integer) for name in NAMES]
        limited = sa.table(table, sa.column("id", sa.Integer), *columns)
        op.execute(
            sa.update(limited)
            .where(limited.c.id == id_)
            .values({f"{name}_used": amount for name, amount in amounts.items()})
        )


def _amounts(definition: Mapping[str, Any], size: str) -> dict[str, int]:
    found = definition["sizes"][size]
    return {
        "appliances": 1,
        "vcpus": found["vcpus"],
        "memory_mb": found["memory_mb"],
        "storage_gb": found["disk_gb"],
        "addresses": int(definition["external_address"]),
    }
