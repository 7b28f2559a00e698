"""Minutes in which sound could not be kept, or was found to be other than it was, become incidents on record, from
what the health board says."""

from callflow.incidents.service import ARCHIVE_AWAY, ARCHIVE_WRONG, SPOOL_FULL, note_trouble
from core import board
from core.clock import now
from core.db import Database
from core.service import Loop
from recordings.archive import service, space
from recordings.proof.service import CHECKING

EVERY_S = 10.0
KINDS = {space.PART: SPOOL_FULL, service.PART: ARCHIVE_AWAY, CHECKING: ARCHIVE_WRONG}
"""Part of the health board -> kind of its incidents."""


async def observe(db: Database) -> None:
    """Count this minute for each part that any process says is not well; parts nobody speaks of stay as they are."""
    async with db.session() as session:
        for part, kind in KINDS.items():
            present = await board.troubled(session, part)
            if present is not None:
                await note_trouble(session, kind, now(), present=present)


def clock(db: Database) -> Loop:
    """The worker's service that watches."""

    async def step() -> None:
        await observe(db)

    return Loop("录音事件", EVERY_S, step)
