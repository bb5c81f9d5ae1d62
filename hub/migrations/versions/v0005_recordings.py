"""Signed recordings."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from hub.database import BigId, Moment

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "signing_key",
        sa.Column("id", BigId, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=16), nullable=False),
        sa.Column("public_key", sa.String(length=64), nullable=False),
        sa.Column("sealed_private_key", sa.Text(), nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_signing_key")),
        sa.UniqueConstraint("name", name=op.f("uq_signing_key_name")),
        sa.UniqueConstraint("version", name=op.f("uq_signing_key_version")),
        sqlite_autoincrement=True,
    )

    with op.batch_alter_table("recording", schema=None) as batch_op:
        batch_op.create_unique_constraint(batch_op.f("uq_recording_task_id"), ["task_id", "reference"])


def downgrade() -> None:
    """Take back."""
    with op.batch_alter_table("recording", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("uq_recording_task_id"), type_="unique")

    op.drop_table("signing_key")
