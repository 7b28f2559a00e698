"""Importing the city's file: kept and judged first, then all good rows as orders in one transaction (F09-2, D33)."""

import asyncio
import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import and_, delete, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from core.accounts.channels import Channel
from core.actor import Actor
from core.clock import now
from core.db import new_id
from core.errors import Conflict, Invalid, NotFound
from core.ledger import record
from core.locks import lock
from core.permissions import Permission
from crm.city import reading
from crm.city.judging import Judged, Verdict, fingerprint, judge
from crm.city.models import CityImport, CityOrder, CityRow
from crm.city.reading import Incoming, Read, Table
from crm.city.reconciling import reconcile
from crm.county.city import CityLayout
from crm.installed import installed
from crm.sheets import sheet
from crm.sheets.sheet import Cell, Row
from crm.tickets.access import visible_to
from crm.tickets.case import load
from crm.tickets.dues import upstream
from crm.tickets.history import append
from crm.tickets.models import Ticket
from crm.tickets.service import Opening, open_drafts
from crm.tickets.states import WITH_UNITS, Act
from crm.tickets.targets import target

KEPT_UNCONFIRMED: Final = timedelta(days=7)
"""A file that nobody imported holds citizens' data: it goes."""
LOCK = "city-import"


def layout() -> CityLayout:
    """The county's mapping. Raises Invalid where it has none."""
    found = installed().county.city
    if found is None:
        raise Invalid("no-city-layout", "本县没有配置市级表格的栏目对照（city.toml），不能导入或回写。")
    return found


async def read_file(name: str, content: bytes) -> Table:
    """The file by the county's mapping, off the event loop. Raises Invalid("bad-file")."""
    known = layout()
    return await asyncio.to_thread(lambda: reading.read(sheet.rows(name, content), known))


async def upload(session: AsyncSession, actor: Actor, name: str, content: bytes, table: Table) -> CityImport:
    """Keep the rows with what was found of each; no order comes of it yet."""
    actor.require(Permission.CITY_EXCHANGE)
    await session.execute(
        delete(CityImport).where(CityImport.imported_at.is_(None), CityImport.uploaded_at < now() - KEPT_UNCONFIRMED)
    )
    judged = await judge(session, table.rows)
    made = CityImport(
        id=new_id(),
        file_name=name[:120],
        digest=hashlib.sha256(content).hexdigest(),
        titles=list(table.titles),
        uploaded_at=now(),
        uploaded_by=actor.user_id,
        uploaded_name=actor.name,
        counts=counts(judged),
    )
    session.add(made)
    await session.flush()
    session.add_all(
        CityRow(
            import_id=made.id,
            n=one.row.n,
            cells=packed(one.row.cells),
            number=one.row.number,
            verdict=one.verdict,
            reason=one.reason,
            ticket_id=one.known.ticket.id if one.known else None,
        )
        for one in judged
    )
    await record(session, actor, "city.upload", "city-import", made.id, count=len(judged), digest=made.digest)
    return made


async def one(session: AsyncSession, import_id: UUID, *, for_update: bool = False) -> CityImport:
    """The file. Raises NotFound."""
    wanted = select(CityImport).where(CityImport.id == import_id)
    if for_update:
        wanted = wanted.with_for_update().execution_options(populate_existing=True)
    found: CityImport | None = await session.scalar(wanted)
    if found is None:
        raise NotFound("no-such-import", "没有这个市级文件，可能超过7天未导入已清除。")
    return found


async def rows_of(session: AsyncSession, import_id: UUID) -> list[CityRow]:
    """Its rows in the file's order."""
    wanted = select(CityRow).where(CityRow.import_id == import_id).order_by(CityRow.n)
    return list(await session.scalars(wanted))


@dataclass(frozen=True)
class Wanted:
    """Which rows of a file; each of `words` stands in its number, in its order's or in what was found of it."""

    words: Sequence[str] = ()
    verdict: Verdict | None = None
    last_first: bool = False


async def some_rows(
    session: AsyncSession, actor: Actor, import_id: UUID, wanted: Wanted, after: int | None, limit: int
) -> list[tuple[CityRow, str | None]]:
    """A page of its rows in the file's order, from behind the row `after` on, each with the number of its order as far
    as the actor may know of that."""
    known = and_(Ticket.id == CityRow.ticket_id, visible_to(actor))
    query = select(CityRow, Ticket.number).outerjoin(Ticket, known).where(CityRow.import_id == import_id).limit(limit)
    query = query.order_by(CityRow.n.desc() if wanted.last_first else CityRow.n)
    if wanted.verdict:
        query = query.where(CityRow.verdict == wanted.verdict)
    for word in wanted.words:
        said = (CityRow.number, CityRow.reason, Ticket.number)
        query = query.where(or_(*(one.icontains(word, autoescape=True) for one in said)))
    if after is not None:
        query = query.where(CityRow.n < after if wanted.last_first else CityRow.n > after)
    return [(row, number) for row, number in await session.execute(query)]


async def confirm(session: AsyncSession, actor: Actor, import_id: UUID) -> CityImport:
    """All good rows become orders or news of orders, whatever was imported since the preview; nothing twice.

    Raises Conflict("imported-already") for a file that somebody imported.
    """
    actor.require(Permission.CITY_EXCHANGE)
    await lock(session, LOCK)
    made = await one(session, import_id, for_update=True)
    if made.imported_at is not None:
        raise Conflict("imported-already", f"{made.imported_name}已导入这个文件，没有重复导入。")
    rows = {row.n: row for row in await rows_of(session, import_id)}
    judged = await judge(session, _again(made, rows.values()))
    fresh = [one for one in judged if one.verdict is Verdict.NEW]
    ids = dict(zip((one.row.n for one in fresh), await _open(session, actor, made, fresh), strict=True))
    for found in judged:
        row = rows[found.row.n]
        row.verdict, row.reason = found.verdict, found.reason
        row.ticket_id = ids.get(row.n, found.known.ticket.id if found.known else None)
        if found.verdict is Verdict.CHANGED:
            await _news(session, actor, found)
        if found.verdict is not Verdict.BAD:
            row.cells = None
    made.counts, made.imported_at = counts(judged), now()
    made.imported_by, made.imported_name = actor.user_id, actor.name
    seen = [one for one in judged if one.known is not None]
    await reconcile(session, made.uploaded_at, seen)
    await record(session, actor, "city.import", "city-import", made.id, count=made.counts["new"], counts=made.counts)
    return made


def counts(judged: Sequence[Judged]) -> dict[str, int]:
    """Verdict -> rows."""
    found = Counter(one.verdict.value for one in judged)
    return {verdict.value: found[verdict.value] for verdict in Verdict}


def packed(cells: Sequence[str]) -> str:
    """The cells as stored; the end is always the same, because a sealed value shows its last four characters."""
    return json.dumps({"cells": list(cells), "v": 1000}, ensure_ascii=False)


def unpacked(stored: str | None) -> list[str]:
    """The cells again."""
    return list(json.loads(stored)["cells"]) if stored else []


def _again(made: CityImport, rows: Any) -> list[Read]:
    """The kept rows, read as on the day of the upload; a bad one stays bad."""
    head = Row(0, tuple(Cell(title) for title in made.titles))
    good = [row for row in rows if row.verdict != Verdict.BAD]
    kept = [Row(row.n, tuple(Cell(cell or None) for cell in unpacked(row.cells))) for row in good]
    found = reading.read([head, *kept], layout()).rows if kept else []
    bad = [Read(row.n, (), None, (row.reason,), row.number) for row in rows if row.verdict == Verdict.BAD]
    return sorted([*found, *bad], key=lambda read: read.n)


async def _open(session: AsyncSession, actor: Actor, made: CityImport, fresh: Sequence[Judged]) -> list[UUID]:
    if not fresh:
        return []
    incoming = [_incoming(one) for one in fresh]
    openings = [
        Opening(
            Channel.CITY,
            phone=one.phone,
            agent_id=actor.user_id,
            given=one.given,
            origin="import",
            upstream_number=one.number,
            upstream_due_at=one.due_at,
        )
        for one in incoming
    ]
    ids = await open_drafts(session, openings, actor)
    session.add_all(
        CityOrder(
            ticket_id=ticket_id,
            import_id=made.id,
            upstream_type=one.upstream_type,
            handed_at=one.handed_at,
            state_word=one.state_word,
            fingerprint=fingerprint(one),
        )
        for ticket_id, one in zip(ids, incoming, strict=True)
    )
    await session.flush()
    return ids


async def _news(session: AsyncSession, actor: Actor, found: Judged) -> None:
    """The city's due and state are taken over; its words go to the history, for a person to look at."""
    known, incoming = found.known, _incoming(found)
    assert known is not None  # a changed row is a change of something
    locked = select(Ticket).where(Ticket.id == known.ticket.id).with_for_update(key_share=True)
    ticket = (await session.scalars(locked.execution_options(populate_existing=True))).one()
    if known.order is not None:
        known.order.state_word, known.order.fingerprint = incoming.state_word, fingerprint(incoming)
    before = ticket.upstream_due_at
    case = await load(session, actor, ticket)
    await upstream(session, case, incoming.due_at, found.reason)
    if case.state in WITH_UNITS:
        ticket.state_due_at = target(case)
    ticket.version += 1
    await append(
        session,
        ticket,
        actor,
        Act.CITY_CHANGED,
        origin="import",
        article="D33",
        reason=found.reason,
        before={"upstream_due_at": before.isoformat() if before else None},
        after={"upstream_due_at": incoming.due_at.isoformat()},
    )


def _incoming(found: Judged) -> Incoming:
    assert found.row.incoming is not None  # only a bad row has none
    return found.row.incoming
