"""Tables of the knowledge base: items, their versions, who did which step, files, and which version answered whom."""

from datetime import date, datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from core.clock import now
from core.db import Base, Id

PASSED = "published_at IS NULL OR (secrecy_at IS NOT NULL AND led_at IS NOT NULL AND secrecy_at <= published_at)"
"""A18-1: whatever writes the row, what was published had its secrecy review and its leader's consent."""
NEEDS_PUBLISHING = "state NOT IN ('in-force', 'superseded', 'retired') OR published_at IS NOT NULL"
NEEDS_REVIEW = "state NOT IN ('leader', 'centre', 'in-force') OR secrecy_at IS NOT NULL"
ANOTHER = "secrecy_at IS NULL OR example OR (secrecy_by IS NOT NULL AND secrecy_by <> written_by)"
"""F18-1: the review is another person's; what a county's folder brings for a demonstration has no reviewer."""
WHOLE = "published_at IS NULL OR (kind IS NOT NULL AND basis <> '' AND question <> '' AND answer <> '')"
"""A17-1; the unit is the item's and never missing."""


class KnowledgeItem(Base):
    """知识库条目: one matter that people ask about, of one unit."""

    __tablename__ = "knowledge_items"
    __table_args__ = (
        Index("ix_knowledge_items_unit", "unit_id"),
        Index("ix_knowledge_items_changed", "changed"),
        Index("ix_knowledge_items_updated", "updated_at", "id"),
    )

    id: Mapped[Id]
    number: Mapped[str] = mapped_column(String(20), unique=True)
    unit_id: Mapped[UUID] = mapped_column(ForeignKey("units.id"))
    """谁提供、谁负责 (第十八条)."""
    version: Mapped[int] = mapped_column(default=1)
    """Counts the changes; what a page shows, it sends back."""
    in_force: Mapped[int | None]
    """The number of the version that answers; None where none does."""
    newest: Mapped[int] = mapped_column(default=1)
    changed: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")
    """The counter when a version was last published or retired."""
    updated_at: Mapped[datetime] = mapped_column(default=now)


class KnowledgeVersion(Base):
    """One version; its text stays as it is from the moment it is submitted, and a change is the next version."""

    __tablename__ = "knowledge_versions"
    __table_args__ = (
        UniqueConstraint("item_id", "n"),
        CheckConstraint(PASSED, name="passed"),
        CheckConstraint(NEEDS_PUBLISHING, name="needs_publishing"),
        CheckConstraint(NEEDS_REVIEW, name="needs_review"),
        CheckConstraint(ANOTHER, name="another"),
        CheckConstraint(WHOLE, name="whole"),
        CheckConstraint("valid_to IS NULL OR valid_from IS NULL OR valid_to >= valid_from", name="validity"),
        Index("uq_knowledge_versions_in_force", "item_id", unique=True, postgresql_where=text("state = 'in-force'")),
        Index(
            "uq_knowledge_versions_on_the_way",
            "item_id",
            unique=True,
            postgresql_where=text("state IN ('draft', 'secrecy', 'leader', 'centre')"),
        ),
        Index("ix_knowledge_versions_state", "state", "review_on"),
    )

    id: Mapped[Id]
    item_id: Mapped[UUID] = mapped_column(ForeignKey("knowledge_items.id"))
    n: Mapped[int]
    state: Mapped[str] = mapped_column(String(12))
    """A `states.State` besides DUE."""
    question: Mapped[str] = mapped_column(String(100))
    other_ways: Mapped[list[Any]]
    answer: Mapped[str] = mapped_column(Text)
    basis: Mapped[str] = mapped_column(String(500))
    kind: Mapped[str | None] = mapped_column(String(20))
    """A `Class`; a draft may lack it."""
    area: Mapped[str | None] = mapped_column(String(40))
    """A township's or street's code; None: the whole county."""
    valid_from: Mapped[date | None]
    valid_to: Mapped[date | None]
    """Days of Asia/Shanghai, both included."""
    keywords: Mapped[list[Any]]
    example: Mapped[bool] = mapped_column(default=False, server_default="false")
    """Brought for a demonstration; no unit stands for it."""
    written_by: Mapped[UUID | None]
    written_name: Mapped[str] = mapped_column(String(40))
    written_at: Mapped[datetime]
    submitted_at: Mapped[datetime | None]
    secrecy_by: Mapped[UUID | None]
    secrecy_name: Mapped[str] = mapped_column(String(40), default="")
    secrecy_at: Mapped[datetime | None]
    led_by: Mapped[UUID | None]
    led_name: Mapped[str] = mapped_column(String(40), default="")
    led_at: Mapped[datetime | None]
    published_by: Mapped[UUID | None]
    published_name: Mapped[str] = mapped_column(String(40), default="")
    published_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    """When it ceased to be in force."""
    review_on: Mapped[date | None]
    """From this day on it is due for its review."""


class KnowledgeStep(Base):
    """One act on a version: who, when, why. Never changed."""

    __tablename__ = "knowledge_steps"
    __table_args__ = (Index("ix_knowledge_steps_item", "item_id", "at"),)

    id: Mapped[Id]
    item_id: Mapped[UUID] = mapped_column(ForeignKey("knowledge_items.id"))
    n: Mapped[int]
    act: Mapped[str] = mapped_column(String(20))
    by_id: Mapped[UUID | None]
    by_name: Mapped[str] = mapped_column(String(40))
    at: Mapped[datetime] = mapped_column(default=now)
    reason: Mapped[str] = mapped_column(String(500), default="")


class KnowledgeFile(Base):
    """附件 of a version."""

    __tablename__ = "knowledge_files"
    __table_args__ = (Index("ix_knowledge_files_version", "version_id"),)

    id: Mapped[Id]
    version_id: Mapped[UUID] = mapped_column(ForeignKey("knowledge_versions.id"))
    name: Mapped[str] = mapped_column(String(100))
    media_type: Mapped[str] = mapped_column(String(100))
    size: Mapped[int]
    digest: Mapped[str] = mapped_column(String(64))
    store_key: Mapped[str] = mapped_column(String(200))
    added_at: Mapped[datetime] = mapped_column(default=now)
    added_by: Mapped[UUID | None]


class KnowledgeUse(Base):
    """Which version answered which order and call (F18-2, 第二十八条(六)). Never changed: another answer is a row."""

    __tablename__ = "knowledge_uses"
    __table_args__ = (
        Index("ix_knowledge_uses_item", "item_id", "n", "at"),
        Index("ix_knowledge_uses_ticket", "ticket_id"),
    )

    id: Mapped[Id]
    item_id: Mapped[UUID] = mapped_column(ForeignKey("knowledge_items.id"))
    n: Mapped[int]
    ticket_id: Mapped[UUID] = mapped_column(ForeignKey("tickets.id"))
    call_id: Mapped[UUID | None]
    at: Mapped[datetime] = mapped_column(default=now)
    by_id: Mapped[UUID | None]
    by_name: Mapped[str] = mapped_column(String(40))


class KnowledgeCorrection(Base):
    """纠错: what somebody says is wrong with a version, and what the unit that provides it answers (F18-3)."""

    __tablename__ = "knowledge_corrections"
    __table_args__ = (
        Index("ix_knowledge_corrections_item", "item_id", "at"),
        Index("ix_knowledge_corrections_at", "at", "id"),
        Index(
            "uq_knowledge_corrections_open", "item_id", "by_id", unique=True,
            postgresql_where=text("answered_at IS NULL"),
        ),
        CheckConstraint("verdict IN ('', 'right', 'wrong')", name="verdict"),
        CheckConstraint("(answered_at IS NULL) = (verdict = '')", name="answered"),
    )  # fmt: skip

    id: Mapped[Id]
    item_id: Mapped[UUID] = mapped_column(ForeignKey("knowledge_items.id"))
    n: Mapped[int]
    said: Mapped[str] = mapped_column(String(500))
    at: Mapped[datetime] = mapped_column(default=now)
    by_id: Mapped[UUID | None]
    by_name: Mapped[str] = mapped_column(String(40))
    due_at: Mapped[datetime]
    """The first instant that is too late for the unit's answer."""
    verdict: Mapped[str] = mapped_column(String(8), default="")
    """A `corrections.Verdict`; empty while nobody has answered."""
    answer: Mapped[str] = mapped_column(String(500), default="")
    answered_at: Mapped[datetime | None]
    answered_by: Mapped[UUID | None]
    answered_name: Mapped[str] = mapped_column(String(40), default="")


class KnowledgeCounter(Base):
    """How often any version was published or retired: what every index compares itself with."""

    __tablename__ = "knowledge_counter"
    __table_args__ = (CheckConstraint("id = 1", name="one"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    n: Mapped[int] = mapped_column(BigInteger)
    epoch: Mapped[UUID] = mapped_column(default=uuid4)
    """Of this database's own: a counter of another one that has as much counted is another."""
