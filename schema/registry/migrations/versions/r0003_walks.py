"""The newest cursor of a walk through images or plots, which its earlier ones stand for, too."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add the column, which other scrolls leave null."""
    op.add_column("scrolls", sa.Column("cursor", sa.String))
