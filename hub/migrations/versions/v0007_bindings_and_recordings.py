"""Departments bound to platforms, and recordings that come back from them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from hub.database import BigId, Moment

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

DUE = "recordings_due IS NOT NULL"


def upgrade() -> None:
    """Apply."""
    with op.batch_alter_table("department", schema=None) as batch_op:
        batch_op.add_column(sa.Column("connection_id", BigId, nullable=True))
        batch_op.create_foreign_key(batch_op.f("fk_department_connection_id_connection"), "connection", ["connection_id"], ["id"])
    with op.batch_alter_table("task", schema=None) as batch_op:
        batch_op.add_column(sa.Column("recordings_due", Moment(), nullable=True))
        batch_op.create_index(
            "ix_task_recordings_due", ["recordings_due"], unique=False, sqlite_where=sa.text(DUE), postgresql_where=sa.text(DUE)
        )


def downgrade() -> None:
    """Take back."""
    with op.batch_alter_table("task", schema=None) as batch_op:
        batch_op.drop_index("ix_task_recordings_due", sqlite_where=sa.text(DUE), postgresql_where=sa.text(DUE))
        batch_op.drop_column("recordings_due")
    with op.batch_alter_table("department", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("fk_department_connection_id_connection"), type_="foreignkey")
        batch_op.drop_column("connection_id")
