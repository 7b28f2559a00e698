"""The waveform of a recording: made once, when somebody first looks, and kept as a small row."""

import asyncio
from collections.abc import Sequence
from tempfile import TemporaryFile
from typing import BinaryIO, cast
from uuid import UUID

import numpy as np
from soundfile import LibsndfileError
from sqlalchemy.dialects.postgresql import insert

from core.actor import Actor
from core.db import Database
from recordings.archive.playback import playable
from recordings.archive.sound import peaks_of
from recordings.desk.access import require_listening
from recordings.desk.models import Waveform
from recordings.store.port import Damaged, Store

POINTS_PER_S = 10
MOST_POINTS = 36_000
"""An hour in tenths of a second; what is longer is drawn more coarsely. 72 KB for two voices."""


async def waveform(db: Database, store: Store, actor: Actor, recording_id: UUID) -> Waveform:
    """The waveform of a recording that this person may listen to.

    No session is held while the sound is decoded, which takes two seconds for an hour. Raises `Denied`, `NotFound`,
    `Damaged`, `Unavailable`.
    """
    async with db.session() as session:
        await require_listening(session, actor, recording_id)
        row = await playable(session, recording_id)
        kept = await session.get(Waveform, recording_id)
    if kept is not None and kept.digest == row.digest:
        return kept
    with TemporaryFile() as file:
        sound = cast(BinaryIO, file)
        async for block in store.read(row.store_key):
            await asyncio.to_thread(sound.write, block)
        sound.seek(0)
        try:
            channels = await asyncio.to_thread(peaks_of, sound, points_for(row.seconds))
        except LibsndfileError as error:
            raise Damaged(row.store_key, "不是完整的录音文件，无法解码") from error
    made = Waveform(recording_id=recording_id, digest=row.digest, channels=len(channels), points=packed(channels))
    values = {"digest": made.digest, "channels": made.channels, "points": made.points}
    async with db.session() as session:
        new = insert(Waveform).values(recording_id=recording_id, **values)
        await session.execute(new.on_conflict_do_update(index_elements=[Waveform.recording_id], set_=values))
    return made


def points_for(seconds: float) -> int:
    """How many points the waveform of so long a sound has."""
    return max(1, min(MOST_POINTS, round(seconds * POINTS_PER_S)))


def packed(channels: Sequence[Sequence[int]]) -> bytes:
    """Loudest samples as bytes, the loudest of all being 255."""
    loud = np.array(channels, np.int64)
    top = max(1, int(loud.max(initial=0)))
    return (loud * 255 // top).astype(np.uint8).tobytes()
