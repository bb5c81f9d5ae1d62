"""When the next of a robot's local triggers is due."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from hub.database import Moment

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    with op.batch_alter_table("robot", schema=None) as batch_op:
        batch_op.add_column(sa.Column("schedules_due_at", Moment(), nullable=True))
        batch_op.create_index(batch_op.f("ix_robot_schedules_due_at"), ["schedules_due_at"], unique=False)


def downgrade() -> None:
    """Take back."""
    with op.batch_alter_table("robot", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_robot_schedules_due_at"))
        batch_op.drop_column("schedules_due_at")
