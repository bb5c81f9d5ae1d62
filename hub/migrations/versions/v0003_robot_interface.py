"""The robot interface."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from hub.database import BigId, Document, Moment

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "robot_installer",
        sa.Column("id", BigId, nullable=False),
        sa.Column("name", sa.String(length=128), nullable=False),
        sa.Column("version", sa.String(length=64), nullable=False),
        sa.Column("system", sa.String(length=64), nullable=False),
        sa.Column("file_name", sa.String(length=255), nullable=False),
        sa.Column("remark", sa.String(length=1024), nullable=True),
        sa.Column("blob", sa.String(length=64), nullable=False),
        sa.Column("sealed_key", sa.String(length=255), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("size", BigId, nullable=False),
        sa.Column("created_by", sa.String(length=128), nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("updated_at", Moment(), nullable=False),
        sa.Column("is_deleted", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_robot_installer")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("robot_installer", schema=None) as batch_op:
        batch_op.create_index(
            "uq_robot_installer_version",
            ["name", "version", "system"],
            unique=True,
            sqlite_where=sa.text("NOT is_deleted"),
            postgresql_where=sa.text("NOT is_deleted"),
        )

    op.create_table(
        "robot_secret",
        sa.Column("id", BigId, nullable=False),
        sa.Column("robot_id", BigId, nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("created_by", sa.String(length=128), nullable=False),
        sa.Column("expires_at", Moment(), nullable=True),
        sa.Column("last_used_at", Moment(), nullable=True),
        sa.ForeignKeyConstraint(["robot_id"], ["robot.id"], name=op.f("fk_robot_secret_robot_id_robot")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_robot_secret")),
        sa.UniqueConstraint("digest", name=op.f("uq_robot_secret_digest")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("robot_secret", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_robot_secret_robot_id"), ["robot_id"], unique=False)

    op.create_table(
        "task_event",
        sa.Column("id", BigId, nullable=False),
        sa.Column("task_id", BigId, nullable=False),
        sa.Column("happened_at", Moment(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("detail", sa.String(length=1024), nullable=True),
        sa.ForeignKeyConstraint(["task_id"], ["task.id"], name=op.f("fk_task_event_task_id_task")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_task_event")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("task_event", schema=None) as batch_op:
        batch_op.create_index("ix_task_event_task_id_id", ["task_id", "id"], unique=False)

    with op.batch_alter_table("access_token", schema=None) as batch_op:
        batch_op.add_column(sa.Column("robot_id", BigId, nullable=True))
        batch_op.create_index(batch_op.f("ix_access_token_robot_id"), ["robot_id"], unique=False)
        batch_op.create_foreign_key(batch_op.f("fk_access_token_robot_id_robot"), "robot", ["robot_id"], ["id"])

    with op.batch_alter_table("package", schema=None) as batch_op:
        batch_op.drop_index("uq_package_version", sqlite_where=sa.text("NOT is_deleted"), postgresql_where=sa.text("NOT is_deleted"))

    with op.batch_alter_table("package", schema=None) as batch_op:
        batch_op.add_column(sa.Column("local_robot_id", BigId, nullable=True))
        batch_op.create_index(batch_op.f("ix_package_local_robot_id"), ["local_robot_id"], unique=False)
        batch_op.create_index(
            "uq_package_on_robot",
            ["local_robot_id", "name", "version"],
            unique=True,
            sqlite_where=sa.text("NOT is_deleted AND local_robot_id IS NOT NULL"),
            postgresql_where=sa.text("NOT is_deleted AND local_robot_id IS NOT NULL"),
        )
        batch_op.create_foreign_key(batch_op.f("fk_package_local_robot_id_robot"), "robot", ["local_robot_id"], ["id"])
        batch_op.create_index(
            "uq_package_version",
            ["department_id", "connection_id", "name", "version"],
            unique=True,
            sqlite_where=sa.text("NOT is_deleted AND local_robot_id IS NULL"),
            postgresql_where=sa.text("NOT is_deleted AND local_robot_id IS NULL"),
        )

    with op.batch_alter_table("process", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_process_name",
            sqlite_where=sa.text("NOT is_deleted AND reference IS NULL"),
            postgresql_where=sa.text("NOT is_deleted AND reference IS NULL"),
        )

    with op.batch_alter_table("process", schema=None) as batch_op:
        batch_op.add_column(sa.Column("local_robot_id", BigId, nullable=True))
        batch_op.create_index(batch_op.f("ix_process_local_robot_id"), ["local_robot_id"], unique=False)
        batch_op.create_index(
            "uq_process_on_robot",
            ["local_robot_id", "name"],
            unique=True,
            sqlite_where=sa.text("NOT is_deleted AND local_robot_id IS NOT NULL"),
            postgresql_where=sa.text("NOT is_deleted AND local_robot_id IS NOT NULL"),
        )
        batch_op.create_foreign_key(batch_op.f("fk_process_local_robot_id_robot"), "robot", ["local_robot_id"], ["id"])
        batch_op.create_index(
            "uq_process_name",
            ["department_id", "name"],
            unique=True,
            sqlite_where=sa.text("NOT is_deleted AND reference IS NULL AND local_robot_id IS NULL"),
            postgresql_where=sa.text("NOT is_deleted AND reference IS NULL AND local_robot_id IS NULL"),
        )

    with op.batch_alter_table("recording", schema=None) as batch_op:
        batch_op.add_column(sa.Column("reference", sa.String(length=512), nullable=True))
        batch_op.add_column(sa.Column("manifest", Document, nullable=True))
        batch_op.add_column(sa.Column("signature", sa.String(length=255), nullable=True))

    with op.batch_alter_table("robot", schema=None) as batch_op:
        batch_op.add_column(sa.Column("is_enabled", sa.Boolean(), server_default=sa.text("(true)"), nullable=False))
        batch_op.add_column(sa.Column("is_stopped", sa.Boolean(), server_default=sa.text("(false)"), nullable=False))
        batch_op.add_column(sa.Column("is_paused", sa.Boolean(), server_default=sa.text("(false)"), nullable=False))
        batch_op.add_column(sa.Column("schedules", Document, nullable=True))
        batch_op.add_column(sa.Column("limits", Document, nullable=True))

    with op.batch_alter_table("stored_file", schema=None) as batch_op:
        batch_op.drop_index("uq_stored_file_name", sqlite_where=sa.text("NOT is_deleted"), postgresql_where=sa.text("NOT is_deleted"))

    with op.batch_alter_table("stored_file", schema=None) as batch_op:
        batch_op.add_column(sa.Column("local_robot_id", BigId, nullable=True))
        batch_op.create_index(batch_op.f("ix_stored_file_local_robot_id"), ["local_robot_id"], unique=False)
        batch_op.create_index(
            "uq_stored_file_on_robot",
            ["local_robot_id", "folder_path", "name"],
            unique=True,
            sqlite_where=sa.text("NOT is_deleted AND local_robot_id IS NOT NULL"),
            postgresql_where=sa.text("NOT is_deleted AND local_robot_id IS NOT NULL"),
        )
        batch_op.create_foreign_key(batch_op.f("fk_stored_file_local_robot_id_robot"), "robot", ["local_robot_id"], ["id"])
        batch_op.create_index(
            "uq_stored_file_name",
            ["department_id", "folder_path", "name"],
            unique=True,
            sqlite_where=sa.text("NOT is_deleted AND local_robot_id IS NULL"),
            postgresql_where=sa.text("NOT is_deleted AND local_robot_id IS NULL"),
        )

    with op.batch_alter_table("task", schema=None) as batch_op:
        batch_op.add_column(sa.Column("retry_of", BigId, nullable=True))
        batch_op.add_column(sa.Column("fire_key", sa.String(length=255), nullable=True))
        batch_op.create_unique_constraint(batch_op.f("uq_task_fire_key"), ["fire_key"])


def downgrade() -> None:
    """Take back."""
    with op.batch_alter_table("task", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("uq_task_fire_key"), type_="unique")
        batch_op.drop_column("fire_key")
        batch_op.drop_column("retry_of")

    with op.batch_alter_table("stored_file", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_stored_file_name",
            sqlite_where=sa.text("NOT is_deleted AND local_robot_id IS NULL"),
            postgresql_where=sa.text("NOT is_deleted AND local_robot_id IS NULL"),
        )
        batch_op.drop_constraint(batch_op.f("fk_stored_file_local_robot_id_robot"), type_="foreignkey")
        batch_op.drop_index(
            "uq_stored_file_on_robot",
            sqlite_where=sa.text("NOT is_deleted AND local_robot_id IS NOT NULL"),
            postgresql_where=sa.text("NOT is_deleted AND local_robot_id IS NOT NULL"),
        )
        batch_op.drop_index(batch_op.f("ix_stored_file_local_robot_id"))
        batch_op.drop_column("local_robot_id")

    with op.batch_alter_table("stored_file", schema=None) as batch_op:
        batch_op.create_index(
            "uq_stored_file_name",
            ["department_id", "folder_path", "name"],
            unique=True,
            sqlite_where=sa.text("NOT is_deleted"),
            postgresql_where=sa.text("NOT is_deleted"),
        )

    with op.batch_alter_table("robot", schema=None) as batch_op:
        batch_op.drop_column("limits")
        batch_op.drop_column("schedules")
        batch_op.drop_column("is_paused")
        batch_op.drop_column("is_stopped")
        batch_op.drop_column("is_enabled")

    with op.batch_alter_table("recording", schema=None) as batch_op:
        batch_op.drop_column("signature")
        batch_op.drop_column("manifest")
        batch_op.drop_column("reference")

    with op.batch_alter_table("process", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_process_name",
            sqlite_where=sa.text("NOT is_deleted AND reference IS NULL AND local_robot_id IS NULL"),
            postgresql_where=sa.text("NOT is_deleted AND reference IS NULL AND local_robot_id IS NULL"),
        )
        batch_op.drop_constraint(batch_op.f("fk_process_local_robot_id_robot"), type_="foreignkey")
        batch_op.drop_index(
            "uq_process_on_robot",
            sqlite_where=sa.text("NOT is_deleted AND local_robot_id IS NOT NULL"),
            postgresql_where=sa.text("NOT is_deleted AND local_robot_id IS NOT NULL"),
        )
        batch_op.drop_index(batch_op.f("ix_process_local_robot_id"))
        batch_op.drop_column("local_robot_id")

    with op.batch_alter_table("process", schema=None) as batch_op:
        batch_op.create_index(
            "uq_process_name",
            ["department_id", "name"],
            unique=True,
            sqlite_where=sa.text("NOT is_deleted AND reference IS NULL"),
            postgresql_where=sa.text("NOT is_deleted AND reference IS NULL"),
        )

    with op.batch_alter_table("package", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_package_version",
            sqlite_where=sa.text("NOT is_deleted AND local_robot_id IS NULL"),
            postgresql_where=sa.text("NOT is_deleted AND local_robot_id IS NULL"),
        )
        batch_op.drop_constraint(batch_op.f("fk_package_local_robot_id_robot"), type_="foreignkey")
        batch_op.drop_index(
            "uq_package_on_robot",
            sqlite_where=sa.text("NOT is_deleted AND local_robot_id IS NOT NULL"),
            postgresql_where=sa.text("NOT is_deleted AND local_robot_id IS NOT NULL"),
        )
        batch_op.drop_index(batch_op.f("ix_package_local_robot_id"))
        batch_op.drop_column("local_robot_id")

    with op.batch_alter_table("package", schema=None) as batch_op:
        batch_op.create_index(
            "uq_package_version",
            ["department_id", "connection_id", "name", "version"],
            unique=True,
            sqlite_where=sa.text("NOT is_deleted"),
            postgresql_where=sa.text("NOT is_deleted"),
        )

    with op.batch_alter_table("access_token", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("fk_access_token_robot_id_robot"), type_="foreignkey")
        batch_op.drop_index(batch_op.f("ix_access_token_robot_id"))
        batch_op.drop_column("robot_id")

    with op.batch_alter_table("task_event", schema=None) as batch_op:
        batch_op.drop_index("ix_task_event_task_id_id")

    op.drop_table("task_event")
    with op.batch_alter_table("robot_secret", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_robot_secret_robot_id"))

    op.drop_table("robot_secret")
    with op.batch_alter_table("robot_installer", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_robot_installer_version", sqlite_where=sa.text("NOT is_deleted"), postgresql_where=sa.text("NOT is_deleted")
        )

    op.drop_table("robot_installer")
