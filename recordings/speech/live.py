"""Live words: reads who talks, admits as many voices as the cores carry, taps them, settles calls that ended."""

import asyncio
import re
from collections import Counter
from collections.abc import Awaitable, Callable
from uuid import UUID

from callflow.models import Call
from callflow.queries import connected_calls
from core.db import Database
from core.errors import HotlineError, Unavailable
from core.log import get
from recordings.models import Side, TranscriptState
from recordings.speech.audiosocket import AudioSocketServer
from recordings.speech.decoder import Decoder
from recordings.speech.model import NO_MODEL
from recordings.speech.progress import mark, settle_after_live
from recordings.speech.rules import Voice, admit, capacity
from recordings.speech.tap import Tap
from recordings.speech.words import WordWriter

log = get(__name__)
OPEN_S = 5.0
"""A tap that was asked for opens within this time, or not at all."""
ATTEMPTS = 3
FULL = "实时转写名额已满，通话结束后由录音转写。"
LATE = "实时转写落后过多，其余部分由录音转写。"
_CHANNEL = re.compile(r"[A-Za-z0-9_.:@/;+-]{1,256}")


class Live:
    """`step()` brings taps in line with the calls that are connected now; it is safe to call at any time."""

    def __init__(
        self,
        db: Database,
        server: AudioSocketServer,
        decoder: Decoder | None,
        writer: WordWriter,
        originate: Callable[[str, UUID], Awaitable[None]],
        *,
        max_lag_s: float,
        changed: Callable[[], None] = lambda: None,
    ) -> None:
        self._db = db
        self._server = server
        self._decoder = decoder
        self._writer = writer
        self._originate = originate
        self._max_lag_s = max_lag_s
        self._changed = changed
        """Called when the last words of a call that has ended are there: it can be settled."""
        self._taps: dict[Voice, Tap] = {}
        self._failures: Counter[Voice] = Counter()
        self._left: set[Voice] = set()
        """Voices left to the recording until their call ends."""
        self._calls: set[UUID] = set()
        self._ending: set[UUID] = set()
        self._shown: dict[UUID, tuple[TranscriptState, str]] = {}

    @property
    def room(self) -> int:
        """How many voices this process carries at the measured speed."""
        return capacity(self._decoder.threads, self._decoder.realtime_factor) if self._decoder else 0

    @property
    def streams(self) -> int:
        """How many voices are decoded now."""
        return sum(not tap.done for tap in self._taps.values())

    @property
    def lag_s(self) -> float:
        """The longest lag of any voice."""
        return max((tap.lag_s for tap in self._taps.values()), default=0.0)

    def busy(self, call_id: UUID) -> bool:
        """Whether words of this call may still come."""
        return call_id in self._calls

    async def step(self) -> None:
        """Compare with the calls that are connected now, and act on the difference."""
        async with self._db.session() as session:
            calls = await connected_calls(session)
        wanted = [
            Voice(call.call_id, side, channel, call.connected_at)
            for call in calls
            for side, channel in ((Side.CITIZEN, call.citizen_channel), (Side.OTHER, call.agent_channel))
            if _CHANNEL.fullmatch(channel)
        ]
        self._drop_late()
        if self._decoder:
            await self._tap(wanted)
        now = {call.call_id for call in calls}
        self._calls |= now
        await self._show(now)
        self._ending = self._calls - now
        await asyncio.gather(*(self._settle(call_id) for call_id in self._ending))

    async def stop(self) -> None:
        """End all taps; their last words are written."""
        for tap in self._taps.values():
            tap.closed()
        await asyncio.gather(*(tap.wait() for tap in self._taps.values()))

    async def _tap(self, wanted: list[Voice]) -> None:
        for voice, tap in list(self._taps.items()):
            if tap.done or (not tap.connected and asyncio.get_running_loop().time() - tap.asked_at > OPEN_S):
                self._ended(voice, tap)
        candidates = [voice for voice in wanted if voice not in self._left]
        chosen = admit(candidates, set(self._taps), self.room)
        for voice, tap in list(self._taps.items()):
            if voice in candidates and voice not in chosen:
                log.info("speech.yielded", call=str(voice.call_id), side=voice.side)
                self._left.add(voice)
                tap.give_up()
        for voice in chosen:
            if voice not in self._taps:
                await self._open(voice)

    async def _open(self, voice: Voice) -> None:
        assert self._decoder is not None
        tap = Tap(voice, self._decoder, self._writer, over=lambda: self._over(voice))
        self._server.expect(tap.id, tap)
        self._taps[voice] = tap
        try:
            await self._originate(voice.channel, tap.id)
        except HotlineError as error:
            log.warning("speech.tap-failed", call=str(voice.call_id), error=error.id)
            self._ended(voice, tap)

    def _over(self, voice: Voice) -> None:
        if voice.call_id in self._ending:
            self._changed()

    def _ended(self, voice: Voice, tap: Tap) -> None:
        self._server.forget(tap.id)
        del self._taps[voice]
        late = tap.late
        if not tap.done:
            tap.give_up()
        self._failures[voice] += 1
        if late or self._failures[voice] >= ATTEMPTS:
            self._left.add(voice)

    def _drop_late(self) -> None:
        for voice, tap in self._taps.items():
            if tap.lag_s > self._max_lag_s and not tap.late:
                log.warning("speech.late", call=str(voice.call_id), side=voice.side, lag_s=round(tap.lag_s, 1))
                tap.give_up()

    async def _show(self, calls: set[UUID]) -> None:
        """Write the state of each call's words where it changed, and its lag while there is any."""
        changes = []
        for call_id in calls:
            taps = [tap for voice, tap in self._taps.items() if voice.call_id == call_id and not tap.late]
            lag = max((tap.lag_s for tap in taps), default=0.0)
            if self._decoder is None:
                state, reason = TranscriptState.NO_MODEL, NO_MODEL
            elif any(tap.voice.side is Side.CITIZEN for tap in taps):
                state, reason = TranscriptState.LIVE, ""
            else:
                late = any(voice.call_id == call_id for voice in self._left)
                state, reason = TranscriptState.PENDING, LATE if late else FULL
            if self._shown.get(call_id) != (state, reason) or lag > 1.0:
                self._shown[call_id] = state, reason
                changes.append((call_id, state, reason, lag))
        if changes:
            async with self._db.session() as session:
                for call_id, state, reason, lag in changes:
                    await mark(session, call_id, state, reason, lag)

    async def _settle(self, call_id: UUID) -> None:
        """The last words of a call that ended, then what is still missing of it."""
        taps = [tap for voice, tap in self._taps.items() if voice.call_id == call_id]
        if any(not tap.done and tap.connected for tap in taps):
            return
        try:
            await self._writer.flush()
            async with self._db.session() as session:
                call = await session.get(Call, call_id)
                if call is None or call.ended_at is None:
                    return
                if self._decoder is not None:
                    await settle_after_live(session, call)
        except Unavailable:
            return
        self._calls.discard(call_id)
        self._shown.pop(call_id, None)
        for voice in [voice for voice in {*self._taps, *self._left, *self._failures} if voice.call_id == call_id]:
            if tap := self._taps.pop(voice, None):
                self._server.forget(tap.id)
                if not tap.done:
                    tap.give_up()
            self._left.discard(voice)
            self._failures.pop(voice, None)
