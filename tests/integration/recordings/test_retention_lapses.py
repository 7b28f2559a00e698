"""Drafts that nobody took in, and words that the bureau keeps for less time than their sound, end by themselves: told
in the ledger, stopped by holds and restrictions, and never what anybody works on."""

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from archive_room import NOON
from by_hand import BY_HAND
from pydantic import ValidationError
from retention_room import Office, office, order_of, put_to
from sqlalchemy import func, select, text, update
from sqlalchemy.exc import IntegrityError

from callflow.models import Call
from core import clock
from core.actor import Actor
from core.db import Database, new_id
from core.errors import Invalid
from core.identity.models import User
from core.jobs import run_pending
from core.ledger.models import LedgerEntry
from core.permissions import Role
from core.policy import Policy
from core.rules.book import Rulebook
from crm import installed
from crm.citizens import restrictions
from crm.drafts import typed
from crm.emergencies.models import EmergencySign
from crm.finding.asked import Wanted
from crm.finding.index import index_due
from crm.finding.service import find
from crm.installed import Installation
from crm.retention import holds
from crm.retention import subscribers as _  # noqa: F401 - who forgets with them
from crm.retention.lapsing import lapse_due
from crm.retention.rules import Reason
from crm.retention_policy import RetentionPolicy
from crm.tickets.models import Ticket, TicketEvent
from crm.tickets.service import Opening, open_draft
from recordings.desk.forget import forget
from recordings.desk.models import MakingState, Redaction
from recordings.layers import again
from recordings.layers.corrections import correct
from recordings.layers.models import Scope, TranscriptCorrection
from recordings.models import Recording, Side, Source, Transcript, TranscriptSegment, TranscriptState
from recordings.store.port import SUFFIX

ONE = timedelta(days=1)
DRAFTS = 180 * ONE
ABOUT = (Reason.LITIGATION, "（2027）赣1126行初7号", "县司法局 张某")
YEAR = date(2027, 11, 23)
"""The last day of the words of NOON where they are kept for a year."""


@pytest.fixture(name="office")
def made(db: Database, home: Path, installation: Installation) -> Office:
    installed.use(installation)
    return office(db, home)


def decided(installation: Installation, **values: int) -> None:
    """The bureau has decided otherwise."""
    book = installation.policy
    section = RetentionPolicy.model_validate(book[RetentionPolicy].model_dump() | values)
    sections = {type(one): one for one in book.sections.values()} | {RetentionPolicy: section}
    rules = Rulebook.first(Policy("other", book.title, book.issued, sections), installation.calendar)
    installed.use(replace(installation, rules=rules))


async def lapsed(office: Office, at: Any) -> tuple[int, int]:
    """What the worker does then -> drafts, words."""
    with clock.frozen(at):
        return await lapse_due(office.db)


async def drafted(office: Office, row: Recording) -> Ticket:
    """The draft of a call, as machine and hand have filled it."""
    with clock.frozen(NOON):
        async with office.db.session() as session:
            ticket = await open_draft(session, Opening("phone", row.call_id, "+8613800001234"))
            ticket.caller_name, ticket.content, ticket.title = "李四", "我是李四，门口路灯不亮", "路灯不亮"
            ticket.proposals = {"content": {"value": "路灯不亮", "words": "我是李四", "confidence": 80}}
        async with office.db.session() as session:
            await session.execute(BY_HAND)
            filled = update(TicketEvent).where(TicketEvent.ticket_id == ticket.id)
            await session.execute(filled.values(after={"content": "我是李四，门口路灯不亮"}))
    return ticket


async def now(office: Office, ticket: Ticket) -> Ticket:
    async with office.db.session() as session:
        return await session.get_one(Ticket, ticket.id)


async def test_a_draft_that_nobody_took_in_ends_and_its_sound_stays(office: Office) -> None:
    (row,) = await office.room.record()
    ticket = await drafted(office, row)
    assert await lapsed(office, NOON + DRAFTS) == (0, 0)
    assert await lapsed(office, NOON + DRAFTS + timedelta(minutes=1)) == (1, 0)
    assert await lapsed(office, NOON + DRAFTS + ONE) == (0, 0), "once"
    left = await now(office, ticket)
    assert (left.state, left.close_kind, left.number) == ("void", "lapsed", ticket.number)
    assert (left.caller_phone, left.caller_name, left.citizen_id, left.content, left.title) == (
        None,
        None,
        None,
        "",
        "",
    )
    assert (left.proposals, left.version) == ({}, ticket.version + 1)
    async with office.db.session() as session:
        acts = (await session.scalars(select(TicketEvent).order_by(TicketEvent.seq))).all()
        entry = (await session.scalars(select(LedgerEntry).where(LedgerEntry.action == "draft.lapse"))).one()
    assert [one.act for one in acts] == ["open", "void"] and not acts[0].after
    assert "180日内无人办理" in acts[1].reason
    assert (entry.subject_id, entry.detail["number"], entry.detail["days"]) == (str(ticket.id), ticket.number, 180)
    kept = (await office.rows([row.id]))[0]
    assert kept.destroyed_at is None and (office.room.root / (row.store_key + SUFFIX)).exists()
    assert b"".join([block async for block in office.room.store.read(row.store_key)])


@pytest.mark.parametrize("lapsed_first", [True, False])
async def test_the_history_of_nothing_else_is_emptied(office: Office, lapsed_first: bool) -> None:
    (row,) = await office.room.record()
    ticket = await drafted(office, row)
    if lapsed_first:
        await lapsed(office, NOON + DRAFTS + ONE)
    changed = "reason = 'x'" if lapsed_first else "before = '{}', after = '{}'"
    with pytest.raises(IntegrityError, match="never changed"):
        async with office.db.session() as session:
            await session.execute(text(f"UPDATE ticket_events SET {changed} WHERE ticket_id = '{ticket.id}'"))


async def signed(office: Office, ticket: Ticket, state: str) -> EmergencySign:
    """What was said speaks for a fire; a person has decided, or not."""
    about = {"kind": "fire", "words": "路灯着火了", "place": "方志敏大道", "reason": "只是比喻"}
    async with office.db.session() as session:
        session.add(sign := EmergencySign(ticket_id=ticket.id, state=state, found_at=NOON, **about))
    return sign


async def test_what_spoke_for_an_emergency_that_was_none_goes_too(office: Office) -> None:
    (row,) = await office.room.record()
    sign = await signed(office, await drafted(office, row), "dismissed")
    assert await lapsed(office, NOON + DRAFTS + ONE) == (1, 0)
    async with office.db.session() as session:
        left = await session.get_one(EmergencySign, sign.id)
    assert (left.words, left.place, left.reason) == ("", "", "只是比喻"), "the decision stays"


@pytest.mark.parametrize("state", ["open", "confirmed"])
async def test_a_draft_that_is_an_emergency_stays(office: Office, state: str) -> None:
    (row,) = await office.room.record()
    ticket = await drafted(office, row)
    await signed(office, ticket, state)
    assert await lapsed(office, NOON + DRAFTS + ONE) == (0, 0)
    assert (await now(office, ticket)).content.startswith("我是李四")


async def work_on(office: Office, ticket: Ticket, how: str) -> None:
    """What shows that somebody or something is at it, or stands against its end."""
    at = NOON + DRAFTS - ONE
    with clock.frozen(at):
        if how == "filed":
            await put_to(office, ticket, at)
            return
        async with office.db.session() as session:
            row = await session.get_one(Ticket, ticket.id)
            if how == "typed":
                user = User(id=new_id(), login="wl", name="王丽", password_hash="x", roles=["agent"])
                session.add(user)
                await session.flush()
                actor = Actor(user.id, "王丽", frozenset({Role.AGENT}))
                await typed.keep(session, actor, ticket.id, {"content": "路灯"})
            elif how == "changed":
                row.title = "路灯不亮三天"
            elif how == "confirmed":
                row.state = "confirmed"
            elif how == "city":
                row.upstream_number = "SR20261123001"
            elif how == "written":
                row.call_id = None
            elif how == "restricted":
                await restrictions.place(session, office.director, "+8613800001234", new_id())
            else:
                scope = {
                    "order": holds.Scope(number=ticket.number),
                    "phone": holds.Scope(phone="+8613800001234"),
                    "period": holds.Scope(first=date(2026, 11, 23), last=date(2026, 11, 23)),
                }[how]
                await holds.place(session, office.archivist, *ABOUT, scope)


WORK = ("typed", "changed", "filed", "confirmed", "city", "written", "restricted", "order", "phone", "period")


@pytest.mark.parametrize("how", WORK)
async def test_a_draft_in_work_or_held_stays(office: Office, how: str) -> None:
    (row,) = await office.room.record()
    ticket = await drafted(office, row)
    await work_on(office, ticket, how)
    assert await lapsed(office, NOON + DRAFTS + timedelta(hours=1)) == (0, 0)
    assert (await now(office, ticket)).content.startswith("我是李四")


async def heard(office: Office, row: Recording) -> TranscriptSegment:
    """What was said in it, corrected by a person and heard again by a newer model."""
    async with office.db.session() as session:
        said = {"words": [], "source": Source.LIVE, "side": Side.CITIZEN}
        line = TranscriptSegment(call_id=row.call_id, start_s=0.1, end_s=0.4, text="路灯不亮", **said)
        session.add_all([line, Transcript(call_id=row.call_id, state=TranscriptState.FINAL)])
        await session.flush()
        await correct(session, office.archivist, line.id, "路灯坏了", line.text)
        batch = said | {"source": Source.BATCH, "text": "路灯不凉", "recording_id": row.id, "under": line.id}
        session.add(TranscriptSegment(call_id=row.call_id, start_s=0.1, end_s=0.4, **batch))
    return line


async def counted(office: Office) -> tuple[int, int]:
    """Lines and corrections."""
    async with office.db.session() as session:
        tables = (TranscriptSegment, TranscriptCorrection)
        lines, corrected = [await session.scalar(select(func.count()).select_from(one)) for one in tables]
    return lines or 0, corrected or 0


async def test_words_stay_as_long_as_their_sound_where_nothing_else_is_decided(office: Office) -> None:
    (row,) = await office.room.record()
    await heard(office, row)
    assert await lapsed(office, NOON + 1000 * ONE) == (0, 0)
    assert await counted(office) == (2, 1)


async def test_words_end_before_their_sound_in_all_layers_and_are_found_no_more(
    office: Office, installation: Installation
) -> None:
    decided(installation, words_years=1)
    (row,) = await office.room.record()
    said = {"content": {"value": "路灯不亮", "words": "我家门口路灯不亮三天了", "confidence": 80}}
    ticket = await order_of(office.db, row, proposals=said, content="路灯不亮", state="archived")
    await heard(office, row)
    await index_due(office.db)
    assert await lapsed(office, clock.midnight(YEAR) + timedelta(hours=20)) == (0, 0), (
        "until the last minute of its day"
    )
    assert await lapsed(office, clock.midnight(YEAR + ONE)) == (0, 1)
    assert await lapsed(office, clock.midnight(YEAR + ONE)) == (0, 0), "once"
    assert await counted(office) == (0, 0)
    await index_due(office.db)
    await run_pending(office.db)
    async with office.db.session() as session:
        assert not (await find(session, office.archivist, Wanted("路灯"))).rows
        transcript = await session.get_one(Transcript, row.call_id)
        kept = await session.get_one(Ticket, ticket.id)
        entry = (await session.scalars(select(LedgerEntry).where(LedgerEntry.action == "transcript.lapse"))).one()
        with pytest.raises(Invalid, match="nothing-to-transcribe"):
            await again.ask(session, office.archivist, Scope.ONE, "想再看一遍", recording_id=row.id)
    assert transcript.reason == "通话文字保存期满，已于2027年11月24日按规定清除；录音仍在保存。"
    assert (kept.proposals, kept.content) == ({}, "路灯不亮"), "what persons wrote is the order"
    assert entry.subject_id == str(row.id)
    (left,) = await office.rows([row.id])
    assert left.destroyed_at is None and left.words_ended_at
    assert b"".join([block async for block in office.room.store.read(row.store_key)])


async def test_redacted_copies_keep_no_words_that_have_ended(office: Office, installation: Installation) -> None:
    decided(installation, words_years=1)
    row, other = await office.room.record(count=2)
    line = {"side": "citizen", "start": 0.1, "end": 0.4, "text": "路灯不亮"}
    about: dict[str, Any] = {"stretches": [], "lines": [line], "reason": "信息公开", "total": 1, "done": 1}
    about |= {"by_id": new_id(), "by_name": "张岚", "state": MakingState.READY}
    async with office.db.session() as session:
        for one in (row, other):
            session.add(
                Redaction(recording_id=one.id, source_digest=one.digest, store_key=f"redacted/{one.id}", **about)
            )
        (await session.get_one(Recording, other.id)).started_at += 30 * ONE
    assert await lapsed(office, clock.midnight(YEAR + ONE)) == (0, 1)
    assert await forget(office.db, office.room.store) == 0, "the sound is still to be heard"
    async with office.db.session() as session:
        lines = {one.recording_id: one.lines for one in await session.scalars(select(Redaction))}
    assert lines == {row.id: [], other.id: [line]}


async def test_the_longest_class_counts_for_words_as_well(office: Office, installation: Installation) -> None:
    decided(installation, words_years=1, words_report_years=2, words_emergency_years=0, words_petition_years=1)
    decided_by = {"plain": {}, "report": {"category": "report"}, "emergency": {"emergency": True}}
    rows = await office.room.record(count=3)
    for row, fields in zip(rows, decided_by.values(), strict=True):
        await order_of(office.db, row, state="archived", **fields)
        await heard(office, row)
    assert await lapsed(office, clock.midnight(YEAR + ONE)) == (0, 1)
    assert await lapsed(office, clock.midnight(date(2028, 11, 23))) == (0, 0)
    assert await lapsed(office, clock.midnight(date(2028, 11, 24))) == (0, 1)
    assert await lapsed(office, NOON + 1500 * ONE) == (0, 0), "as long as the sound"
    assert [bool(one.words_ended_at) for one in await office.rows([row.id for row in rows])] == [True, True, False]


async def test_words_under_a_hold_stay(office: Office, installation: Installation) -> None:
    decided(installation, words_years=1)
    row, other = await office.room.record(count=2)
    async with office.db.session() as session:
        (await session.get_one(Call, row.call_id)).caller = "+8613900001111"
    for one in (row, other):
        await heard(office, one)
    with clock.frozen(NOON):
        async with office.db.session() as session:
            hold, _ = await holds.place(session, office.archivist, *ABOUT, holds.Scope(phone="+8613900001111"))
    assert await lapsed(office, clock.midnight(YEAR + ONE)) == (0, 1)
    assert [bool(one.words_ended_at) for one in await office.rows([row.id, other.id])] == [False, True]
    with clock.frozen(clock.midnight(YEAR + ONE)):
        async with office.db.session() as session:
            await holds.lift(session, office.leader, hold.id, "判决已生效，卷宗已归档")
    assert await lapsed(office, clock.midnight(YEAR + 2 * ONE)) == (0, 1)


def test_words_are_not_kept_longer_than_their_sound(installation: Installation) -> None:
    with pytest.raises(ValidationError, match="通话文字不能比录音保存得更久"):
        decided(installation, words_report_years=6)


async def test_two_recordings_of_a_call_that_end_together_leave_no_word(office: Office) -> None:
    """What was heard live between them belonged to neither, and stayed, and so did what the machine quoted of it."""
    first, second = await office.room.record(count=2)
    async with office.db.session() as session:
        moved = await session.get_one(Recording, second.id)
        moved.call_id, moved.offset_s = first.call_id, 60.0
        said = {"words": [], "source": Source.LIVE, "side": Side.CITIZEN, "text": "路灯不亮"}
        session.add(TranscriptSegment(call_id=first.call_id, start_s=30.0, end_s=31.0, **said))
    said_of = {"content": {"value": "路灯不亮", "words": "路灯不亮", "confidence": 80}}
    ticket = await order_of(office.db, first, proposals=said_of)
    await office.done()
    await run_pending(office.db)
    assert await counted(office) == (0, 0)
    assert (await now(office, ticket)).proposals == {}
