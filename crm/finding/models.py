"""The index by which recordings are found."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index
from sqlalchemy.dialects.postgresql import TSVECTOR
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base


class RecordingWords(Base):
    """What one recording is found by: the words said in it, the title and matter of its order, and the facts by which a
    search narrows (`crm.finding.facts`). No name and no number of a caller but what somebody said aloud."""

    __tablename__ = "recording_words"

    recording_id: Mapped[UUID] = mapped_column(ForeignKey("recordings.id", ondelete="CASCADE"), primary_key=True)
    started_at: Mapped[datetime]
    """The recording's, which never changes."""
    words: Mapped[Any] = mapped_column(TSVECTOR)

    __table_args__ = (
        Index("ix_recording_words", "words", postgresql_using="gin", postgresql_with={"gin_pending_list_limit": 256}),
    )
