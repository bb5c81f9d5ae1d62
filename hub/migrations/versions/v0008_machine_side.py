"""The machine side: figures, commands to machines, upgrades."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from hub.database import BigId, Document, Moment

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

OPEN = "state IN ('requested', 'draining', 'executing')"
OPEN_POWER = f"{OPEN} AND kind IN ('reboot', 'shutdown')"
UNFINISHED = "state IN ('waiting', 'draining', 'installing', 'verifying')"


def upgrade() -> None:
    """Apply."""
    with op.batch_alter_table("machine", schema=None) as batch_op:
        batch_op.add_column(sa.Column("host_key", sa.String(length=36), nullable=True))
        batch_op.add_column(sa.Column("seen_at", Moment(), nullable=True))
        batch_op.add_column(sa.Column("host", Document, nullable=True))
        batch_op.add_column(sa.Column("figures", Document, nullable=True))
        batch_op.add_column(sa.Column("figures_at", Moment(), nullable=True))

    with op.batch_alter_table("robot", schema=None) as batch_op:
        batch_op.add_column(sa.Column("held_by", sa.String(length=64), nullable=True))

    op.create_table(
        "machine_metric",
        sa.Column("machine_id", BigId, nullable=False),
        sa.Column("measured_at", Moment(), nullable=False),
        sa.Column("cpu", sa.Double(), nullable=False),
        sa.Column("memory", sa.Double(), nullable=False),
        sa.Column("disk", sa.Double(), nullable=False),
        sa.Column("memory_total", BigId, nullable=False),
        sa.Column("disk_total", BigId, nullable=False),
        sa.ForeignKeyConstraint(["machine_id"], ["machine.id"], name=op.f("fk_machine_metric_machine_id_machine")),
        sa.PrimaryKeyConstraint("machine_id", "measured_at", name=op.f("pk_machine_metric")),
    )
    with op.batch_alter_table("machine_metric", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_machine_metric_measured_at"), ["measured_at"], unique=False)

    op.create_table(
        "machine_command",
        sa.Column("id", BigId, nullable=False),
        sa.Column("machine_id", BigId, nullable=False),
        sa.Column("robot_id", BigId, nullable=True),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.String(length=512), nullable=False),
        sa.Column("result", sa.String(length=1024), nullable=True),
        sa.Column("output", sa.Text(), nullable=True),
        sa.Column("timeout", sa.Integer(), nullable=False),
        sa.Column("is_forced", sa.Boolean(), nullable=False),
        sa.Column("requested_by", sa.String(length=128), nullable=False),
        sa.Column("trace_id", sa.String(length=64), nullable=False),
        sa.Column("claimed_by", sa.String(length=36), nullable=True),
        sa.Column("boot_id", sa.String(length=64), nullable=True),
        sa.Column("cancel_requested_at", Moment(), nullable=True),
        sa.Column("drained_from", Moment(), nullable=True),
        sa.Column("executed_at", Moment(), nullable=True),
        sa.Column("ended_at", Moment(), nullable=True),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("updated_at", Moment(), nullable=False),
        sa.Column("is_deleted", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["machine_id"], ["machine.id"], name=op.f("fk_machine_command_machine_id_machine")),
        sa.ForeignKeyConstraint(["robot_id"], ["robot.id"], name=op.f("fk_machine_command_robot_id_robot")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_machine_command")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("machine_command", schema=None) as batch_op:
        batch_op.create_index(
            "ix_machine_command_open", ["machine_id", "id"], unique=False, sqlite_where=sa.text(OPEN), postgresql_where=sa.text(OPEN)
        )
        batch_op.create_index(
            "uq_machine_command_power", ["machine_id"], unique=True, sqlite_where=sa.text(OPEN_POWER), postgresql_where=sa.text(OPEN_POWER)
        )

    op.create_table(
        "upgrade_campaign",
        sa.Column("id", BigId, nullable=False),
        sa.Column("installer_id", BigId, nullable=False),
        sa.Column("previous_installer_id", BigId, nullable=True),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.String(length=1024), nullable=True),
        sa.Column("wave_size", sa.Integer(), nullable=False),
        sa.Column("maximum_failures", sa.Integer(), nullable=False),
        sa.Column("timeout", sa.Integer(), nullable=False),
        sa.Column("is_forced", sa.Boolean(), nullable=False),
        sa.Column("remark", sa.String(length=1024), nullable=True),
        sa.Column("created_by", sa.String(length=128), nullable=False),
        sa.Column("trace_id", sa.String(length=64), nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("updated_at", Moment(), nullable=False),
        sa.Column("is_deleted", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["installer_id"], ["robot_installer.id"], name=op.f("fk_upgrade_campaign_installer_id_robot_installer")),
        sa.ForeignKeyConstraint(
            ["previous_installer_id"], ["robot_installer.id"], name=op.f("fk_upgrade_campaign_previous_installer_id_robot_installer")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_upgrade_campaign")),
        sqlite_autoincrement=True,
    )

    op.create_table(
        "upgrade_item",
        sa.Column("id", BigId, nullable=False),
        sa.Column("campaign_id", BigId, nullable=False),
        sa.Column("machine_id", BigId, nullable=False),
        sa.Column("is_rollback", sa.Boolean(), nullable=False),
        sa.Column("wave", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.String(length=1024), nullable=True),
        sa.Column("log", sa.Text(), nullable=False),
        sa.Column("version_before", sa.String(length=64), nullable=True),
        sa.Column("version_after", sa.String(length=64), nullable=True),
        sa.Column("claimed_by", sa.String(length=36), nullable=True),
        sa.Column("drained_from", Moment(), nullable=True),
        sa.Column("installed_from", Moment(), nullable=True),
        sa.Column("verified_from", Moment(), nullable=True),
        sa.Column("ended_at", Moment(), nullable=True),
        sa.ForeignKeyConstraint(["campaign_id"], ["upgrade_campaign.id"], name=op.f("fk_upgrade_item_campaign_id_upgrade_campaign")),
        sa.ForeignKeyConstraint(["machine_id"], ["machine.id"], name=op.f("fk_upgrade_item_machine_id_machine")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_upgrade_item")),
        sa.UniqueConstraint("campaign_id", "machine_id", "is_rollback", name=op.f("uq_upgrade_item_campaign_id")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("upgrade_item", schema=None) as batch_op:
        batch_op.create_index(
            "ix_upgrade_item_unfinished", ["machine_id", "id"], unique=False, sqlite_where=sa.text(UNFINISHED), postgresql_where=sa.text(UNFINISHED)
        )


def downgrade() -> None:
    """Take back."""
    for table in ("upgrade_item", "upgrade_campaign", "machine_command", "machine_metric"):
        op.drop_table(table)

    with op.batch_alter_table("robot", schema=None) as batch_op:
        batch_op.drop_column("held_by")

    with op.batch_alter_table("machine", schema=None) as batch_op:
        for column in ("figures_at", "figures", "host", "seen_at", "host_key"):
            batch_op.drop_column(column)
