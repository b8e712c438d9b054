"""The metrics of tasks, where a quota limits their number."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "metric_names",
        sa.Column("task", sa.String, primary_key=True),
        sa.Column("name", sa.BigInteger, primary_key=True),
    )
    op.create_table(
        "metric_counts",
        sa.Column("task", sa.String, primary_key=True),
        sa.Column("used", sa.Integer, nullable=False),
    )
