"""Tables of numbers and of those who may be called when nobody sits at a desk."""

from datetime import date, time
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, Integer, String
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base, Id
from core.personal import Personal


class Merger(StrEnum):
    """归并方式 (第十六条)."""

    WHOLE = "whole"
    DUAL = "dual"
    SUB_CENTRE = "sub-centre"

    @property
    def label(self) -> str:
        """As the regulation says it."""
        return _MERGERS[self]


_MERGERS = {Merger.WHOLE: "整体并入", Merger.DUAL: "双号并行", Merger.SUB_CENTRE: "设分中心"}


class Number(Base):
    """A number that citizens dial: 12345, or that of a hotline merged into it (归并热线)."""

    __tablename__ = "line_numbers"
    __table_args__ = (CheckConstraint(r"number ~ '^[0-9]{3,15}$'", name="number_is_digits"),)

    number: Mapped[str] = mapped_column(String(15), primary_key=True)
    title: Mapped[str] = mapped_column(String(80))
    original_hotline: Mapped[str | None] = mapped_column(String(80))
    """Name of the hotline that this number was before the merger; None for 12345 itself."""
    mode: Mapped[str | None] = mapped_column(String(12))
    """How that hotline was merged (第十六条): a `Merger`; None for 12345 itself."""
    owner_unit_id: Mapped[UUID | None] = mapped_column(ForeignKey("units.id"))
    """The unit whose hotline it was."""
    cut_over_on: Mapped[date | None]
    """From this day on its calls come here."""
    document: Mapped[str] = mapped_column(String(120), default="", server_default="")
    """文号 of the decision, or of the notice that the number changes or ends."""
    queue: Mapped[str] = mapped_column(ForeignKey("line_queues.name"))
    active: Mapped[bool] = mapped_column(default=True)
    version: Mapped[int] = mapped_column(default=1, server_default="1")
    """Counts the changes; what a page shows, it sends back."""


class DutyMobile(Base):
    """值班手机: called when no queue has anybody, one after the other, within its hours (Asia/Shanghai)."""

    __tablename__ = "line_duty_mobiles"
    __table_args__ = (Index("ix_line_duty_mobiles_position", "position"),)

    id: Mapped[Id]
    name: Mapped[str] = mapped_column(String(40))
    phone: Mapped[str] = mapped_column(Personal)
    position: Mapped[int]
    """Order of calling, from 1."""
    from_time: Mapped[time]
    """First minute of duty."""
    to_time: Mapped[time]
    """Where it is not after `from_time`, the duty ends on the next day; equal: all day."""
    weekdays: Mapped[list[int]] = mapped_column(ARRAY(Integer), default=lambda: list(range(1, 8)))
    """Days on which the duty begins, 1 Monday … 7 Sunday."""
    active: Mapped[bool] = mapped_column(default=True)
    version: Mapped[int] = mapped_column(default=1, server_default="1")
    """Counts the changes; what a page shows, it sends back."""
