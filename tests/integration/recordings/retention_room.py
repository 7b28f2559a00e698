"""An archive of three years ago, and the people who decide about its end."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, BinaryIO
from uuid import UUID

from archive_room import NOON, Room
from by_hand import BY_HAND
from sqlalchemy import insert, select, text

from core import clock
from core.actor import Actor
from core.db import Database, new_id
from core.jobs import JobContext
from core.permissions import Role
from crm.retention import execution, lists
from crm.retention.models import DisposalItem, DisposalList
from crm.retention.proposing import propose_due
from crm.retention.rules import Act, typed
from crm.tickets import files
from crm.tickets.models import Attachment, Ticket
from crm.tickets.service import Opening, open_draft
from recordings.disposal.erase import Shredder
from recordings.models import Recording, TranscriptSegment
from recordings.store.models import ArchiveKey
from recordings.store.port import Stat, Store

LAST = datetime(2029, 11, 23, 15, 59, tzinfo=UTC)
"""23:59 in Shanghai on the last protected day of what was recorded on 23 November 2026."""
AFTER = LAST + timedelta(minutes=2)


def person(role: Role, name: str) -> Actor:
    """Somebody of the centre or the bureau."""
    return Actor(new_id(), name, frozenset({role}))


@dataclass
class Office:
    """Who decides, over one archive."""

    room: Room
    archivist: Actor = field(default_factory=lambda: person(Role.ARCHIVIST, "陈档"))
    director: Actor = field(default_factory=lambda: person(Role.DIRECTOR, "赵主任"))
    leader: Actor = field(default_factory=lambda: person(Role.BUREAU_LEADER, "孙局"))

    @property
    def db(self) -> Database:
        return self.room.db

    @property
    def shredder(self) -> Shredder:
        return Shredder(self.room.store, self.room.signer)

    async def proposed(self, at: datetime = AFTER) -> DisposalList | None:
        """What the worker does at this time -> the list that waits."""
        with clock.frozen(at):
            await propose_due(self.db)
        async with self.db.session() as session:
            return await session.scalar(select(DisposalList).where(DisposalList.state == "proposed"))

    async def act(self, act: Act, who: Actor, row: DisposalList, words: str | None = None) -> DisposalList:
        """One person's step, on the list as it is now."""
        does = {Act.REVIEW: lists.review, Act.APPROVE: lists.approve, Act.CONFIRM: lists.confirm}
        async with self.db.session() as session:
            now = await session.get_one(DisposalList, row.id)
            count, seen = await lists.count(session, row.id), now.version
        async with self.db.session() as session:
            if act is Act.RETURN:
                return await lists.send_back(session, who, row.id, seen, words or "请再次核对")
            command = does.get(act, execution.order)
            return await command(session, who, row.id, seen, typed(act, count) if words is None else words)

    async def approved(self, at: datetime = AFTER) -> DisposalList:
        """A list of everything that is due, with both approvals."""
        row = await self.proposed(at)
        assert row is not None
        with clock.frozen(at):
            await self.act(Act.REVIEW, self.archivist, row)
            await self.act(Act.APPROVE, self.director, row)
            return await self.act(Act.CONFIRM, self.leader, row)

    async def ordered(self, at: datetime = AFTER) -> DisposalList:
        """The same, and its execution ordered; no job has run."""
        row = await self.approved(at)
        with clock.frozen(at):
            return await self.act(Act.ORDER, self.archivist, row)

    async def dispose(self, row: DisposalList, at: datetime = AFTER) -> None:
        """What the job does."""
        with clock.frozen(at):
            await execution.dispose.handler(JobContext(self.db, {Shredder: self.shredder}), list_id=str(row.id))

    async def done(self, at: datetime = AFTER) -> DisposalList:
        """Everything that is due, destroyed."""
        row = await self.ordered(at)
        await self.dispose(row, at)
        return await self.now(row)

    async def done_but(self, kept: Recording, at: datetime = AFTER) -> DisposalList:
        """The same, without this one, which is taken off."""
        row = await self.proposed(at)
        assert row is not None
        with clock.frozen(at):
            async with self.db.session() as session:
                until = clock.today() + timedelta(days=400)
                await lists.take_off(session, self.archivist, row.id, row.version, [kept.id], "留作样本", until)
        return await self.done(at)

    async def now(self, row: DisposalList) -> DisposalList:
        """As it is now."""
        async with self.db.session() as session:
            return await session.get_one(DisposalList, row.id)

    async def states(self) -> dict[UUID, str]:
        """Recording -> how it stands on its newest list."""
        async with self.db.session() as session:
            items = await session.scalars(select(DisposalItem).order_by(DisposalItem.list_id))
            return {one.object_id: one.state for one in items}

    async def rows(self, ids: Sequence[UUID]) -> list[Recording]:
        """As they are now."""
        async with self.db.session() as session:
            return [await session.get_one(Recording, id) for id in ids]


def office(db: Database, home: Path) -> Office:
    """A fresh one."""
    return Office(Room(db, home))


class Dies(Exception):
    """A process ends here."""


class Mortal:
    """A store whose process dies at its n-th act."""

    def __init__(self, inner: Store, after: int) -> None:
        self.inner, self.left = inner, after

    def _live(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise Dies

    async def put(self, key: str, source: BinaryIO, digest: str) -> None:
        self._live()
        await self.inner.put(key, source, digest)
        self._live()

    async def delete(self, key: str) -> None:
        self._live()
        await self.inner.delete(key)

    def read(self, key: str, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        self._live()
        return self.inner.read(key, start, end)

    async def stat(self, key: str) -> Stat:
        return await self.inner.stat(key)

    def list(self, prefix: str = "") -> AsyncIterator[Stat]:
        return self.inner.list(prefix)


async def snapshot(db: Database) -> dict[str, list[dict[str, Any]]]:
    """A backup of what a disposal changes."""
    tables = ("recordings", "ticket_attachments", "archive_keys", "transcript_segments")
    async with db.session() as session:
        return {
            name: [dict(row._mapping) for row in await session.execute(text(f"SELECT * FROM {name}"))]
            for name in tables
        }


async def restore(db: Database, rows: dict[str, list[dict[str, Any]]]) -> None:
    """The database as it was then; what it did not know then it does not know now."""
    later = ("disposal_items", "disposal_lists", "disposals", "disposal_certificates")
    async with db.session() as session:
        await session.execute(BY_HAND)
        for name in (*later, *rows):
            await session.execute(text(f"DELETE FROM {name}"))
        for table in (Recording, Attachment, ArchiveKey, TranscriptSegment):
            if some := rows[table.__tablename__]:
                await session.execute(insert(table).values(some))


PDF = b"%PDF-1.4\n1 0 obj<<>>endobj\ntrailer<<>>\n%%EOF\n"


async def put_to(office: Office, ticket: Ticket, at: datetime = NOON, name: str = "现场照片.pdf") -> Attachment:
    """A file that an agent puts to an order."""
    with clock.frozen(at):
        return await files.attach(
            office.db, office.room.store, person(Role.AGENT, "王丽"), ticket.id, name, PDF + str(new_id()).encode()
        )


async def archive(office: Office, ticket: Ticket, at: datetime = NOON) -> None:
    """The order has come to its end."""
    async with office.db.session() as session:
        row = await session.get_one(Ticket, ticket.id)
        row.state, row.state_since, row.closed_at = "archived", at, at


async def order_of(db: Database, row: Recording, **fields: object) -> Ticket:
    """The order of a recording's call."""
    async with db.session() as session:
        ticket = await open_draft(session, Opening("phone", row.call_id, "+8613800001234"))
        for name, value in fields.items():
            setattr(ticket, name, value)
        return ticket
