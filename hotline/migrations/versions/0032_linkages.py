"""The linkage register: what went to other lines and came from them; who at 110 handed a matter over."""

import sqlalchemy as sa
from alembic import op

revision = "0032"
down_revision = "0031"

WHEN = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Expand."""
    op.create_table(
        "linkages",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("ticket_id", sa.Uuid(), nullable=False),
        sa.Column("way", sa.String(length=12), nullable=False),
        sa.Column("line", sa.String(length=60), nullable=False),
        sa.Column("number", sa.String(length=20), nullable=False),
        sa.Column("leg_id", sa.Uuid(), nullable=True),
        sa.Column("agent_id", sa.Uuid(), nullable=True),
        sa.Column("agent_name", sa.String(length=40), nullable=False),
        sa.Column("started_at", WHEN, nullable=False),
        sa.Column("receiver", sa.String(length=40), nullable=False),
        sa.Column("reference", sa.String(length=40), nullable=False),
        sa.Column("result", sa.String(length=12), nullable=True),
        sa.Column("note", sa.String(length=300), nullable=False),
        sa.Column("done_at", WHEN, nullable=True),
        sa.Column("done_by_name", sa.String(length=40), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.CheckConstraint(
            "way IN ('consult', 'conference', 'transfer', 'told', 'received')", name=op.f("ck_linkages_way")
        ),
        sa.CheckConstraint("(result IS NULL) = (done_at IS NULL)", name=op.f("ck_linkages_done")),
        sa.ForeignKeyConstraint(["ticket_id"], ["tickets.id"], name=op.f("fk_linkages_ticket_id_tickets")),
        sa.ForeignKeyConstraint(["leg_id"], ["line_call_legs.id"], name=op.f("fk_linkages_leg_id_line_call_legs")),
        sa.ForeignKeyConstraint(["agent_id"], ["users.id"], name=op.f("fk_linkages_agent_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_linkages")),
        sa.UniqueConstraint("leg_id", name=op.f("uq_linkages_leg_id")),
    )
    op.create_index("ix_linkages_started_at", "linkages", ["started_at", "id"])
    op.create_index("ix_linkages_ticket_id", "linkages", ["ticket_id"])
    op.create_index("ix_linkages_open", "linkages", ["agent_id"], postgresql_where=sa.text("done_at IS NULL"))
