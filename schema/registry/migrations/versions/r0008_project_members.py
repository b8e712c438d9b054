"""Members of projects."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Make the table, which is empty: all projects stay everybody's."""
    op.create_table(
        "project_members",
        sa.Column("project", sa.String, primary_key=True),
        sa.Column("user", sa.String, primary_key=True),
        sa.Column("company", sa.String, nullable=False),
        sa.Column("role", sa.String, nullable=False),
    )
    op.create_index("project_members_by_company", "project_members", ["company"])
