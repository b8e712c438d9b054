"""Sessions, and the details of credentials."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Make both tables, unless a process from before there were revisions made them."""
    op.create_table(
        "credential_details",
        sa.Column("access_key", sa.String, primary_key=True),
        sa.Column("user", sa.String, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("expires_at", sa.BigInteger),
        sa.Column("used_at", sa.BigInteger),
        sa.Column("name_session", sa.String),
        sa.Column("revoked_at", sa.BigInteger),
        if_not_exists=True,
    )
    op.create_table(
        "sessions",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("user", sa.String, nullable=False),
        sa.Column("access_key", sa.String),
        sa.Column("name_session", sa.String),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
        sa.Column("address", sa.String, nullable=False),
        sa.Column("client", sa.String, nullable=False),
        if_not_exists=True,
    )
    op.create_index("sessions_by_user", "sessions", ["user", "created_at"], if_not_exists=True)
    op.create_index("sessions_by_expiry", "sessions", ["expires_at"], if_not_exists=True)
