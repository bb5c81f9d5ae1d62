"""The first schema."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from hub.database import BigId, Document, Moment

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "department",
        sa.Column("id", BigId, nullable=False),
        sa.Column("name", sa.String(length=128), nullable=False),
        sa.Column("parent_id", BigId, nullable=True),
        sa.Column("path", sa.String(length=1024), nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("updated_at", Moment(), nullable=False),
        sa.Column("is_deleted", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["parent_id"], ["department.id"], name=op.f("fk_department_parent_id_department")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_department")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("department", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_department_parent_id"), ["parent_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_department_path"), ["path"], unique=False)

    op.create_table(
        "machine",
        sa.Column("id", BigId, nullable=False),
        sa.Column("name", sa.String(length=128), nullable=False),
        sa.Column("remark", sa.String(length=1024), nullable=True),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("updated_at", Moment(), nullable=False),
        sa.Column("is_deleted", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_machine")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("machine", schema=None) as batch_op:
        batch_op.create_index(
            "uq_machine_name", ["name"], unique=True, sqlite_where=sa.text("NOT is_deleted"), postgresql_where=sa.text("NOT is_deleted")
        )

    op.create_table(
        "outbox",
        sa.Column("id", BigId, nullable=False),
        sa.Column("job", sa.String(length=64), nullable=False),
        sa.Column("subject_id", BigId, nullable=False),
        sa.Column("queues", Document, nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("outbox", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_outbox_created_at"), ["created_at"], unique=False)

    op.create_table(
        "connection",
        sa.Column("id", BigId, nullable=False),
        sa.Column("name", sa.String(length=128), nullable=False),
        sa.Column("adapter", sa.String(length=64), nullable=False),
        sa.Column("department_id", BigId, nullable=False),
        sa.Column("address", sa.String(length=1024), nullable=False),
        sa.Column("options", Document, nullable=False),
        sa.Column("sealed_credentials", sa.String(), nullable=False),
        sa.Column("version", sa.String(length=128), nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("updated_at", Moment(), nullable=False),
        sa.Column("is_deleted", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["department_id"], ["department.id"], name=op.f("fk_connection_department_id_department")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_connection")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("connection", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_connection_department_id"), ["department_id"], unique=False)
        batch_op.create_index(
            "uq_connection_name", ["name"], unique=True, sqlite_where=sa.text("NOT is_deleted"), postgresql_where=sa.text("NOT is_deleted")
        )

    op.create_table(
        "employee",
        sa.Column("id", BigId, nullable=False),
        sa.Column("department_id", BigId, nullable=False),
        sa.Column("name", sa.String(length=128), nullable=False),
        sa.Column("username", sa.String(length=128), nullable=False),
        sa.Column("password_hash", sa.String(length=255), nullable=False),
        sa.Column("email", sa.String(length=255), nullable=True),
        sa.Column("mobile", sa.String(length=64), nullable=True),
        sa.Column("is_locked", sa.Boolean(), nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("updated_at", Moment(), nullable=False),
        sa.Column("is_deleted", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["department_id"], ["department.id"], name=op.f("fk_employee_department_id_department")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_employee")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("employee", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_employee_department_id"), ["department_id"], unique=False)
        batch_op.create_index(
            "uq_employee_username",
            ["username"],
            unique=True,
            sqlite_where=sa.text("NOT is_deleted"),
            postgresql_where=sa.text("NOT is_deleted"),
        )

    op.create_table(
        "robot_group",
        sa.Column("id", BigId, nullable=False),
        sa.Column("department_id", BigId, nullable=False),
        sa.Column("name", sa.String(length=128), nullable=False),
        sa.Column("remark", sa.String(length=1024), nullable=True),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("updated_at", Moment(), nullable=False),
        sa.Column("is_deleted", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["department_id"], ["department.id"], name=op.f("fk_robot_group_department_id_department")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_robot_group")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("robot_group", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_robot_group_department_id"), ["department_id"], unique=False)

    op.create_table(
        "access_token",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("employee_id", BigId, nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("expires_at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(["employee_id"], ["employee.id"], name=op.f("fk_access_token_employee_id_employee")),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_access_token")),
    )
    with op.batch_alter_table("access_token", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_access_token_employee_id"), ["employee_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_access_token_expires_at"), ["expires_at"], unique=False)

    op.create_table(
        "package",
        sa.Column("id", BigId, nullable=False),
        sa.Column("department_id", BigId, nullable=False),
        sa.Column("name", sa.String(length=128), nullable=False),
        sa.Column("version", sa.String(length=64), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=True),
        sa.Column("size", BigId, nullable=True),
        sa.Column("connection_id", BigId, nullable=False),
        sa.Column("reference", sa.String(length=512), nullable=True),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("updated_at", Moment(), nullable=False),
        sa.Column("is_deleted", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["connection_id"], ["connection.id"], name=op.f("fk_package_connection_id_connection")),
        sa.ForeignKeyConstraint(["department_id"], ["department.id"], name=op.f("fk_package_department_id_department")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_package")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("package", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_package_connection_id"), ["connection_id"], unique=False)
        batch_op.create_index(
            "uq_package_version",
            ["department_id", "connection_id", "name", "version"],
            unique=True,
            sqlite_where=sa.text("NOT is_deleted"),
            postgresql_where=sa.text("NOT is_deleted"),
        )

    op.create_table(
        "robot",
        sa.Column("id", BigId, nullable=False),
        sa.Column("department_id", BigId, nullable=False),
        sa.Column("name", sa.String(length=128), nullable=False),
        sa.Column("type", sa.Integer(), nullable=False),
        sa.Column("machine_id", BigId, nullable=True),
        sa.Column("machine_username", sa.String(length=128), nullable=True),
        sa.Column("sealed_machine_password", sa.String(), nullable=True),
        sa.Column("remark", sa.String(length=1024), nullable=True),
        sa.Column("desktop_type", sa.Integer(), nullable=True),
        sa.Column("resolution_width", sa.Integer(), nullable=True),
        sa.Column("resolution_height", sa.Integer(), nullable=True),
        sa.Column("resolution_depth", sa.Integer(), nullable=True),
        sa.Column("is_auto_unlock_enabled", sa.Boolean(), nullable=True),
        sa.Column("log_level", sa.String(length=16), nullable=True),
        sa.Column("install_path", sa.String(length=1024), nullable=True),
        sa.Column("installed_at", Moment(), nullable=True),
        sa.Column("version", sa.String(length=64), nullable=True),
        sa.Column("online_since", Moment(), nullable=True),
        sa.Column("seen_at", Moment(), nullable=True),
        sa.Column("task_id", BigId, nullable=True),
        sa.Column("reference", sa.String(length=512), nullable=True),
        sa.Column("connection_id", BigId, nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("updated_at", Moment(), nullable=False),
        sa.Column("is_deleted", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["connection_id"], ["connection.id"], name=op.f("fk_robot_connection_id_connection")),
        sa.ForeignKeyConstraint(["department_id"], ["department.id"], name=op.f("fk_robot_department_id_department")),
        sa.ForeignKeyConstraint(["machine_id"], ["machine.id"], name=op.f("fk_robot_machine_id_machine")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_robot")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("robot", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_robot_connection_id"), ["connection_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_robot_department_id"), ["department_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_robot_machine_id"), ["machine_id"], unique=False)

    op.create_table(
        "process",
        sa.Column("id", BigId, nullable=False),
        sa.Column("department_id", BigId, nullable=False),
        sa.Column("name", sa.String(length=128), nullable=False),
        sa.Column("remark", sa.String(length=1024), nullable=True),
        sa.Column("robot_group_id", BigId, nullable=True),
        sa.Column("is_record", sa.Boolean(), nullable=False),
        sa.Column("package_id", BigId, nullable=True),
        sa.Column("in_parameters", Document, nullable=False),
        sa.Column("reference", sa.String(length=512), nullable=True),
        sa.Column("connection_id", BigId, nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("updated_at", Moment(), nullable=False),
        sa.Column("is_deleted", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["connection_id"], ["connection.id"], name=op.f("fk_process_connection_id_connection")),
        sa.ForeignKeyConstraint(["department_id"], ["department.id"], name=op.f("fk_process_department_id_department")),
        sa.ForeignKeyConstraint(["package_id"], ["package.id"], name=op.f("fk_process_package_id_package")),
        sa.ForeignKeyConstraint(["robot_group_id"], ["robot_group.id"], name=op.f("fk_process_robot_group_id_robot_group")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_process")),
        sa.UniqueConstraint("connection_id", "reference", name=op.f("uq_process_connection_id")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("process", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_process_connection_id"), ["connection_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_process_department_id"), ["department_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_process_package_id"), ["package_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_process_robot_group_id"), ["robot_group_id"], unique=False)

    op.create_table(
        "robot_group_member",
        sa.Column("robot_group_id", BigId, nullable=False),
        sa.Column("robot_id", BigId, nullable=False),
        sa.ForeignKeyConstraint(["robot_group_id"], ["robot_group.id"], name=op.f("fk_robot_group_member_robot_group_id_robot_group")),
        sa.ForeignKeyConstraint(["robot_id"], ["robot.id"], name=op.f("fk_robot_group_member_robot_id_robot")),
        sa.PrimaryKeyConstraint("robot_group_id", "robot_id", name=op.f("pk_robot_group_member")),
    )
    with op.batch_alter_table("robot_group_member", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_robot_group_member_robot_id"), ["robot_id"], unique=False)

    op.create_table(
        "task",
        sa.Column("id", BigId, nullable=False),
        sa.Column("department_id", BigId, nullable=False),
        sa.Column("process_id", BigId, nullable=False),
        sa.Column("package_id", BigId, nullable=True),
        sa.Column("connection_id", BigId, nullable=False),
        sa.Column("reference", sa.String(length=512), nullable=True),
        sa.Column("robot_group_id", BigId, nullable=True),
        sa.Column("robots", Document, nullable=True),
        sa.Column("robot_id", BigId, nullable=True),
        sa.Column("trigger_id", BigId, nullable=True),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("result_code", sa.String(length=5), nullable=True),
        sa.Column("progress", sa.Double(), nullable=True),
        sa.Column("step", sa.String(length=255), nullable=True),
        sa.Column("create_mode", sa.Integer(), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("is_record", sa.Boolean(), nullable=False),
        sa.Column("is_warn", sa.Boolean(), nullable=True),
        sa.Column("warn_type", sa.Integer(), nullable=True),
        sa.Column("in_parameters", Document, nullable=False),
        sa.Column("out_parameters", Document, nullable=False),
        sa.Column("max_run_time", sa.Integer(), nullable=True),
        sa.Column("max_waiting_time", sa.Integer(), nullable=True),
        sa.Column("actor", sa.String(length=128), nullable=True),
        sa.Column("trace_id", sa.String(length=64), nullable=True),
        sa.Column("queued_at", Moment(), nullable=False),
        sa.Column("started_at", Moment(), nullable=True),
        sa.Column("stopped_at", Moment(), nullable=True),
        sa.Column("cancel_requested_at", Moment(), nullable=True),
        sa.Column("run_key", sa.String(length=36), nullable=True),
        sa.Column("lease_until", Moment(), nullable=True),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("updated_at", Moment(), nullable=False),
        sa.Column("is_deleted", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["connection_id"], ["connection.id"], name=op.f("fk_task_connection_id_connection")),
        sa.ForeignKeyConstraint(["department_id"], ["department.id"], name=op.f("fk_task_department_id_department")),
        sa.ForeignKeyConstraint(["package_id"], ["package.id"], name=op.f("fk_task_package_id_package")),
        sa.ForeignKeyConstraint(["process_id"], ["process.id"], name=op.f("fk_task_process_id_process")),
        sa.ForeignKeyConstraint(["robot_group_id"], ["robot_group.id"], name=op.f("fk_task_robot_group_id_robot_group")),
        sa.ForeignKeyConstraint(["robot_id"], ["robot.id"], name=op.f("fk_task_robot_id_robot")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_task")),
        sa.UniqueConstraint("connection_id", "reference", name=op.f("uq_task_connection_id")),
        sa.UniqueConstraint("run_key", name=op.f("uq_task_run_key")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("task", schema=None) as batch_op:
        batch_op.create_index(
            "ix_task_active",
            ["state", "id"],
            unique=False,
            sqlite_where=sa.text("state IN ('queued', 'dispatching', 'running', 'pausing', 'paused')"),
            postgresql_where=sa.text("state IN ('queued', 'dispatching', 'running', 'pausing', 'paused')"),
        )
        batch_op.create_index("ix_task_department_id_id", ["department_id", "id"], unique=False)
        batch_op.create_index("ix_task_process_id_id", ["process_id", "id"], unique=False)
        batch_op.create_index(batch_op.f("ix_task_robot_id"), ["robot_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_task_started_at"), ["started_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_task_trigger_id"), ["trigger_id"], unique=False)

    op.create_table(
        "task_log",
        sa.Column("task_id", BigId, nullable=False),
        sa.Column("seq", BigId, autoincrement=False, nullable=False),
        sa.Column("logged_at", Moment(), nullable=False),
        sa.Column("level", sa.String(length=8), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["task_id"], ["task.id"], name=op.f("fk_task_log_task_id_task")),
        sa.PrimaryKeyConstraint("task_id", "seq", name=op.f("pk_task_log")),
    )


def downgrade() -> None:
    """Take back."""
    op.drop_table("task_log")
    with op.batch_alter_table("task", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_task_trigger_id"))
        batch_op.drop_index(batch_op.f("ix_task_started_at"))
        batch_op.drop_index(batch_op.f("ix_task_robot_id"))
        batch_op.drop_index("ix_task_process_id_id")
        batch_op.drop_index("ix_task_department_id_id")
        batch_op.drop_index(
            "ix_task_active",
            sqlite_where=sa.text("state IN ('queued', 'dispatching', 'running', 'pausing', 'paused')"),
            postgresql_where=sa.text("state IN ('queued', 'dispatching', 'running', 'pausing', 'paused')"),
        )

    op.drop_table("task")
    with op.batch_alter_table("robot_group_member", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_robot_group_member_robot_id"))

    op.drop_table("robot_group_member")
    with op.batch_alter_table("process", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_process_robot_group_id"))
        batch_op.drop_index(batch_op.f("ix_process_package_id"))
        batch_op.drop_index(batch_op.f("ix_process_department_id"))
        batch_op.drop_index(batch_op.f("ix_process_connection_id"))

    op.drop_table("process")
    with op.batch_alter_table("robot", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_robot_machine_id"))
        batch_op.drop_index(batch_op.f("ix_robot_department_id"))
        batch_op.drop_index(batch_op.f("ix_robot_connection_id"))

    op.drop_table("robot")
    with op.batch_alter_table("package", schema=None) as batch_op:
        batch_op.drop_index("uq_package_version", sqlite_where=sa.text("NOT is_deleted"), postgresql_where=sa.text("NOT is_deleted"))
        batch_op.drop_index(batch_op.f("ix_package_connection_id"))

    op.drop_table("package")
    with op.batch_alter_table("access_token", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_access_token_expires_at"))
        batch_op.drop_index(batch_op.f("ix_access_token_employee_id"))

    op.drop_table("access_token")
    with op.batch_alter_table("robot_group", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_robot_group_department_id"))

    op.drop_table("robot_group")
    with op.batch_alter_table("employee", schema=None) as batch_op:
        batch_op.drop_index("uq_employee_username", sqlite_where=sa.text("NOT is_deleted"), postgresql_where=sa.text("NOT is_deleted"))
        batch_op.drop_index(batch_op.f("ix_employee_department_id"))

    op.drop_table("employee")
    with op.batch_alter_table("connection", schema=None) as batch_op:
        batch_op.drop_index("uq_connection_name", sqlite_where=sa.text("NOT is_deleted"), postgresql_where=sa.text("NOT is_deleted"))
        batch_op.drop_index(batch_op.f("ix_connection_department_id"))

    op.drop_table("connection")
    with op.batch_alter_table("outbox", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_outbox_created_at"))

    op.drop_table("outbox")
    with op.batch_alter_table("machine", schema=None) as batch_op:
        batch_op.drop_index("uq_machine_name", sqlite_where=sa.text("NOT is_deleted"), postgresql_where=sa.text("NOT is_deleted"))

    op.drop_table("machine")
    with op.batch_alter_table("department", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_department_path"))
        batch_op.drop_index(batch_op.f("ix_department_parent_id"))

    op.drop_table("department")
