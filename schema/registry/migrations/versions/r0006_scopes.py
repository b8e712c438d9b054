"""Scopes of access keys."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Add the column, which older processes leave null: their keys are good for everything."""
    op.add_column("credential_details", sa.Column("scope", sa.String))
