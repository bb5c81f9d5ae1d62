"""What processes use at run time: leases of credentials and queue items, steps in the log, keys of robots."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from hub.database import BigId, Moment

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

COUNTED = ["queue_id", "is_deleted", "state", "effective_at", "expires_at", "lease_until"]
UNFINISHED = "state IN ('new', 'leased')"


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "credential_lease",
        sa.Column("id", BigId, nullable=False),
        sa.Column("credential_id", BigId, nullable=False),
        sa.Column("credential_name", sa.String(length=128), nullable=False),
        sa.Column("task_id", BigId, nullable=False),
        sa.Column("robot_id", BigId, nullable=False),
        sa.Column("expires_at", Moment(), nullable=False),
        sa.Column("revoked_at", Moment(), nullable=True),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("updated_at", Moment(), nullable=False),
        sa.Column("is_deleted", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["credential_id"], ["credential.id"], name=op.f("fk_credential_lease_credential_id_credential")),
        sa.ForeignKeyConstraint(["robot_id"], ["robot.id"], name=op.f("fk_credential_lease_robot_id_robot")),
        sa.ForeignKeyConstraint(["task_id"], ["task.id"], name=op.f("fk_credential_lease_task_id_task")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_credential_lease")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("credential_lease", schema=None) as batch_op:
        batch_op.create_index("ix_credential_lease_credential_id_id", ["credential_id", "id"], unique=False)
        batch_op.create_index(batch_op.f("ix_credential_lease_robot_id"), ["robot_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_credential_lease_task_id"), ["task_id"], unique=False)

    with op.batch_alter_table("data_queue_item", schema=None) as batch_op:
        batch_op.drop_index("ix_data_queue_item_count")

    with op.batch_alter_table("data_queue_item", schema=None) as batch_op:
        batch_op.add_column(sa.Column("leased_by", BigId, nullable=True))
        batch_op.add_column(sa.Column("max_attempts", sa.Integer(), server_default="3", nullable=False))
        batch_op.create_foreign_key(batch_op.f("fk_data_queue_item_leased_by_task"), "task", ["leased_by"], ["id"])
        batch_op.create_index("ix_data_queue_item_count", [*COUNTED, "attempts", "max_attempts"], unique=False)
        batch_op.create_index(
            "ix_data_queue_item_next",
            ["queue_id", "priority", "id"],
            unique=False,
            sqlite_where=sa.text(UNFINISHED),
            postgresql_where=sa.text(UNFINISHED),
        )

    with op.batch_alter_table("registered_key", schema=None) as batch_op:
        batch_op.add_column(sa.Column("robot_id", BigId, nullable=True))
        batch_op.create_foreign_key(batch_op.f("fk_registered_key_robot_id_robot"), "robot", ["robot_id"], ["id"])
        batch_op.create_unique_constraint(batch_op.f("uq_registered_key_robot_id"), ["robot_id"])

    # A plain addition: the largest table there is would otherwise be copied.
    op.add_column("task_log", sa.Column("step", sa.String(length=128), nullable=True))


def downgrade() -> None:
    """Take back."""
    op.drop_column("task_log", "step")

    with op.batch_alter_table("registered_key", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("uq_registered_key_robot_id"), type_="unique")
        batch_op.drop_constraint(batch_op.f("fk_registered_key_robot_id_robot"), type_="foreignkey")
        batch_op.drop_column("robot_id")

    with op.batch_alter_table("data_queue_item", schema=None) as batch_op:
        batch_op.drop_index("ix_data_queue_item_next", sqlite_where=sa.text(UNFINISHED), postgresql_where=sa.text(UNFINISHED))
        batch_op.drop_index("ix_data_queue_item_count")
        batch_op.drop_constraint(batch_op.f("fk_data_queue_item_leased_by_task"), type_="foreignkey")
        batch_op.drop_column("max_attempts")
        batch_op.drop_column("leased_by")

    with op.batch_alter_table("data_queue_item", schema=None) as batch_op:
        batch_op.create_index("ix_data_queue_item_count", COUNTED, unique=False)

    with op.batch_alter_table("credential_lease", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_credential_lease_task_id"))
        batch_op.drop_index(batch_op.f("ix_credential_lease_robot_id"))
        batch_op.drop_index("ix_credential_lease_credential_id_id")

    op.drop_table("credential_lease")
