"""Fans the database's hints out to browsers as server-sent events; each browser has a bounded mailbox."""

import asyncio
import contextlib
import secrets
from collections import deque
from collections.abc import Collection
from uuid import UUID

from aiohttp import web

from core import live
from core.db import Database
from core.errors import HotlineError
from core.health import Health
from core.identity.service import SESSIONS, living
from core.log import get
from core.permissions import Permission
from core.service import Loop
from web.doors import stays

log = get(__name__)

HEARTBEAT_S = 15.0
LOOK_S = 15.0
"""Between two looks whether the sign-ins behind the streams live, where nobody says that one ended."""
REMEMBERED = 500
"""Hints kept for browsers that come back; with more missed they fetch everything again."""
MAILBOX = 256

TOPICS: dict[str, tuple[Permission, ...]] = {
    live.DESK: (Permission.LINE_AGENT,),
    "calls": (Permission.LINE_VIEW, Permission.CALL_VIEW, Permission.WALLBOARD_VIEW),
    "call": (Permission.CALL_VIEW,),
    "words": (Permission.CALL_VIEW,),
    "queue": (Permission.LINE_VIEW, Permission.WALLBOARD_VIEW),
    "agents": (Permission.LINE_VIEW, Permission.LINE_AGENT, Permission.WALLBOARD_VIEW),
    "notes": (Permission.LINE_AGENT, Permission.LINE_LEAD),
    "help": (Permission.LINE_AGENT, Permission.LINE_LEAD),
    "roster": (Permission.LINE_AGENT, Permission.ROSTER_EDIT),
    "callbacks": (Permission.CALLBACK_HANDLE,),
    "orders": (Permission.ORDER_VIEW, Permission.ORDER_VIEW_UNIT),
    "order": (Permission.ORDER_VIEW, Permission.ORDER_VIEW_UNIT),
    "notices": (Permission.ORDER_VIEW, Permission.ORDER_VIEW_UNIT),
    "sms": (Permission.SMS_VIEW,),
    "handovers": (Permission.LINE_LEAD, Permission.ORDER_VERIFY, Permission.ORDER_OVERSEE),
    "scoring": (Permission.QUALITY_SCORE, Permission.QUALITY_DECIDE, Permission.LINE_AGENT),
    "nuisance": (Permission.CALL_VIEW, Permission.LINE_LEAD),
    "emergencies": (Permission.ORDER_VIEW,),
    "duty-contacts": (Permission.ORDER_VIEW, Permission.CONTACT_EDIT),
    "linkages": (Permission.ORDER_VIEW,),
    "data-requests": (Permission.DATA_REGISTER, Permission.DATA_DECIDE),
    "escalations": (Permission.ORDER_EDIT, Permission.SCOPE_DECIDE),
    "referrals": (Permission.LINE_AGENT, Permission.ORDER_EDIT, Permission.REFERRAL_EDIT),
    "knowledge": (Permission.KNOWLEDGE_VIEW,),
    "incidents": (Permission.INCIDENT_VIEW,),
    "recordings": (Permission.RECORDING_VIEW,),
    "retention": (Permission.RETENTION_VIEW,),
    "listening": (Permission.RECORDING_ASK, Permission.RECORDING_DECIDE, Permission.RECORDING_TAKE),
    "redactions": (Permission.RECORDING_TAKE,),
    "dossier": (Permission.ORDER_VIEW,),
    "health": (Permission.SYSTEM_VIEW,),
}
"""Who may know that something of this kind changed; topics that are not listed stay inside."""


class Busy(HotlineError):
    """More browsers listen than this process serves."""

    status = 503


class Mailbox:
    """What one browser has yet to hear. Equal hints merge; past `MAILBOX` all become one gap.

    `sign_in`: the session behind it, which the hub looks after; None: whoever reads looks after it.
    """

    def __init__(self, topics: frozenset[str], user: str = "", sign_in: UUID | None = None) -> None:
        self.topics = topics
        self.user = user
        self.sign_in = sign_in
        self.ended = False
        """Whether the sign-in has ended."""
        self.doubted = False
        """Whether sessions of this person ended since somebody last looked; then nothing is handed out."""
        self._waiting: dict[tuple[str, str], int] = {}
        self._gap = 0
        self._woken = asyncio.Event()

    def put(self, number: int, topic: str, id: str) -> None:
        """One hint, if this browser may hear it."""
        if topic not in self.topics or (topic == live.DESK and id != self.user):
            return
        self._waiting.pop((topic, id), None)
        self._waiting[topic, id] = number
        if len(self._waiting) > MAILBOX:
            self.gap(number)
        self._woken.set()

    def doubt(self) -> None:
        """Sessions of this person ended: somebody must see whether this one did."""
        self.doubted = True
        self._woken.set()

    def trust(self) -> None:
        """It did not."""
        self.doubted = False
        self._woken.set()

    def end(self) -> None:
        """It did."""
        self.ended = True
        self._woken.set()

    def gap(self, number: int) -> None:
        """Hints were lost up to `number`."""
        self._waiting.clear()
        self._gap = number
        self._woken.set()

    async def take(self, timeout_s: float) -> tuple[int, list[tuple[int, str, str]]]:
        """(number of a gap or 0, hints in order); empty after `timeout_s` of silence."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self._woken.wait()
        self._woken.clear()
        if self.doubted:
            return 0, []
        gap, self._gap = self._gap, 0
        hints = [(number, topic, id) for (topic, id), number in self._waiting.items()]
        self._waiting.clear()
        return gap, hints


class Hub:
    """One listener to the database, many mailboxes. A service of the web role."""

    name = "页面实时更新"

    def __init__(self, db: Database, clients: int) -> None:
        self._db = db
        self._clients = clients
        self._looks = Loop("live-sign-ins", LOOK_S, self._look)
        self._told = 0
        """How often it was said that somebody's sessions ended."""
        self._boot = secrets.token_hex(4)
        self._number = 0
        self._remembered: deque[tuple[int, str, str]] = deque(maxlen=REMEMBERED)
        self._boxes: set[Mailbox] = set()
        self._task: asyncio.Task[None] | None = None
        self.closing = asyncio.Event()

    @property
    def last(self) -> str:
        """Id of the last hint that this process knows of."""
        return f"{self._boot}-{self._number}"

    @property
    def listening(self) -> int:
        """How many browsers listen."""
        return sum(box.sign_in is not None for box in self._boxes)

    def id(self, number: int) -> str:
        """The event id of hint `number`."""
        return f"{self._boot}-{number}"

    async def start(self) -> None:
        """Listen to the database until `stop`."""
        self._task = asyncio.create_task(self._listen(), name="live-hub")
        await self._looks.start()

    async def stop(self) -> None:
        """End all streams, then the listener."""
        self.closing.set()
        for box in self._boxes:
            box.gap(self._number)
        await self._looks.stop()
        if self._task:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def health(self) -> Health:
        """Well while the listener lives and the sign-ins are looked after."""
        if self._task is None or self._task.done():
            return Health(self.name, False, "未在监听数据库通知")
        looks = await self._looks.health()
        return Health(self.name, looks.ok, f"{self.listening} 个浏览器在线" if looks.ok else looks.detail)

    def open(self, topics: frozenset[str], after: str, user: str, sign_in: UUID | None = None) -> Mailbox:
        """A mailbox that already holds what was missed since `after`. Raises `Busy`; not for who has no `sign_in`."""
        if sign_in and self.listening >= self._clients:
            raise Busy("too-many-listeners", "同时在线的浏览器过多，实时更新暂时不可用。")
        box = Mailbox(topics, user, sign_in)
        boot, _, number = after.partition("-")
        if after and (boot != self._boot or not number.isdigit()):
            box.gap(self._number)
        elif after:
            oldest = self._remembered[0][0] if self._remembered else self._number + 1
            if int(number) + 1 < oldest and int(number) < self._number:
                box.gap(self._number)
            else:
                for hint in self._remembered:
                    if hint[0] > int(number):
                        box.put(*hint)
        self._boxes.add(box)
        return box

    def close(self, box: Mailbox) -> None:
        """This browser has gone."""
        self._boxes.discard(box)

    def tell(self, topic: str, id: str) -> None:
        """One hint for everybody who may hear it."""
        self._number += 1
        self._remembered.append((self._number, topic, id))
        for box in self._boxes:
            box.put(self._number, topic, id)

    def lose(self) -> None:
        """Hints may have been lost: everybody fetches again."""
        self._number += 1
        self._remembered.clear()
        for box in self._boxes:
            box.gap(self._number)
        self._doubt(self._boxes)

    def _doubt(self, boxes: Collection[Mailbox]) -> None:
        self._told += 1
        for box in boxes:
            box.doubt()
        self._looks.wake()

    async def _look(self) -> None:
        """Whose sign-in has ended: one statement for all who listen, however many they are."""
        told, boxes = self._told, [box for box in self._boxes if box.sign_in]
        if not boxes:
            return
        async with self._db.session() as session:
            alive = await living(session, {box.sign_in for box in boxes if box.sign_in}, busy=stays)
        for box in boxes:
            if box.sign_in not in alive:
                box.end()
            elif box.doubted and told == self._told:  # what was said meanwhile has the next look
                box.trust()

    async def _listen(self) -> None:
        async for hint in live.listen(self._db.dsn, [*TOPICS, SESSIONS]):
            if hint.topic == live.RESYNC:
                self.lose()
            elif hint.topic == SESSIONS:
                self._doubt([box for box in self._boxes if box.user == hint.id])
            else:
                self.tell(hint.topic, hint.id)


HUB: web.AppKey[Hub] = web.AppKey("hub", Hub)
