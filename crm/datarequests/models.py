"""Tables of citizens' requests for their own data: the request, what is to be corrected, its acts, the copy."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from core.clock import now
from core.db import Base, Id
from core.personal import Personal, index_for


class DataRequest(Base):
    """个人信息申请: one matter about what is held on one number.

    Of the proof of identity only what was looked at and by whom is kept, never a copy and never a number of a card.
    """

    __tablename__ = "data_requests"
    __table_args__ = (
        CheckConstraint("kind IN ('copy', 'correct', 'restrict', 'delete', 'explain')", name="kind"),
        CheckConstraint("(verdict = '') = (decided_at IS NULL)", name="decided"),
        CheckConstraint("decided_by IS NULL OR decided_by <> registered_by", name="two_people"),
        Index("ix_data_requests_registered_at", "registered_at", "id"),
        Index(
            "ix_data_requests_open",
            "due_at",
            postgresql_where=text("state NOT IN ('answered', 'closed', 'withdrawn')"),
        ),
    )

    id: Mapped[Id]
    number: Mapped[str] = mapped_column(String(30), unique=True)
    """`个信〔2026〕12号`: running in its year."""
    kind: Mapped[str] = mapped_column(String(10))
    """A `rules.Kind`."""
    way: Mapped[str] = mapped_column(String(10))
    """A `rules.Way`."""
    call_id: Mapped[UUID | None]
    phone: Mapped[str] = mapped_column(Personal)
    """The number about which is asked, E.164."""
    name: Mapped[str] = mapped_column(Personal)
    """The applicant: on a shared telephone what others reported is not his."""
    orders: Mapped[list[Any]]
    """Numbers of the orders that are asked about; empty: all of the number."""
    asked: Mapped[str] = mapped_column(Personal)
    """In the citizen's words."""
    registered_at: Mapped[datetime] = mapped_column(default=now)
    registered_by: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    registered_by_name: Mapped[str] = mapped_column(String(40))
    state: Mapped[str] = mapped_column(String(12), default="registered")
    """A `rules.State`."""
    version: Mapped[int] = mapped_column(default=1)
    warn_at: Mapped[datetime]
    due_at: Mapped[datetime]
    """Exclusive end of the time for the answer."""
    checked: Mapped[str] = mapped_column(String(12), default="")
    """A `rules.Check`; empty while nobody has checked who asks, or where it could not be proven."""
    check_note: Mapped[str] = mapped_column(String(200), default="")
    checked_at: Mapped[datetime | None]
    checked_by_name: Mapped[str] = mapped_column(String(40), default="")
    verdict: Mapped[str] = mapped_column(String(8), default="")
    """A `rules.Verdict`; empty while nobody has decided."""
    reasons: Mapped[str] = mapped_column(String(1000), default="")
    law: Mapped[str] = mapped_column(String(700), default="")
    kept_until: Mapped[date | None]
    """删除: the last protected day as it was when it was decided."""
    decided_at: Mapped[datetime | None]
    decided_by: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    decided_by_name: Mapped[str] = mapped_column(String(40), default="")
    done_at: Mapped[datetime | None]
    done_note: Mapped[str] = mapped_column(String(2000), default="")
    """What was done, or is explained to the citizen."""
    destroyed_at: Mapped[datetime | None]
    """删除: when by certificates of disposal lists nothing was left of what it asked for."""
    answered_at: Mapped[datetime | None]
    answers: Mapped[list[Any]] = mapped_column(default=list)
    """The `rules.Answer`s by which the citizen was answered."""


index_for("ix_data_requests_phone", DataRequest.phone)


class DataCorrection(Base):
    """One field that is to be corrected: as it was, and as the citizen says it is."""

    __tablename__ = "data_corrections"
    __table_args__ = (UniqueConstraint("request_id", "field"),)

    id: Mapped[Id]
    request_id: Mapped[UUID] = mapped_column(ForeignKey("data_requests.id"))
    field: Mapped[str] = mapped_column(String(10))
    """A `rules.Field`."""
    wanted: Mapped[str] = mapped_column(Personal)
    granted: Mapped[bool | None]
    """None while nobody has decided."""
    before: Mapped[str | None] = mapped_column(Personal)
    """What stood in the profile until it was corrected."""
    result: Mapped[str] = mapped_column(String(600), default="")
    """What became of it, in the profile and in each open order."""


class DataRequestStep(Base):
    """One act, its person and words. Never changed."""

    __tablename__ = "data_request_steps"
    __table_args__ = (Index("ix_data_request_steps_request_id", "request_id", "at"),)

    id: Mapped[Id]
    request_id: Mapped[UUID] = mapped_column(ForeignKey("data_requests.id"))
    at: Mapped[datetime] = mapped_column(default=now)
    act: Mapped[str] = mapped_column(String(12))
    """A `rules.Act`."""
    by_id: Mapped[UUID | None]
    by_name: Mapped[str] = mapped_column(String(40))
    note: Mapped[str] = mapped_column(String(2000), default="")


class DataPackage(Base):
    """复制件 of one request: made by a job, taken by staff for the citizen, destroyed when its time is over."""

    __tablename__ = "data_packages"

    request_id: Mapped[UUID] = mapped_column(ForeignKey("data_requests.id"), primary_key=True)
    asked_at: Mapped[datetime] = mapped_column(default=now)
    ready_at: Mapped[datetime | None]
    expires_at: Mapped[datetime | None]
    gone_at: Mapped[datetime | None]
    """When its file was destroyed."""
    store_key: Mapped[str] = mapped_column(String(200), default="")
    size: Mapped[int] = mapped_column(BigInteger, default=0)
    digest: Mapped[str] = mapped_column(String(64), default="")
    counts: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """How many of each kind it holds."""
    taken: Mapped[int] = mapped_column(default=0)
    """Downloads so far; each is in the ledger."""
