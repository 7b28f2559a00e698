"""Keeps one node's places in its queues: a channel enters at once, and again where Asterisk has lost it."""

import asyncio
from collections.abc import Iterable
from datetime import datetime, timedelta
from uuid import UUID

from callflow import store
from callflow.ami import AmiClient, Message
from callflow.facts import Fact, Kind, Source, fact
from callflow.places import service
from callflow.places.models import Place
from callflow.places.rules import MARK, call_of, is_place
from callflow.queries import reached_since
from core.clock import now
from core.db import Database
from core.errors import Unavailable
from core.log import get
from core.phone import show

log = get(__name__)
PROMISE_S = 1.5
"""A caller is told so soon whether the place is kept; the dialplan goes on by itself after `line.waits.answering`."""
LEAVING = timedelta(minutes=1)
"""A caller who was promised the place has left the line by then."""
GRACE_S = 60
"""The queue itself gives up first, and says so."""
PART = 10
"""Recordings of a place's channel are numbered from here, apart from those of the caller's own."""
NOT_KEPT = Unavailable("place-not-kept", "暂时不能保留排队。")


class PlaceKeeper:
    """`keep` promises, `step` holds the promise; both are safe to repeat."""

    def __init__(self, db: Database, ami: AmiClient, node: str, longest_s: int) -> None:
        self._db = db
        self._ami = ami
        self._node = node
        self._longest_s = longest_s
        self._missing: set[UUID] = set()

    async def keep(self, linkedid: str, phone: str, queue: str, since: datetime, position: int) -> None:
        """Write the task down, then let a channel take the caller's place. Raises Unavailable: nothing is kept, the
        caller stays on the line."""
        if is_place(linkedid):  # who was called back and lost the agent is first in the queue anyhow
            raise NOT_KEPT
        place = Place(node=self._node, linkedid=linkedid, phone=phone, queue=queue, since=since)
        try:
            async with asyncio.timeout(PROMISE_S):
                async with self._db.session() as session:
                    await service.promise(session, place)
                await self._enter(place, position)
                async with self._db.session() as session:
                    await store.save(session, [self._fact(place, Kind.KEPT)])
        except (Unavailable, TimeoutError) as error:
            log.warning("place.not-kept", error=type(error).__name__)
            await self._undo(place)
            raise NOT_KEPT from error

    async def step(self, channels: Iterable[Message], asked_at: datetime, booted_at: datetime | None) -> int:
        """Compare the open places with the channels that there were at `asked_at` -> how many entered anew.

        The journals were read since. A channel that is gone without its citizen having been called enters again: at
        once where Asterisk has been started since, else when it is missed twice, since its end may stand in a journal.
        A place that was never promised, or whose caller has not left, is given up: the service died while keeping it;
        and so is one whose citizen has called again and reached somebody.
        """
        found = [one for one in channels if one.get("Linkedid")]
        rows = [one for one in found if is_place(one["Linkedid"])]
        lines = {one["Linkedid"] for one in found}
        standing = {call_of(one["Linkedid"]) for one in rows}
        entering: list[tuple[Place, int]] = []
        async with self._db.session() as session:
            places = await service.kept(session, self._node)
            for one in places:
                stays = asked_at - one.place.kept_at > LEAVING and (not one.promised or one.place.linkedid in lines)
                if stays or (not one.called and await reached_since(session, one.place.phone, one.place.since)):
                    one.place.closed_at = now()
                    await store.save(session, [self._fact(one.place, Kind.OVER)] if one.promised else [])
            places = [one for one in places if one.place.closed_at is None]
            gone = [
                one.place
                for one in places
                if one.promised and not one.called and one.place.linkedid not in standing
                and one.place.entered_at < asked_at
            ]  # fmt: skip
            again = [p for p in gone if p.id in self._missing or (booted_at and p.entered_at < booted_at)]
            self._missing = {place.id for place in gone}
            for place in again:
                ahead = [one.place for one in places if one.place.queue == place.queue]
                place.entries, place.entered_at = place.entries + 1, now()
                entering.append((place, ahead.index(place) + 1))
        for place, position in entering:
            await self._enter(place, position)
        await self._end_strays(rows, {one.place.linkedid for one in places})
        if entering:
            log.warning("places.entered-again", count=len(entering))
        return len(entering)

    async def _enter(self, place: Place, position: int) -> None:
        call = f"{place.linkedid}{MARK}{place.entries}"
        digits = show(place.phone).replace("-", "")
        variables = {
            "HOTLINE_QUEUE": place.queue,
            "HOTLINE_PLACE": str(position),
            "HOTLINE_CITIZEN": digits,
            "HOTLINE_PART": str(PART * place.entries),
        }
        answer = await self._ami.action(
            "Originate",
            Channel="Local/wait@hotline-place/nm",
            Codecs="alaw",
            ChannelId=call,
            OtherChannelId=f"{call}b",
            Context="hotline-place-call",
            Exten="s",
            Priority="1",
            CallerID=digits,
            Timeout=str((self._longest_s + GRACE_S) * 1000),
            Variable=",".join(f"{name}={value}" for name, value in variables.items()),
            Async="true",
        )
        if answer.get("Response") != "Success":
            raise NOT_KEPT

    def _fact(self, place: Place, kind: Kind) -> Fact:
        return fact(self._node, place.linkedid, Source.AGI, kind, now())

    async def _undo(self, place: Place) -> None:
        """Nothing was promised: the row goes, and a channel that came all the same is ended at the next step."""
        try:
            async with self._db.session() as session:
                await service.close(session, [(place.node, place.linkedid)])
        except Unavailable:
            log.warning("place.left-open", linkedid=place.linkedid)  # closed by `step`, since nothing was promised

    async def _end_strays(self, rows: Iterable[Message], kept: set[str]) -> None:
        """Channels that wait for a place which nobody keeps; one that an agent has answered goes on."""
        for one in rows:
            mine = one.get("Uniqueid") == one["Linkedid"] and one.get("ChannelStateDesc") != "Up"
            if mine and call_of(one["Linkedid"]) not in kept:
                await self._ami.action("Hangup", Channel=one["Channel"])
