"""The line's own citizen 线路自检: calls, listens, presses a key, speaks, and tells what is not as it should be.

It is a telephone with an endpoint of its own, which goes the way of every citizen up to the menu (`[hotline-probe]`):
no queue, no agent and no record is touched.
"""

import asyncio
import audioop
import tempfile
import time
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from pathlib import Path

from callflow import current
from callflow.incidents.service import LINE_PROBE, note_trouble
from callflow.menu import Does, Menu
from callflow.settings import LineSettings
from callflow.sources.channels import PROBE
from callflow.speak import RATE, speak
from core.clock import now
from core.db import Database
from core.errors import Unavailable
from core.service import Loop
from hotline.softphone import On, Softphone

NUMBER = "12345"
ANSWER_S, GREETING_S, KEY_S, VOICE_S = 10.0, 8.0, 20.0, 10.0
"""So long each step may take; without a key for it, the menu is left when the greeting is over."""
LOUD = 200
"""Root mean square of half a second in which something is said, of 32767."""
LOOK_S = 0.1
EVERY_S = 60.0
"""Between two looks whether a call is due; while the line is not well, between two calls."""
HEADER = 44


async def probe(settings: LineSettings, secret: str, menu: Menu) -> None:
    """One call. Raises Unavailable("line-probe") with what was not as it should be."""
    with tempfile.TemporaryDirectory(prefix="hotline-probe-") as folder:
        clip = await asyncio.to_thread(speak, "线路自检，请忽略", Path(folder))
        server = f"{settings.bind}:{settings.sip_port}"
        async with Softphone(Path(folder) / "phone", server=server, user=PROBE, password=secret) as phone:
            await phone.dial(NUMBER)
            try:
                await phone.wait_for(On.ESTABLISHED, ANSWER_S)
            except TimeoutError:
                raise _wrong("没有应答") from None
            await _until(lambda: _loud(phone, 0), GREETING_S, "没有听到欢迎语")
            status = menu.keys_for(Does.STATUS)[:1]
            await phone.send_digits(status or menu.keys_for(Does.AGENT)[:1])
            await _until(lambda: phone.keys() == ("2" if status else "1"), KEY_S, "按键没有反应")
            said_from = _size(phone)
            await phone.say(clip)
            await _until(lambda: _loud(phone, said_from), VOICE_S, "说话没有回声，声音不通")
            await phone.hang_up()


async def _until(condition: Callable[[], bool], within_s: float, wrong: str) -> None:
    end = time.monotonic() + within_s
    while not await asyncio.to_thread(condition):
        if time.monotonic() > end:
            raise _wrong(wrong)
        await asyncio.sleep(LOOK_S)


def _wrong(what: str) -> Unavailable:
    return Unavailable("line-probe", f"线路自检未通过：拨打{NUMBER}，{what}。")


def _size(phone: Softphone) -> int:
    files = phone.heard()
    return files[-1].stat().st_size if files else 0


def _loud(phone: Softphone, since: int) -> bool:
    """Whether half a second of what came in after `since` bytes is loud."""
    files = phone.heard()
    if not files:
        return False
    sound = files[-1].read_bytes()[max(since, HEADER) // 2 * 2 :]
    return any(audioop.rms(sound[at : at + RATE], 2) > LOUD for at in range(0, len(sound) - RATE + 1, RATE // 2))


class LineProbe:
    """Calls as often as the bureau decides; an incident stands while the line is not well."""

    def __init__(
        self,
        db: Database,
        settings: LineSettings,
        secret: Callable[[], str],
        call: Callable[[LineSettings, str, Menu], Awaitable[None]] = probe,
    ) -> None:
        self._db = db
        self._settings = settings
        self._secret = secret
        self._call = call
        self._called_at: datetime | None = None
        self._well = False
        self.loop = Loop("线路自检", EVERY_S, self.step)

    async def step(self) -> None:
        """Call if a call is due. Raises Unavailable with what is wrong: it stands in 系统状态 as well."""
        every = timedelta(minutes=current.line_policy().probe_every_min)
        if not every:
            if not self._well:
                await self._note(None)
            return
        if self._well and self._called_at and now() - self._called_at < every:
            return
        self._called_at = now()
        try:
            await self._call(self._settings, self._secret(), current.menu())
        except Unavailable as error:
            await self._note(error.message)
            raise
        await self._note(None)

    async def _note(self, wrong: str | None) -> None:
        self._well = wrong is None
        async with self._db.session() as session:
            incident = await note_trouble(session, LINE_PROBE, now(), present=wrong is not None)
            if incident and incident.note is None:
                incident.note = wrong
