"""Real speech and real calls for the tests of recordings: espeak-ng says it, the database knows of it."""

import audioop
import io
import subprocess
import wave
from datetime import datetime, timedelta
from uuid import UUID

from callflow.models import Call
from core import clock
from core.db import Database, new_id

RATE = 8000
COMPLAINT = "nin2 hao3, wo3 yao4 tou2 su4 xiao3 qu1 men2 kou3 zhan4 dao4 jing1 ying2"
COMPLAINT_WORDS = "投诉小区门口占道经营"
ANSWER = "qing3 bang1 mang2 chu2 li3, xie4 xie5 zai4 jian4"
ANSWER_WORDS = "谢谢再见"


def speech(pinyin: str, before_s: float = 0.5, after_s: float = 1.5) -> bytes:
    """Samples at 8 kHz, 16 bits, with silence around, through A-law as a trunk would carry it."""
    made = subprocess.run(
        ["espeak-ng", "-v", "cmn-latn-pinyin", "-s", "160", "--stdout", pinyin], capture_output=True, check=True
    )
    with wave.open(io.BytesIO(made.stdout)) as file:
        frames, rate = file.readframes(file.getnframes()), file.getframerate()
    narrow, _ = audioop.ratecv(frames, 2, 1, rate, RATE, None)
    whole = bytes(int(before_s * RATE) * 2) + audioop.mul(narrow, 2, 0.5) + bytes(int(after_s * RATE) * 2)
    return audioop.alaw2lin(audioop.lin2alaw(whole, 2), 2)


async def call(
    db: Database,
    linkedid: str = "1700000000.1",
    *,
    node: str = "node1",
    connected_at: datetime | None = None,
    seconds: float | None = None,
) -> UUID:
    """A call that was connected; it ended `seconds` later, or lasts."""
    at = connected_at or clock.now()
    row = Call(
        id=new_id(),
        node=node,
        linkedid=linkedid,
        arrived_at=at,
        connected_at=at,
        ended_at=at + timedelta(seconds=seconds) if seconds is not None else None,
        citizen_channel=f"PJSIP/trunk-{linkedid}",
        agent_channel=f"PJSIP/1001-{linkedid}",
    )
    async with db.session() as session:
        session.add(row)
    return row.id
