"""One node's live reader: the growing journal of channel events into calls, manager events into agents' presence.

One reader per node in the whole cluster holds the advisory lock `ami-reader:<node>`. While PostgreSQL is away the
holder reads on, and facts wait in memory and in Asterisk's journals.
"""

import asyncio
import contextlib
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError

from callflow.agents import presence
from callflow.agents import service as agents
from callflow.agents.drive import Driver
from callflow.agents.rules import Place
from callflow.ami import AmiClient, Message, State
from callflow.facts import Fact, Kind
from callflow.intake import Intake
from callflow.limits import CallerLimits
from callflow.pace import Pace
from callflow.phones import passing
from callflow.places.keeper import PlaceKeeper
from callflow.places.rules import call_of
from callflow.reconcile import Reconciler
from callflow.settings import LineSettings
from callflow.sources import ami as source
from callflow.sources.channels import extension
from callflow.variables import CallEvent
from core.clock import now
from core.db import Database
from core.errors import Unavailable
from core.health import Health
from core.locks import still_held, try_hold
from core.log import get
from core.service import Loop

log = get(__name__)

ROUND_S = 15.0
"""Between two looks at which calls there are, and at the journals while Asterisk is not heard."""
READ_AT_REST, READ_AT_LEAST = timedelta(minutes=5), timedelta(hours=12)
"""The journals are read this long after the last time when no call is there, and when calls never cease."""
LOCK_CHECK_S, RETRY_S = 5.0, 1.0
LOOK_S, STILL_LOOK_S = 0.01, 0.05
"""Between two looks whether the journal of channel events has grown, and when nothing has come for a while."""
MUCH = 50
"""So much of late, of facts and of the manager's events (two or three calls a second), is served many at a time: what
came in `REST_S` is read together, what came in `PACE_S` is stored together. Less is on the desks at once."""
REST_S, PACE_S = 0.1, 0.4
DRIVE_S, DRIVE_REST_S = 5.0, 0.5
TALK_ENDED = "HotlineTalkEnded"
"""The manager's event of a talk that ended outside of the queue: the agent had been lost and was rung again, or had got
the citizen from another."""


class LineFeed:
    """Service: reads one node."""

    name = "line-feed"

    def __init__(
        self,
        db: Database,
        intake: Intake,
        settings: LineSettings,
        secret: Callable[[], str],
        log_folder: Path,
        limits: CallerLimits,
    ) -> None:
        self._db = db
        self._intake = intake
        self._node = settings.node
        self._limits = limits
        self._pace = Pace(MUCH)
        self.ami = AmiClient(
            settings.private,
            settings.ami_port,
            "line",
            secret,
            on_event=self.hear,
            on_login=self._opened,
            on_lost=self._lost,
            rest=lambda: self._pace.rest(LOOK_S, REST_S),
        )
        self.reconciler = Reconciler(db, intake, self._node, log_folder, self._note)
        self._journal = self.reconciler.live
        self.places = PlaceKeeper(db, self.ami, self._node, settings.waits.place)
        self._driver = Driver(db, self.ami, self._node)
        self._drive = Loop("agent-driver", DRIVE_S, self._driver.step, rest_s=DRIVE_REST_S)
        self._round = Loop("line-reconcile", ROUND_S, self._reconcile)
        self._members: dict[Place, source.Member | None] = {}
        self._ended_talks: dict[str, datetime] = {}
        self._unanswered: set[str] = set()
        self._came_back: set[str] = set()
        self._read_at: datetime | None = None
        self._behind = self._postponed = False
        """Whether the last reading of the journals, and the last attempt to store, failed."""
        self._heard = asyncio.Event()
        self._booted_at: datetime | None = None
        """Since when Asterisk runs, as this session says; None while it has not."""
        self._lost_at: datetime | None = None
        self._gap = True
        """Whether something may have happened since the last session that the journals know and we do not."""
        self._tasks: list[asyncio.Task[None]] = []
        self._reader: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin; reading starts once the lock is held."""
        self._tasks = [asyncio.create_task(self._hold(), name="line-lock"), asyncio.create_task(self._drain())]

    async def stop(self) -> None:
        """End; what was read and not yet stored is stored first."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        with contextlib.suppress(Unavailable):  # the journal still has them
            await self._journal.store()
            await self._journal.keep()
        await self._end_reading()

    async def health(self) -> Health:
        """Well while connected, or while another process reads this node."""
        if self._reader is None:
            return Health(self.name, True, "由另一进程负责读取。")
        if self.ami.state is State.REFUSED:
            return Health(self.name, False, "Asterisk 拒绝了管理口令。", "请运行 hotline reload 重新生成配置。")
        up = self.ami.state is State.UP
        return Health(self.name, up, "运行正常" if up else "与 Asterisk 的管理连接中断。", "请检查 Asterisk 是否运行。")

    def wake(self) -> None:
        """Agents' intents changed: drive now."""
        self._driver.look()
        self._drive.wake()

    # ------------------------------------------------------------------ the lock

    async def _hold(self) -> None:
        while True:
            try:
                async with try_hold(self._db, f"ami-reader:{self._node}") as held:
                    if held is None:
                        await self._end_reading()
                    else:
                        await self._begin_reading()
                        while True:
                            await asyncio.sleep(LOCK_CHECK_S)
                            await still_held(held)
            except (SQLAlchemyError, OSError, Unavailable) as error:
                log.warning("feed.lock-lost", error=type(error).__name__)
            await asyncio.sleep(RETRY_S)

    async def _begin_reading(self) -> None:
        if self._reader is None:
            self._reader = asyncio.create_task(self._read(), name="line-reader")
            await self._drive.start()
            await self._round.start()

    async def _end_reading(self) -> None:
        if self._reader:
            await self._drive.stop()
            await self._round.stop()
            self._reader.cancel()
            await asyncio.gather(self._reader, return_exceptions=True)
            self._reader = None
            await self.reconciler.forget()

    async def _read(self) -> None:
        async with asyncio.TaskGroup() as both:
            both.create_task(self.ami.run(), name="ami")
            both.create_task(self._follow(), name="channel-events")

    # ------------------------------------------------------------------ hearing

    async def _follow(self) -> None:
        """The journal of channel events as it grows: the live feed, and what an earlier reader left."""
        while True:
            await asyncio.sleep(STILL_LOOK_S if self._pace.still else LOOK_S)
            try:
                while self._journal.grown():
                    await self._journal.read()
                    self._store_if_waiting()
                    await asyncio.sleep(self._pace.rest(LOOK_S, REST_S))
                self._store_if_waiting()  # what a reading of all journals left behind when it failed
            except Unavailable as error:
                log.warning("feed.unreadable", error=error.id)
                await asyncio.sleep(RETRY_S)
            except Exception:
                log.exception("feed.unreadable")
                await asyncio.sleep(RETRY_S)

    def _store_if_waiting(self) -> None:
        if self._journal.waiting:
            self._heard.set()

    def _note(self, fact: Fact) -> None:
        self._pace.came()
        if fact.kind is Kind.ENDED:
            self._limits.ended(fact.linkedid)

    def hear(self, event: Message) -> None:
        """Take one event in; never waits."""
        received = now()
        match event.get("Event", ""):
            case "QueueMemberStatus" | "QueueMemberAdded" | "QueueMemberPause" | "QueueMemberPenalty":
                if member := source.member(event):
                    self._members[member.queue, member.extension] = member
                    if event["Event"] == "QueueMemberPause" and member.paused and member.reason == source.AUTO_PAUSE:
                        self._unanswered.add(member.extension)
            case "QueueMemberRemoved":
                if member := source.member(event):
                    self._members[member.queue, member.extension] = None
            case "AgentComplete":
                if number := extension(event.get("DestChannel", "")) or extension(event.get("Interface", "")):
                    self._ended_talks[number] = source.moment(event, received)
            case "UserEvent" if event.get("UserEvent") == TALK_ENDED:
                if number := extension(event.get("Interface", "")):
                    self._ended_talks[number] = source.moment(event, received)
            case "UserEvent" if event.get("UserEvent") == CallEvent.BACK:
                self._came_back.add(event.get("Call", ""))
            case "FullyBooted":
                uptime = event.get("Uptime", "0")
                self._booted_at = received - timedelta(seconds=int(uptime) if uptime.isdecimal() else 0)
                self._round.wake()
            case _:
                return
        self._pace.came()
        self._heard.set()

    async def _drain(self) -> None:
        while True:
            await self._heard.wait()
            self._heard.clear()
            try:
                await self._journal.store()
                await self._note_agents()
                self._postponed = False
            except Exception as error:
                if not self._postponed:  # said once: it is tried again until it succeeds
                    log.warning("feed.postponed", exc_info=not isinstance(error, Unavailable))
                self._postponed = True
                self._heard.set()
                await asyncio.sleep(RETRY_S)
            await asyncio.sleep(self._pace.rest(0, PACE_S))

    async def _note_agents(self) -> None:
        members, self._members = self._members, {}
        talks, self._ended_talks = self._ended_talks, {}
        unanswered, self._unanswered = self._unanswered, set()
        came_back, self._came_back = self._came_back, set()
        if not (members or talks or unanswered or came_back):
            return
        changed = 0
        try:
            async with self._db.session() as session:
                changed += await agents.completed(session, talks)
                changed += await agents.did_not_answer(session, unanswered)
                await passing.came_back(session, self._node, came_back)
                here = [member for member in members.values() if member]
                await presence.note(session, self._node, here, [p for p, member in members.items() if member is None])
        except Unavailable:
            self._members = members | self._members
            self._ended_talks = talks | self._ended_talks
            self._unanswered |= unanswered
            self._came_back |= came_back
            raise
        if changed:
            self.wake()

    # ------------------------------------------------------------------ what was missed

    async def _opened(self) -> None:
        """A new session: the next round closes the gap before anything else, once Asterisk has said since when it
        runs."""
        self.wake()
        self._round.wake()

    def _lost(self) -> None:
        self._lost_at, self._booted_at, self._gap = self._lost_at or now(), None, True

    async def _channels(self) -> list[Message]:
        channels = await self.ami.listing("CoreShowChannels")
        return [one for one in channels if "Linkedid" in one]

    async def _reconcile(self) -> None:
        """All journals are read when something may have been missed, and besides when nobody calls: what that of the
        channel events said is in them once more."""
        if self.ami.state is not State.UP or (self._gap and self._booted_at is None):
            await self._read_journals()
            return
        asked_at = now()
        channels = await self._channels()
        live = {call_of(one["Linkedid"]) for one in channels}
        self._limits.only(live, asked_at)
        if self._gap:
            await self._close_gap(live)
        await self.reconciler.alive()
        await self._journal.keep()
        unseen = await self.reconciler.sweep(live, asked_at)
        unread_for = asked_at - self._read_at if self._read_at else READ_AT_LEAST
        if unseen or self._behind or unread_for >= (READ_AT_LEAST if live else READ_AT_REST):
            await self._read_journals()
        await self.places.step(channels, asked_at, self._booted_at)

    async def _close_gap(self, live: set[str]) -> None:
        """What happened between two sessions, from the journals; then calls of an Asterisk that died are closed. Where
        the database is away, the round after does it."""
        since = self._booted_at
        await self._read_journals()
        if since is not None:
            await self.reconciler.booted(since, self._lost_at, live)
        if since is not None and self._booted_at == since:  # not lost again meanwhile
            self._lost_at, self._gap = None, False

    async def _read_journals(self) -> None:
        self._behind = False
        try:
            await self.reconciler.read_journals()
        except Exception:
            self._behind = True
            raise
        self._read_at = now()
