"""The work order 工单, its history, and the counter of numbers."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint, false, text
from sqlalchemy.event import listens_for
from sqlalchemy.orm import Mapped, Mapper, mapped_column

from core.clock import now
from core.db import Base, Id
from core.personal import Personal, index_for


class Ticket(Base):
    """工单: one matter that one citizen reported, from intake to archive.

    The row carries what is true of the matter; the clocks belong to its rounds and assignments (requirement
    0.3). `version` rises with every act; who acts on an older one gets a Conflict. `state` is one of
    `crm.tickets.states.State`; `category` of `crm.county.categories.Category`.
    """

    __tablename__ = "tickets"

    id: Mapped[Id]
    number: Mapped[str] = mapped_column(unique=True)
    """`YY20261123-00001`: prefix of the county, date of intake, running number of that day."""
    query_code: Mapped[str]
    """查询码: with the number it lets the citizen hear the state of the order."""
    query_failures: Mapped[int] = mapped_column(default=0)
    query_failed_at: Mapped[datetime | None]
    state: Mapped[str]
    version: Mapped[int] = mapped_column(default=1)

    source: Mapped[str]
    """诉求来源: `phone`, `message`; further ones (counter, web, city) have no call."""
    call_id: Mapped[UUID | None] = mapped_column(unique=True)
    """The call it came from: the key that makes opening a draft idempotent."""
    original_hotline: Mapped[str | None]
    """The merged hotline that was dialled (第十六条), e.g. `12315`."""

    citizen_id: Mapped[UUID | None] = mapped_column(ForeignKey("citizens.id"))
    caller_phone: Mapped[str | None] = mapped_column(Personal)
    caller_name: Mapped[str | None] = mapped_column(Personal)
    anonymous: Mapped[bool] = mapped_column(default=False)
    confidential: Mapped[bool] = mapped_column(default=False)
    """诉求人要求保密 (第二十二条)."""
    sealed: Mapped[bool] = mapped_column(default=False)
    """举报: the identity behind it is closed in search, lists, exports and notifications (第二十八条(八))."""

    category: Mapped[str | None]
    matter: Mapped[str | None]
    title: Mapped[str] = mapped_column(default="")
    content: Mapped[str] = mapped_column(default="")
    address: Mapped[str] = mapped_column(default="")
    area: Mapped[str | None]
    """Code of the township or street whose duty the place is (属地管理)."""
    occurred: Mapped[str] = mapped_column(default="")
    """When it happened, as told and as understood."""
    subject: Mapped[str] = mapped_column(default="", server_default="")
    """对象: whom or what it is about."""
    demand: Mapped[str] = mapped_column(default="", server_default="")
    """诉求: what the citizen asks to be done; `content` tells what happened (经过)."""
    proposals: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """What the machine proposes: field -> value, source words, confidence, reason."""
    accepted: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """What a person has decided: field -> who and when. The machine never touches these again."""

    report_count: Mapped[int] = mapped_column(default=1)
    master_id: Mapped[UUID | None] = mapped_column(ForeignKey("tickets.id"))
    repeat_of: Mapped[UUID | None] = mapped_column(ForeignKey("tickets.id"))
    upstream_number: Mapped[str | None]
    """市级工单编号: one order here for one order there (D33)."""
    upstream_due_at: Mapped[datetime | None]
    """Exclusive end of the city's own limit."""

    opened_at: Mapped[datetime] = mapped_column(default=now)
    opened_by: Mapped[UUID | None]
    """The agent who took the call; None when the machine opened it from a message."""
    updated_at: Mapped[datetime] = mapped_column(default=now, onupdate=now)
    first_dispatched_at: Mapped[datetime | None]
    due_at: Mapped[datetime | None]
    """End of the present round, copied here so that lists can sort by it."""
    lead_unit_id: Mapped[UUID | None]
    """主办单位 of the present round, copied here for the same reason."""
    closed_at: Mapped[datetime | None]
    close_kind: Mapped[str | None]
    """How it ended: one of `crm.tickets.acts.closing.CloseKind` (第十二条(六))."""
    close_reason: Mapped[str | None]

    accepted_at: Mapped[datetime | None]
    """受理: from here the centre owes the dispatch (T25)."""
    state_since: Mapped[datetime] = mapped_column(default=now)
    state_due_at: Mapped[datetime | None]
    """Until when the owner of the present state owes the next act; timers look for what lies before now."""
    provisional: Mapped[bool] = mapped_column(default=False)
    """暂定: the present round's due rests on a year without notice (D4)."""
    hard: Mapped[bool] = mapped_column(default=False)
    """疑难、复杂, confirmed by a person of the centre (D14)."""
    extension_pending: Mapped[bool] = mapped_column(default=False)
    extensions: Mapped[int] = mapped_column(default=0)
    """Granted ones, over all rounds (D16)."""
    returns: Mapped[int] = mapped_column(default=0)
    """Applications to return, by any unit (D11)."""
    overdue_at: Mapped[datetime | None]
    """When the present round was marked as late; None while it is not."""
    supervision_level: Mapped[int] = mapped_column(default=0)
    """督办: 0 none, 1 by the bureau, 2 by 政府办督察股 (D24)."""
    split_from: Mapped[UUID | None] = mapped_column(ForeignKey("tickets.id"))
    """The first order of the same call, when one call had several matters (F09-1)."""
    secrecy: Mapped[str] = mapped_column(default="none", server_default="none")
    """保密级别: one of `crm.tickets.acts.secrecy.Secrecy` (第二十二条)."""
    emergency: Mapped[bool] = mapped_column(default=False, server_default="false")
    """突发事件 (第十四条): its messages do not wait for the night to end."""
    publish_ok: Mapped[bool | None]
    """Whether the citizen agrees that the answer is published; None: not asked (第二十二条)."""
    knowledge_item: Mapped[str | None] = mapped_column(String(40))
    """即时答复 by the knowledge base: the item that was read out (F13-4) …"""
    knowledge_version: Mapped[int | None]
    """… and its version; both or neither."""
    example: Mapped[bool] = mapped_column(default=False, server_default=false())
    """演示数据: nobody outside is ever written to about it."""

    __table_args__ = (
        CheckConstraint("(knowledge_item IS NULL) = (knowledge_version IS NULL)", name="knowledge"),
        Index("ix_tickets_state_opened", "state", "opened_at", "id"),
        Index("ix_tickets_opened", "opened_at", "id"),
        Index("ix_tickets_lead_unit_due", "lead_unit_id", "due_at"),
        Index("ix_tickets_citizen", "citizen_id", "opened_at"),
        Index("ix_tickets_state_due", "state_due_at", "id", postgresql_where=text("state_due_at IS NOT NULL")),
        Index("ix_tickets_master", "master_id", postgresql_where=text("master_id IS NOT NULL")),
        Index("ix_tickets_repeat_of", "repeat_of", postgresql_where=text("repeat_of IS NOT NULL")),
        Index("ix_tickets_split_from", "split_from", postgresql_where=text("split_from IS NOT NULL")),
        Index(
            "uq_tickets_upstream_number",
            "upstream_number",
            unique=True,
            postgresql_where=text("upstream_number IS NOT NULL"),
        ),
        Index("ix_tickets_matter", "matter", "id", postgresql_where=text("first_dispatched_at IS NOT NULL")),
        Index("ix_tickets_channel", "opened_by", "opened_at", "id", postgresql_where=text("call_id IS NULL")),
        Index("ix_tickets_published", "closed_at", postgresql_where=text("publish_ok IS TRUE")),
        Index(
            "ix_tickets_emergency",
            "opened_at",
            postgresql_where=text("emergency AND first_dispatched_at IS NULL"),
        ),
        Index("ix_tickets_open_matter", "matter", "area", "opened_at", postgresql_where=text("closed_at IS NULL")),
    )


index_for("ix_tickets_caller_phone", Ticket.caller_phone)


class TicketEvent(Base):
    """One act in an order's history: who, when, from where, why, before and after. Never changed.

    Personal fields appear in `before` and `after` only as masked text.
    """

    __tablename__ = "ticket_events"

    id: Mapped[Id]
    ticket_id: Mapped[UUID] = mapped_column(ForeignKey("tickets.id"))
    seq: Mapped[int]
    """The ticket's version after the act: 1, 2, 3 … without gaps."""
    at: Mapped[datetime]
    act: Mapped[str]
    actor_id: Mapped[UUID | None]
    actor_name: Mapped[str]
    origin: Mapped[str]
    """By which way: `desk`, `call`, `machine`, `api`, `import`."""
    address: Mapped[str] = mapped_column(default="", server_default="")
    """From where: the workstation, or the program's machine; empty for what the system did by itself."""
    article: Mapped[str] = mapped_column(default="")
    """The rule that the act follows, e.g. `第十二条(二)`."""
    reason: Mapped[str] = mapped_column(default="")
    before: Mapped[dict[str, Any]] = mapped_column(default=dict)
    after: Mapped[dict[str, Any]] = mapped_column(default=dict)

    __table_args__ = (UniqueConstraint("ticket_id", "seq"),)


class NumberCounter(Base):
    """The last running number that was given on one day; its row lock makes numbers unique and gapless."""

    __tablename__ = "ticket_number_counters"

    day: Mapped[date] = mapped_column(primary_key=True)
    last: Mapped[int]


def _immutable(mapper: Mapper[Any], connection: Any, target: TicketEvent) -> None:
    raise RuntimeError("an order's history is never changed; append another event")


for _moment in ("before_update", "before_delete"):
    listens_for(TicketEvent, _moment)(_immutable)
