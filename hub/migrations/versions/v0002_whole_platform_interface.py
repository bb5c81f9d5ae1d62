"""The whole platform interface."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from hub.database import BigId, Document, Moment

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "api_call",
        sa.Column("id", BigId, nullable=False),
        sa.Column("called_at", Moment(), nullable=False),
        sa.Column("trace_id", sa.String(length=64), nullable=False),
        sa.Column("operation", sa.String(length=128), nullable=False),
        sa.Column("source", sa.String(length=32), nullable=False),
        sa.Column("caller", sa.String(length=128), nullable=False),
        sa.Column("department_id", BigId, nullable=True),
        sa.Column("client_ip", sa.String(length=64), nullable=False),
        sa.Column("method", sa.String(length=8), nullable=False),
        sa.Column("path", sa.String(length=255), nullable=False),
        sa.Column("headers", sa.Text(), nullable=False),
        sa.Column("request", sa.Text(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("result_code", sa.String(length=5), nullable=False),
        sa.Column("message", sa.String(length=1024), nullable=False),
        sa.Column("response", sa.Text(), nullable=False),
        sa.Column("duration", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_call")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("api_call", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_api_call_called_at"), ["called_at"], unique=False)
        batch_op.create_index("ix_api_call_caller_id", ["caller", "id"], unique=False)
        batch_op.create_index(batch_op.f("ix_api_call_department_id"), ["department_id"], unique=False)
        batch_op.create_index("ix_api_call_operation_id", ["operation", "id"], unique=False)
        batch_op.create_index(batch_op.f("ix_api_call_trace_id"), ["trace_id"], unique=False)

    op.create_table(
        "api_metric",
        sa.Column("minute", Moment(), nullable=False),
        sa.Column("operation", sa.String(length=128), nullable=False),
        sa.Column("calls", BigId, nullable=False),
        sa.Column("errors", BigId, nullable=False),
        sa.Column("duration", sa.Double(), nullable=False),
        sa.Column("longest", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("minute", "operation", name=op.f("pk_api_metric")),
    )
    op.create_table(
        "audit_entry",
        sa.Column("id", BigId, nullable=False),
        sa.Column("happened_at", Moment(), nullable=False),
        sa.Column("trace_id", sa.String(length=64), nullable=False),
        sa.Column("operation", sa.String(length=128), nullable=False),
        sa.Column("actor", sa.String(length=128), nullable=False),
        sa.Column("department_id", BigId, nullable=True),
        sa.Column("client_ip", sa.String(length=64), nullable=False),
        sa.Column("subject", Document, nullable=False),
        sa.Column("result_code", sa.String(length=5), nullable=False),
        sa.Column("seq", BigId, nullable=True),
        sa.Column("digest", sa.String(length=64), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_entry")),
        sa.UniqueConstraint("seq", name=op.f("uq_audit_entry_seq")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("audit_entry", schema=None) as batch_op:
        batch_op.create_index("ix_audit_entry_actor_id", ["actor", "id"], unique=False)
        batch_op.create_index(batch_op.f("ix_audit_entry_department_id"), ["department_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_audit_entry_happened_at"), ["happened_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_audit_entry_operation"), ["operation"], unique=False)

    op.create_table(
        "audit_head",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("seq", BigId, nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("signature", sa.String(length=128), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_head")),
    )
    op.create_table(
        "calendar",
        sa.Column("id", BigId, nullable=False),
        sa.Column("name", sa.String(length=128), nullable=False),
        sa.Column("non_working_days", Document, nullable=False),
        sa.Column("market", sa.String(length=64), nullable=True),
        sa.Column("cover_start", sa.Date(), nullable=True),
        sa.Column("cover_end", sa.Date(), nullable=True),
        sa.Column("special_days", Document, nullable=False),
        sa.Column("sessions", Document, nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("updated_at", Moment(), nullable=False),
        sa.Column("is_deleted", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_calendar")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("calendar", schema=None) as batch_op:
        batch_op.create_index(
            "uq_calendar_name", ["name"], unique=True, sqlite_where=sa.text("NOT is_deleted"), postgresql_where=sa.text("NOT is_deleted")
        )

    op.create_table(
        "kept_answer",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("request_digest", sa.String(length=64), nullable=False),
        sa.Column("sealed_answer", sa.Text(), nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_kept_answer")),
    )
    with op.batch_alter_table("kept_answer", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_kept_answer_created_at"), ["created_at"], unique=False)

    op.create_table(
        "login_policy",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("changes", Document, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_login_policy")),
    )
    op.create_table(
        "rights_version",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("number", BigId, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rights_version")),
    )
    op.create_table(
        "wire_key",
        sa.Column("id", BigId, nullable=False),
        sa.Column("algorithm", sa.String(length=8), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("public_key", sa.Text(), nullable=False),
        sa.Column("sealed_private_key", sa.Text(), nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("expires_at", Moment(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_wire_key")),
        sa.UniqueConstraint("algorithm", "version", name=op.f("uq_wire_key_algorithm")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("wire_key", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_wire_key_expires_at"), ["expires_at"], unique=False)

    op.create_table(
        "api_group",
        sa.Column("id", BigId, nullable=False),
        sa.Column("department_id", BigId, nullable=False),
        sa.Column("name", sa.String(length=128), nullable=False),
        sa.Column("remark", sa.String(length=1024), nullable=True),
        sa.Column("permissions", Document, nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("updated_at", Moment(), nullable=False),
        sa.Column("is_deleted", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["department_id"], ["department.id"], name=op.f("fk_api_group_department_id_department")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_group")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("api_group", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_api_group_department_id"), ["department_id"], unique=False)
        batch_op.create_index(
            "uq_api_group_name",
            ["department_id", "name"],
            unique=True,
            sqlite_where=sa.text("NOT is_deleted"),
            postgresql_where=sa.text("NOT is_deleted"),
        )

    op.create_table(
        "application",
        sa.Column("id", BigId, nullable=False),
        sa.Column("department_id", BigId, nullable=False),
        sa.Column("name", sa.String(length=128), nullable=False),
        sa.Column("client_id", sa.String(length=64), nullable=False),
        sa.Column("secret_hash", sa.String(length=255), nullable=False),
        sa.Column("remark", sa.String(length=1024), nullable=True),
        sa.Column("api_groups", Document, nullable=False),
        sa.Column("allow_ips", Document, nullable=False),
        sa.Column("deny_ips", Document, nullable=False),
        sa.Column("rate_limit", sa.Integer(), nullable=True),
        sa.Column("is_enabled", sa.Boolean(), nullable=False),
        sa.Column("last_used_at", Moment(), nullable=True),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("updated_at", Moment(), nullable=False),
        sa.Column("is_deleted", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["department_id"], ["department.id"], name=op.f("fk_application_department_id_department")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_application")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("application", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_application_department_id"), ["department_id"], unique=False)
        batch_op.create_index(
            "uq_application_client_id",
            ["client_id"],
            unique=True,
            sqlite_where=sa.text("NOT is_deleted"),
            postgresql_where=sa.text("NOT is_deleted"),
        )
        batch_op.create_index(
            "uq_application_name",
            ["department_id", "name"],
            unique=True,
            sqlite_where=sa.text("NOT is_deleted"),
            postgresql_where=sa.text("NOT is_deleted"),
        )

    op.create_table(
        "asset",
        sa.Column("id", BigId, nullable=False),
        sa.Column("department_id", BigId, nullable=False),
        sa.Column("name", sa.String(length=128), nullable=False),
        sa.Column("sealed_value", sa.Text(), nullable=False),
        sa.Column("data_type", sa.Integer(), nullable=False),
        sa.Column("remark", sa.String(length=1024), nullable=True),
        sa.Column("is_global", sa.Boolean(), nullable=False),
        sa.Column("robots", Document, nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("updated_at", Moment(), nullable=False),
        sa.Column("is_deleted", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["department_id"], ["department.id"], name=op.f("fk_asset_department_id_department")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_asset")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("asset", schema=None) as batch_op:
        batch_op.create_index(
            "uq_asset_name",
            ["department_id", "name"],
            unique=True,
            sqlite_where=sa.text("NOT is_deleted"),
            postgresql_where=sa.text("NOT is_deleted"),
        )

    op.create_table(
        "credential",
        sa.Column("id", BigId, nullable=False),
        sa.Column("department_id", BigId, nullable=False),
        sa.Column("name", sa.String(length=128), nullable=False),
        sa.Column("username", sa.String(length=128), nullable=False),
        sa.Column("sealed_password", sa.Text(), nullable=False),
        sa.Column("remark", sa.String(length=1024), nullable=True),
        sa.Column("is_global", sa.Boolean(), nullable=False),
        sa.Column("robots", Document, nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("updated_at", Moment(), nullable=False),
        sa.Column("is_deleted", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["department_id"], ["department.id"], name=op.f("fk_credential_department_id_department")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_credential")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("credential", schema=None) as batch_op:
        batch_op.create_index(
            "uq_credential_name",
            ["department_id", "name"],
            unique=True,
            sqlite_where=sa.text("NOT is_deleted"),
            postgresql_where=sa.text("NOT is_deleted"),
        )

    op.create_table(
        "data_queue",
        sa.Column("id", BigId, nullable=False),
        sa.Column("department_id", BigId, nullable=False),
        sa.Column("name", sa.String(length=128), nullable=False),
        sa.Column("remark", sa.String(length=1024), nullable=True),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("updated_at", Moment(), nullable=False),
        sa.Column("is_deleted", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["department_id"], ["department.id"], name=op.f("fk_data_queue_department_id_department")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_data_queue")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("data_queue", schema=None) as batch_op:
        batch_op.create_index("ix_data_queue_department_id_id", ["department_id", "id"], unique=False)
        batch_op.create_index(
            "uq_data_queue_name",
            ["department_id", "name"],
            unique=True,
            sqlite_where=sa.text("NOT is_deleted"),
            postgresql_where=sa.text("NOT is_deleted"),
        )

    op.create_table(
        "role",
        sa.Column("id", BigId, nullable=False),
        sa.Column("department_id", BigId, nullable=False),
        sa.Column("name", sa.String(length=128), nullable=False),
        sa.Column("remark", sa.String(length=1024), nullable=True),
        sa.Column("permissions", Document, nullable=False),
        sa.Column("is_builtin", sa.Boolean(), nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("updated_at", Moment(), nullable=False),
        sa.Column("is_deleted", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["department_id"], ["department.id"], name=op.f("fk_role_department_id_department")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_role")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("role", schema=None) as batch_op:
        batch_op.create_index(
            "uq_role_name",
            ["department_id", "name"],
            unique=True,
            sqlite_where=sa.text("NOT is_deleted"),
            postgresql_where=sa.text("NOT is_deleted"),
        )

    op.create_table(
        "stored_file",
        sa.Column("id", BigId, nullable=False),
        sa.Column("department_id", BigId, nullable=False),
        sa.Column("folder_path", sa.String(length=1024), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("password_hash", sa.String(length=255), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("updated_at", Moment(), nullable=False),
        sa.Column("is_deleted", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["department_id"], ["department.id"], name=op.f("fk_stored_file_department_id_department")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stored_file")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("stored_file", schema=None) as batch_op:
        batch_op.create_index(
            "uq_stored_file_name",
            ["department_id", "folder_path", "name"],
            unique=True,
            sqlite_where=sa.text("NOT is_deleted"),
            postgresql_where=sa.text("NOT is_deleted"),
        )

    op.create_table(
        "user_group",
        sa.Column("id", BigId, nullable=False),
        sa.Column("department_id", BigId, nullable=False),
        sa.Column("name", sa.String(length=128), nullable=False),
        sa.Column("remark", sa.String(length=1024), nullable=True),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("updated_at", Moment(), nullable=False),
        sa.Column("is_deleted", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["department_id"], ["department.id"], name=op.f("fk_user_group_department_id_department")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_user_group")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("user_group", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_user_group_department_id"), ["department_id"], unique=False)
        batch_op.create_index(
            "uq_user_group_name",
            ["department_id", "name"],
            unique=True,
            sqlite_where=sa.text("NOT is_deleted"),
            postgresql_where=sa.text("NOT is_deleted"),
        )

    op.create_table(
        "data_queue_item",
        sa.Column("id", BigId, nullable=False),
        sa.Column("queue_id", BigId, nullable=False),
        sa.Column("reference", sa.String(length=255), nullable=True),
        sa.Column("content", Document, nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("effective_at", Moment(), nullable=True),
        sa.Column("expires_at", Moment(), nullable=True),
        sa.Column("lease_until", Moment(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("finished_at", Moment(), nullable=True),
        sa.Column("reason", sa.String(length=1024), nullable=True),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("updated_at", Moment(), nullable=False),
        sa.Column("is_deleted", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["queue_id"], ["data_queue.id"], name=op.f("fk_data_queue_item_queue_id_data_queue")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_data_queue_item")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("data_queue_item", schema=None) as batch_op:
        batch_op.create_index(
            "ix_data_queue_item_count", ["queue_id", "is_deleted", "state", "effective_at", "expires_at", "lease_until"], unique=False
        )
        batch_op.create_index("ix_data_queue_item_queue_id_id", ["queue_id", "id"], unique=False)

    op.create_table(
        "employee_role",
        sa.Column("employee_id", BigId, nullable=False),
        sa.Column("role_id", BigId, nullable=False),
        sa.ForeignKeyConstraint(["employee_id"], ["employee.id"], name=op.f("fk_employee_role_employee_id_employee")),
        sa.ForeignKeyConstraint(["role_id"], ["role.id"], name=op.f("fk_employee_role_role_id_role")),
        sa.PrimaryKeyConstraint("employee_id", "role_id", name=op.f("pk_employee_role")),
    )
    with op.batch_alter_table("employee_role", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_employee_role_role_id"), ["role_id"], unique=False)

    op.create_table(
        "file_version",
        sa.Column("file_id", BigId, nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("blob", sa.String(length=64), nullable=False),
        sa.Column("sealed_key", sa.String(length=255), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("size", BigId, nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("created_by", sa.String(length=128), nullable=False),
        sa.ForeignKeyConstraint(["file_id"], ["stored_file.id"], name=op.f("fk_file_version_file_id_stored_file")),
        sa.PrimaryKeyConstraint("file_id", "version", name=op.f("pk_file_version")),
    )
    op.create_table(
        "licence",
        sa.Column("id", BigId, nullable=False),
        sa.Column("connection_id", BigId, nullable=False),
        sa.Column("type", sa.String(length=64), nullable=False),
        sa.Column("product", sa.String(length=128), nullable=True),
        sa.Column("quantity", BigId, nullable=False),
        sa.Column("expires_at", Moment(), nullable=True),
        sa.Column("serial", sa.String(length=128), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("issuer", sa.String(length=128), nullable=True),
        sa.Column("holder", sa.String(length=128), nullable=True),
        sa.Column("issued_at", Moment(), nullable=True),
        sa.Column("signature", sa.String(length=16), nullable=False),
        sa.Column("imported_by", sa.String(length=128), nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("updated_at", Moment(), nullable=False),
        sa.Column("is_deleted", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["connection_id"], ["connection.id"], name=op.f("fk_licence_connection_id_connection")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_licence")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("licence", schema=None) as batch_op:
        batch_op.create_index("ix_licence_connection_id_type", ["connection_id", "type"], unique=False)
        batch_op.create_index(
            "uq_licence_serial",
            ["serial", "line"],
            unique=True,
            sqlite_where=sa.text("NOT is_deleted"),
            postgresql_where=sa.text("NOT is_deleted"),
        )

    op.create_table(
        "registered_key",
        sa.Column("id", BigId, nullable=False),
        sa.Column("employee_id", BigId, nullable=True),
        sa.Column("application_id", BigId, nullable=True),
        sa.Column("algorithm", sa.String(length=8), nullable=False),
        sa.Column("public_key", sa.Text(), nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("updated_at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(["application_id"], ["application.id"], name=op.f("fk_registered_key_application_id_application")),
        sa.ForeignKeyConstraint(["employee_id"], ["employee.id"], name=op.f("fk_registered_key_employee_id_employee")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_registered_key")),
        sa.UniqueConstraint("application_id", name=op.f("uq_registered_key_application_id")),
        sa.UniqueConstraint("employee_id", name=op.f("uq_registered_key_employee_id")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "second_factor",
        sa.Column("employee_id", BigId, nullable=False),
        sa.Column("sealed_secret", sa.String(length=512), nullable=False),
        sa.Column("active_since", Moment(), nullable=True),
        sa.Column("last_step", BigId, nullable=False),
        sa.ForeignKeyConstraint(["employee_id"], ["employee.id"], name=op.f("fk_second_factor_employee_id_employee")),
        sa.PrimaryKeyConstraint("employee_id", name=op.f("pk_second_factor")),
    )
    op.create_table(
        "user_group_member",
        sa.Column("user_group_id", BigId, nullable=False),
        sa.Column("employee_id", BigId, nullable=False),
        sa.ForeignKeyConstraint(["employee_id"], ["employee.id"], name=op.f("fk_user_group_member_employee_id_employee")),
        sa.ForeignKeyConstraint(["user_group_id"], ["user_group.id"], name=op.f("fk_user_group_member_user_group_id_user_group")),
        sa.PrimaryKeyConstraint("user_group_id", "employee_id", name=op.f("pk_user_group_member")),
    )
    with op.batch_alter_table("user_group_member", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_user_group_member_employee_id"), ["employee_id"], unique=False)

    op.create_table(
        "user_group_role",
        sa.Column("user_group_id", BigId, nullable=False),
        sa.Column("role_id", BigId, nullable=False),
        sa.ForeignKeyConstraint(["role_id"], ["role.id"], name=op.f("fk_user_group_role_role_id_role")),
        sa.ForeignKeyConstraint(["user_group_id"], ["user_group.id"], name=op.f("fk_user_group_role_user_group_id_user_group")),
        sa.PrimaryKeyConstraint("user_group_id", "role_id", name=op.f("pk_user_group_role")),
    )
    with op.batch_alter_table("user_group_role", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_user_group_role_role_id"), ["role_id"], unique=False)

    op.create_table(
        "trigger",
        sa.Column("id", BigId, nullable=False),
        sa.Column("department_id", BigId, nullable=False),
        sa.Column("name", sa.String(length=128), nullable=False),
        sa.Column("description", sa.String(length=1024), nullable=True),
        sa.Column("is_activated", sa.Boolean(), nullable=False),
        sa.Column("type", sa.String(length=16), nullable=False),
        sa.Column("cron_expression", sa.String(length=120), nullable=True),
        sa.Column("time_zone", sa.String(length=64), nullable=True),
        sa.Column("is_define_calendar", sa.Boolean(), nullable=False),
        sa.Column("calendar_id", BigId, nullable=True),
        sa.Column("day_shift", sa.String(length=16), nullable=False),
        sa.Column("queue_id", BigId, nullable=True),
        sa.Column("min_items", BigId, nullable=True),
        sa.Column("max_tasks", BigId, nullable=True),
        sa.Column("misfire", sa.String(length=16), nullable=False),
        sa.Column("misfire_grace", BigId, nullable=True),
        sa.Column("overlap", sa.String(length=16), nullable=False),
        sa.Column("process_id", BigId, nullable=False),
        sa.Column("package_id", BigId, nullable=True),
        sa.Column("assign_type", sa.Integer(), nullable=False),
        sa.Column("robot_group_id", BigId, nullable=True),
        sa.Column("adapter_policy", sa.String(length=64), nullable=True),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("in_parameters", Document, nullable=False),
        sa.Column("is_record", sa.Boolean(), nullable=True),
        sa.Column("is_warn", sa.Boolean(), nullable=False),
        sa.Column("warn_types", Document, nullable=False),
        sa.Column("max_run_time", BigId, nullable=True),
        sa.Column("max_waiting_time", BigId, nullable=True),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("updated_at", Moment(), nullable=False),
        sa.Column("is_deleted", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["calendar_id"], ["calendar.id"], name=op.f("fk_trigger_calendar_id_calendar")),
        sa.ForeignKeyConstraint(["department_id"], ["department.id"], name=op.f("fk_trigger_department_id_department")),
        sa.ForeignKeyConstraint(["package_id"], ["package.id"], name=op.f("fk_trigger_package_id_package")),
        sa.ForeignKeyConstraint(["process_id"], ["process.id"], name=op.f("fk_trigger_process_id_process")),
        sa.ForeignKeyConstraint(["queue_id"], ["data_queue.id"], name=op.f("fk_trigger_queue_id_data_queue")),
        sa.ForeignKeyConstraint(["robot_group_id"], ["robot_group.id"], name=op.f("fk_trigger_robot_group_id_robot_group")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_trigger")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("trigger", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_trigger_calendar_id"), ["calendar_id"], unique=False)
        batch_op.create_index("ix_trigger_department_id_id", ["department_id", "id"], unique=False)
        batch_op.create_index(batch_op.f("ix_trigger_process_id"), ["process_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_trigger_queue_id"), ["queue_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_trigger_robot_group_id"), ["robot_group_id"], unique=False)
        batch_op.create_index(
            "uq_trigger_name",
            ["department_id", "name"],
            unique=True,
            sqlite_where=sa.text("NOT is_deleted"),
            postgresql_where=sa.text("NOT is_deleted"),
        )

    op.create_table(
        "recording",
        sa.Column("id", BigId, nullable=False),
        sa.Column("task_id", BigId, nullable=False),
        sa.Column("started_at", Moment(), nullable=False),
        sa.Column("ended_at", Moment(), nullable=True),
        sa.Column("blob", sa.String(length=64), nullable=False),
        sa.Column("sealed_key", sa.String(length=255), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("size", BigId, nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("updated_at", Moment(), nullable=False),
        sa.Column("is_deleted", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["task_id"], ["task.id"], name=op.f("fk_recording_task_id_task")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recording")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("recording", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_recording_task_id"), ["task_id"], unique=False)

    op.create_table(
        "trigger_robot",
        sa.Column("trigger_id", BigId, nullable=False),
        sa.Column("robot_id", BigId, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["robot_id"], ["robot.id"], name=op.f("fk_trigger_robot_robot_id_robot")),
        sa.ForeignKeyConstraint(["trigger_id"], ["trigger.id"], name=op.f("fk_trigger_robot_trigger_id_trigger")),
        sa.PrimaryKeyConstraint("trigger_id", "robot_id", name=op.f("pk_trigger_robot")),
    )
    with op.batch_alter_table("trigger_robot", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_trigger_robot_robot_id"), ["robot_id"], unique=False)

    with op.batch_alter_table("access_token", schema=None) as batch_op:
        batch_op.add_column(sa.Column("application_id", BigId, nullable=True))
        batch_op.add_column(sa.Column("client_ip", sa.String(length=64), nullable=True))
        batch_op.alter_column("employee_id", existing_type=sa.INTEGER(), nullable=True)
        batch_op.create_index(batch_op.f("ix_access_token_application_id"), ["application_id"], unique=False)
        batch_op.create_foreign_key(batch_op.f("fk_access_token_application_id_application"), "application", ["application_id"], ["id"])

    with op.batch_alter_table("department", schema=None) as batch_op:
        batch_op.create_index(
            "uq_department_name",
            ["parent_id", "name"],
            unique=True,
            sqlite_where=sa.text("NOT is_deleted"),
            postgresql_where=sa.text("NOT is_deleted"),
        )

    with op.batch_alter_table("employee", schema=None) as batch_op:
        batch_op.add_column(sa.Column("failed_logins", sa.Integer(), server_default="0", nullable=False))
        batch_op.add_column(sa.Column("locked_until", Moment(), nullable=True))
        batch_op.add_column(sa.Column("password_changed_at", Moment(), nullable=True))

    with op.batch_alter_table("package", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_package_digest"), ["digest"], unique=False)

    with op.batch_alter_table("process", schema=None) as batch_op:
        batch_op.add_column(sa.Column("business_owner", sa.String(length=128), nullable=True))
        batch_op.add_column(sa.Column("dev_owner", sa.String(length=128), nullable=True))
        batch_op.add_column(sa.Column("ops_owner", sa.String(length=128), nullable=True))
        batch_op.create_index(
            "uq_process_name",
            ["department_id", "name"],
            unique=True,
            sqlite_where=sa.text("NOT is_deleted AND reference IS NULL"),
            postgresql_where=sa.text("NOT is_deleted AND reference IS NULL"),
        )

    with op.batch_alter_table("robot", schema=None) as batch_op:
        batch_op.add_column(sa.Column("labels", Document, nullable=True))
        batch_op.create_unique_constraint(batch_op.f("uq_robot_connection_id"), ["connection_id", "reference"])
        batch_op.create_index(
            "uq_robot_name",
            ["department_id", "name"],
            unique=True,
            sqlite_where=sa.text("NOT is_deleted AND reference IS NULL"),
            postgresql_where=sa.text("NOT is_deleted AND reference IS NULL"),
        )

    with op.batch_alter_table("robot_group", schema=None) as batch_op:
        batch_op.create_index(
            "uq_robot_group_name",
            ["department_id", "name"],
            unique=True,
            sqlite_where=sa.text("NOT is_deleted"),
            postgresql_where=sa.text("NOT is_deleted"),
        )

    with op.batch_alter_table("task", schema=None) as batch_op:
        batch_op.add_column(sa.Column("waits_from", Moment(), nullable=True))
        batch_op.create_index("ix_task_is_deleted_id", ["is_deleted", "id"], unique=False)


def downgrade() -> None:
    """Take back."""
    with op.batch_alter_table("task", schema=None) as batch_op:
        batch_op.drop_index("ix_task_is_deleted_id")
        batch_op.drop_column("waits_from")

    with op.batch_alter_table("robot_group", schema=None) as batch_op:
        batch_op.drop_index("uq_robot_group_name", sqlite_where=sa.text("NOT is_deleted"), postgresql_where=sa.text("NOT is_deleted"))

    with op.batch_alter_table("robot", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_robot_name",
            sqlite_where=sa.text("NOT is_deleted AND reference IS NULL"),
            postgresql_where=sa.text("NOT is_deleted AND reference IS NULL"),
        )
        batch_op.drop_constraint(batch_op.f("uq_robot_connection_id"), type_="unique")
        batch_op.drop_column("labels")

    with op.batch_alter_table("process", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_process_name",
            sqlite_where=sa.text("NOT is_deleted AND reference IS NULL"),
            postgresql_where=sa.text("NOT is_deleted AND reference IS NULL"),
        )
        batch_op.drop_column("ops_owner")
        batch_op.drop_column("dev_owner")
        batch_op.drop_column("business_owner")

    with op.batch_alter_table("package", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_package_digest"))

    with op.batch_alter_table("employee", schema=None) as batch_op:
        batch_op.drop_column("password_changed_at")
        batch_op.drop_column("locked_until")
        batch_op.drop_column("failed_logins")

    with op.batch_alter_table("department", schema=None) as batch_op:
        batch_op.drop_index("uq_department_name", sqlite_where=sa.text("NOT is_deleted"), postgresql_where=sa.text("NOT is_deleted"))

    with op.batch_alter_table("access_token", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("fk_access_token_application_id_application"), type_="foreignkey")
        batch_op.drop_index(batch_op.f("ix_access_token_application_id"))
        batch_op.alter_column("employee_id", existing_type=sa.INTEGER(), nullable=False)
        batch_op.drop_column("client_ip")
        batch_op.drop_column("application_id")

    with op.batch_alter_table("trigger_robot", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_trigger_robot_robot_id"))

    op.drop_table("trigger_robot")
    with op.batch_alter_table("recording", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_recording_task_id"))

    op.drop_table("recording")
    with op.batch_alter_table("trigger", schema=None) as batch_op:
        batch_op.drop_index("uq_trigger_name", sqlite_where=sa.text("NOT is_deleted"), postgresql_where=sa.text("NOT is_deleted"))
        batch_op.drop_index(batch_op.f("ix_trigger_robot_group_id"))
        batch_op.drop_index(batch_op.f("ix_trigger_queue_id"))
        batch_op.drop_index(batch_op.f("ix_trigger_process_id"))
        batch_op.drop_index("ix_trigger_department_id_id")
        batch_op.drop_index(batch_op.f("ix_trigger_calendar_id"))

    op.drop_table("trigger")
    with op.batch_alter_table("user_group_role", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_user_group_role_role_id"))

    op.drop_table("user_group_role")
    with op.batch_alter_table("user_group_member", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_user_group_member_employee_id"))

    op.drop_table("user_group_member")
    op.drop_table("second_factor")
    op.drop_table("registered_key")
    with op.batch_alter_table("licence", schema=None) as batch_op:
        batch_op.drop_index("uq_licence_serial", sqlite_where=sa.text("NOT is_deleted"), postgresql_where=sa.text("NOT is_deleted"))
        batch_op.drop_index("ix_licence_connection_id_type")

    op.drop_table("licence")
    op.drop_table("file_version")
    with op.batch_alter_table("employee_role", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_employee_role_role_id"))

    op.drop_table("employee_role")
    with op.batch_alter_table("data_queue_item", schema=None) as batch_op:
        batch_op.drop_index("ix_data_queue_item_queue_id_id")
        batch_op.drop_index("ix_data_queue_item_count")

    op.drop_table("data_queue_item")
    with op.batch_alter_table("user_group", schema=None) as batch_op:
        batch_op.drop_index("uq_user_group_name", sqlite_where=sa.text("NOT is_deleted"), postgresql_where=sa.text("NOT is_deleted"))
        batch_op.drop_index(batch_op.f("ix_user_group_department_id"))

    op.drop_table("user_group")
    with op.batch_alter_table("stored_file", schema=None) as batch_op:
        batch_op.drop_index("uq_stored_file_name", sqlite_where=sa.text("NOT is_deleted"), postgresql_where=sa.text("NOT is_deleted"))

    op.drop_table("stored_file")
    with op.batch_alter_table("role", schema=None) as batch_op:
        batch_op.drop_index("uq_role_name", sqlite_where=sa.text("NOT is_deleted"), postgresql_where=sa.text("NOT is_deleted"))

    op.drop_table("role")
    with op.batch_alter_table("data_queue", schema=None) as batch_op:
        batch_op.drop_index("uq_data_queue_name", sqlite_where=sa.text("NOT is_deleted"), postgresql_where=sa.text("NOT is_deleted"))
        batch_op.drop_index("ix_data_queue_department_id_id")

    op.drop_table("data_queue")
    with op.batch_alter_table("credential", schema=None) as batch_op:
        batch_op.drop_index("uq_credential_name", sqlite_where=sa.text("NOT is_deleted"), postgresql_where=sa.text("NOT is_deleted"))

    op.drop_table("credential")
    with op.batch_alter_table("asset", schema=None) as batch_op:
        batch_op.drop_index("uq_asset_name", sqlite_where=sa.text("NOT is_deleted"), postgresql_where=sa.text("NOT is_deleted"))

    op.drop_table("asset")
    with op.batch_alter_table("application", schema=None) as batch_op:
        batch_op.drop_index("uq_application_name", sqlite_where=sa.text("NOT is_deleted"), postgresql_where=sa.text("NOT is_deleted"))
        batch_op.drop_index("uq_application_client_id", sqlite_where=sa.text("NOT is_deleted"), postgresql_where=sa.text("NOT is_deleted"))
        batch_op.drop_index(batch_op.f("ix_application_department_id"))

    op.drop_table("application")
    with op.batch_alter_table("api_group", schema=None) as batch_op:
        batch_op.drop_index("uq_api_group_name", sqlite_where=sa.text("NOT is_deleted"), postgresql_where=sa.text("NOT is_deleted"))
        batch_op.drop_index(batch_op.f("ix_api_group_department_id"))

    op.drop_table("api_group")
    with op.batch_alter_table("wire_key", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_wire_key_expires_at"))

    op.drop_table("wire_key")
    op.drop_table("rights_version")
    op.drop_table("login_policy")
    with op.batch_alter_table("kept_answer", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_kept_answer_created_at"))

    op.drop_table("kept_answer")
    with op.batch_alter_table("calendar", schema=None) as batch_op:
        batch_op.drop_index("uq_calendar_name", sqlite_where=sa.text("NOT is_deleted"), postgresql_where=sa.text("NOT is_deleted"))

    op.drop_table("calendar")
    op.drop_table("audit_head")
    with op.batch_alter_table("audit_entry", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_audit_entry_operation"))
        batch_op.drop_index(batch_op.f("ix_audit_entry_happened_at"))
        batch_op.drop_index(batch_op.f("ix_audit_entry_department_id"))
        batch_op.drop_index("ix_audit_entry_actor_id")

    op.drop_table("audit_entry")
    op.drop_table("api_metric")
    with op.batch_alter_table("api_call", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_api_call_trace_id"))
        batch_op.drop_index("ix_api_call_operation_id")
        batch_op.drop_index(batch_op.f("ix_api_call_department_id"))
        batch_op.drop_index("ix_api_call_caller_id")
        batch_op.drop_index(batch_op.f("ix_api_call_called_at"))

    op.drop_table("api_call")
