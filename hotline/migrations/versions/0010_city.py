"""City round trip: the city's files and their rows, orders that came down, what was written back, its answers."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Expand."""
    for table in ("return_requests", "extensions"):
        op.add_column(table, sa.Column("city_consents", sa.Boolean(), nullable=True))
        op.add_column(table, sa.Column("city_answer", sa.String(), server_default="", nullable=False))
    op.create_index(
        "uq_tickets_upstream_number",
        "tickets",
        ["upstream_number"],
        unique=True,
        postgresql_where=sa.text("upstream_number IS NOT NULL"),
    )
    op.create_table(
        "city_imports",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("file_name", sa.String(length=120), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("titles", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("uploaded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("uploaded_by", sa.Uuid(), nullable=True),
        sa.Column("uploaded_name", sa.String(length=40), nullable=False),
        sa.Column("counts", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("imported_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("imported_by", sa.Uuid(), nullable=True),
        sa.Column("imported_name", sa.String(length=40), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_city_imports")),
    )
    op.create_index("ix_city_imports_uploaded_at", "city_imports", ["uploaded_at"])
    op.create_table(
        "city_rows",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("import_id", sa.Uuid(), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("cells", sa.Text(), nullable=True),
        sa.Column("number", sa.String(length=64), nullable=False),
        sa.Column("verdict", sa.String(length=10), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("ticket_id", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(
            ["import_id"], ["city_imports.id"], name=op.f("fk_city_rows_import_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["ticket_id"], ["tickets.id"], name=op.f("fk_city_rows_ticket_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_city_rows")),
        sa.UniqueConstraint("import_id", "n", name=op.f("uq_city_rows_import_id_n")),
    )
    op.create_index("ix_city_rows_ticket", "city_rows", ["ticket_id"])
    op.create_table(
        "city_orders",
        sa.Column("ticket_id", sa.Uuid(), nullable=False),
        sa.Column("import_id", sa.Uuid(), nullable=True),
        sa.Column("upstream_type", sa.String(length=40), nullable=False),
        sa.Column("handed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("state_word", sa.String(length=40), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("written_seq", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["import_id"], ["city_imports.id"], name=op.f("fk_city_orders_import_id")),
        sa.ForeignKeyConstraint(["ticket_id"], ["tickets.id"], name=op.f("fk_city_orders_ticket_id")),
        sa.PrimaryKeyConstraint("ticket_id", name=op.f("pk_city_orders")),
    )
    op.create_table(
        "city_exports",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.String(length=40), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by", sa.Uuid(), nullable=True),
        sa.Column("by_name", sa.String(length=40), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_city_exports")),
        sa.UniqueConstraint("number", name=op.f("uq_city_exports_number")),
    )
    op.create_index("ix_city_exports_at", "city_exports", ["at"])
    op.create_table(
        "city_reports",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("ticket_id", sa.Uuid(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("export_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("values", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=True),
        sa.Column("due_before", sa.DateTime(timezone=True), nullable=True),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("checked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("difference", sa.String(), server_default="", nullable=False),
        sa.ForeignKeyConstraint(["export_id"], ["city_exports.id"], name=op.f("fk_city_reports_export_id")),
        sa.ForeignKeyConstraint(["ticket_id"], ["tickets.id"], name=op.f("fk_city_reports_ticket_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_city_reports")),
        sa.UniqueConstraint("ticket_id", "seq", name=op.f("uq_city_reports_ticket_id_seq")),
    )
    op.create_index("ix_city_reports_export_id", "city_reports", ["export_id"])
    op.create_index("ix_city_reports_state", "city_reports", ["state", "at", "id"])
