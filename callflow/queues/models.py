"""Table of queues."""

from sqlalchemy import CheckConstraint, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base


class Queue(Base):
    """One agent pool's queue. `name` is app_queue's and stands in files: lower-case letters, digits, - and _."""

    __tablename__ = "line_queues"
    __table_args__ = (
        CheckConstraint(r"name ~ '^[a-z][a-z0-9_-]{0,39}$'", name="name_is_plain"),
        CheckConstraint("max_waiting >= 0", name="max_waiting_counts"),
        CheckConstraint("overflow IS DISTINCT FROM name", name="overflows_elsewhere"),
    )

    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    title: Mapped[str] = mapped_column(String(40))
    """As staff call it: 一线坐席, 二线专家."""
    strategy: Mapped[str] = mapped_column(String(20), default="rrmemory")
    max_waiting: Mapped[int] = mapped_column(default=0)
    """Longest queue; whoever comes on top goes to the second line, else to the message box. 0: no limit."""
    overflow: Mapped[str | None] = mapped_column(ForeignKey("line_queues.name"))
    """The queue that takes callers when this one has nobody or they waited too long."""
    active: Mapped[bool] = mapped_column(default=True)
    version: Mapped[int] = mapped_column(default=1, server_default="1")
    """Counts the changes; what a page shows, it sends back."""
