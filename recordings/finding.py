"""What is found by its words, its order or its call is read again by the search when one of them changes.

A mark on the catalogue's row, set in the transaction of the change: nothing that a recording is found by can be
forgotten, and a new recording has the mark from its first moment.
"""

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import Update, update
from sqlalchemy.ext.asyncio import AsyncSession

from core.db import among
from recordings.models import Recording


def found_anew_of(call_ids: Collection[UUID]) -> Update:
    """Marks the recordings of these calls. Those marked already too: who reads one at this moment holds its row, and
    has not read what is being changed."""
    return (
        update(Recording)
        .where(among(Recording.call_id, call_ids))
        .values(indexed_at=None)
        .execution_options(synchronize_session=False)
    )


async def found_anew(session: AsyncSession, call_ids: Collection[UUID]) -> None:
    """The search reads the recordings of these calls again."""
    await session.execute(found_anew_of(call_ids))
