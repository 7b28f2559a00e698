"""Two persons decide about the rules; what was decided reaches a running process and is in force from its instant."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import select

import crm.installed  # noqa: F401 - defines the sections of the policy
from core.actor import Actor
from core.calendar import ClockPolicy
from core.calendar.seed import seed as calendar_seed
from core.clock import SHANGHAI, frozen, now
from core.db import Database, new_id
from core.errors import Conflict, Denied, HotlineError, Invalid, NotFound
from core.ledger.models import LedgerEntry
from core.permissions import Role
from core.policy import parse
from core.rules import service
from core.rules.book import Rulebook
from core.rules.keeper import RulesKeeper
from core.rules.kinds import Kind, Standing
from core.rules.models import RuleVersion
from crm.policy import LimitsPolicy

TEXT = (Path(__file__).parents[3] / "counties" / "yiyang" / "policy.toml").read_text(encoding="utf-8")
STRICT = TEXT.replace("count_start_day = false", "count_start_day = true")
CLOSURE = '[[closures]]\nday = 2026-03-03\nname = "暴雪停工"\ndocument = "弋府办字〔2026〕7号"\n\n' + calendar_seed()
SOON = timedelta(minutes=30)


def person(name: str, role: Role = Role.SUPERVISOR) -> Actor:
    return Actor(new_id(), name, frozenset({role}))


FIRST, SECOND = person("徐主任"), person("何局长", Role.BUREAU_LEADER)


@dataclass
class Process:
    """A process whose rules are kept."""

    keeper: RulesKeeper
    applied: list[Rulebook] = field(default_factory=list)
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def apply(self, book: Rulebook) -> None:
        self.applied.append(book)
        self.changed.set()

    @property
    def book(self) -> Rulebook:
        return self.applied[-1]

    async def until(self, said: Callable[[Rulebook], bool]) -> None:
        async with asyncio.timeout(20):
            while not said(self.book):
                self.changed.clear()
                await self.changed.wait()


@pytest.fixture
async def process(db: Database) -> Process:
    made = Process(RulesKeeper(db, TEXT, lambda book: made.apply(book), must_load=True))
    await made.keeper.look()
    return made


async def newest(db: Database, kind: Kind) -> UUID:
    async with db.session() as session:
        return (await service.confirmed(session, kind))[-1].id


async def propose(db: Database, text: str = STRICT, actor: Actor = FIRST, **more: object) -> UUID:
    given = {"based_on": await newest(db, Kind.POLICY), "since": now() + SOON, **more}
    async with db.session() as session:
        row = await service.propose(
            session,
            actor,
            Kind.POLICY,
            text,
            document="弋政数字〔2026〕3号",
            note="从严",
            **given,  # type: ignore[arg-type]
        )
        return row.id


async def confirm(db: Database, id: UUID, actor: Actor = SECOND, kind: Kind = Kind.POLICY) -> RuleVersion:
    async with db.session() as session:
        return await service.confirm(session, actor, kind, id)


async def test_the_files_are_the_first_versions_and_only_once(db: Database, process: Process) -> None:
    other = RulesKeeper(db, TEXT.replace("complaint = 10", "complaint = 9"), process.applied.append, must_load=True)
    await other.look()
    assert [book.present(now())[LimitsPolicy].complaint for book in process.applied] == [10, 10]
    assert process.book.policies[0].since == datetime(2023, 6, 5, tzinfo=SHANGHAI)
    async with db.session() as session:
        assert len(await service.versions(session, Kind.POLICY)) == 1


@pytest.mark.proves("A06-1", "F06-1")
async def test_a_change_needs_two_persons_and_comes_into_force_later(db: Database, process: Process) -> None:
    id = await propose(db)
    await process.keeper.look()
    assert len(process.book.policies) == 1
    with pytest.raises(Denied, match="second-person"):
        await confirm(db, id, FIRST)
    since = (await confirm(db, id)).since
    assert since is not None
    await process.keeper.look()
    assert not process.book.present(now())[ClockPolicy].count_start_day
    assert process.book.policy_at(since - timedelta(microseconds=1)) is process.book.policies[0].policy
    with frozen(since):
        await process.keeper.look()
        assert process.book.present(now())[ClockPolicy].count_start_day
    assert process.book.policy_of(process.book.policies[0].policy.version) is not None


@pytest.mark.proves("A06-1")
async def test_the_ledger_holds_who_decided(db: Database, process: Process) -> None:
    await confirm(db, await propose(db))
    async with db.session() as session:
        rows = await session.scalars(select(LedgerEntry).order_by(LedgerEntry.id))
        said = [(row.action, row.actor_name) for row in rows]
    assert said == [("policy.propose", FIRST.name), ("policy.confirm", SECOND.name)]


@pytest.mark.proves("A06-1")
@pytest.mark.parametrize("ahead", [timedelta(0), -SOON, service.AHEAD - timedelta(seconds=5)])
async def test_a_change_of_the_past_is_refused(db: Database, process: Process, ahead: timedelta) -> None:
    with pytest.raises(Invalid, match="not-in-the-future"):
        await propose(db, since=now() + ahead)


async def test_a_proposal_whose_time_has_passed_can_not_be_confirmed(db: Database, process: Process) -> None:
    id = await propose(db)
    with frozen(now() + SOON), pytest.raises(Invalid, match="not-in-the-future"):
        await confirm(db, id)


async def test_of_two_proposals_one_wins(db: Database, process: Process) -> None:
    ids = [await propose(db), await propose(db, TEXT.replace("complaint = 10", "complaint = 8"))]
    results = await asyncio.gather(*(confirm(db, id) for id in ids), return_exceptions=True)
    assert {type(one) for one in results} == {RuleVersion, Conflict}
    lost = ids[next(n for n, one in enumerate(results) if isinstance(one, Conflict))]
    with pytest.raises(Conflict, match="rules-changed-meanwhile"):
        await propose(db, based_on=lost)


async def test_what_is_not_yet_in_force_can_be_withdrawn(db: Database, process: Process) -> None:
    id = await propose(db)
    since = (await confirm(db, id)).since
    assert since is not None
    async with db.session() as session:
        with pytest.raises(Invalid, match="no-reason"):
            await service.withdraw(session, FIRST, Kind.POLICY, id, " ")
        row = await service.withdraw(session, FIRST, Kind.POLICY, id, "文号有误")
        assert row.state == Standing.WITHDRAWN
    await process.keeper.look()
    assert len(process.book.policies) == 1
    other = await propose(db)
    since = (await confirm(db, other)).since
    assert since is not None
    with frozen(since), pytest.raises(Conflict, match="in-force-already"):
        async with db.session() as session:
            await service.withdraw(session, FIRST, Kind.POLICY, other, "反悔")


@pytest.mark.parametrize("role", [Role.AGENT, Role.SYSTEM_ADMIN, Role.SECURITY_ADMIN, Role.AUDIT_ADMIN, Role.LEADER])
async def test_nobody_outside_the_bureau_decides(db: Database, process: Process, role: Role) -> None:
    with pytest.raises(Denied):
        await propose(db, actor=person("外人", role))
    id = await propose(db)
    with pytest.raises(Denied):
        await confirm(db, id, person("外人", role))
    async with db.session() as session:
        with pytest.raises(Denied):
            await service.withdraw(session, person("外人", role), Kind.POLICY, id, "不行")


@pytest.mark.parametrize(
    ("text", "document", "error"),
    [(TEXT, "文号", "nothing-changed"), (STRICT, " ", "no-document"), ("#" * 300_000, "文号", "rules-too-long")],
)
async def test_a_proposal_says_something(db: Database, process: Process, text: str, document: str, error: str) -> None:
    base = await newest(db, Kind.POLICY)
    async with db.session() as session:
        with pytest.raises(HotlineError, match=error):
            await service.propose(
                session, FIRST, Kind.POLICY, text, based_on=base, document=document, note="", since=now() + SOON
            )


@pytest.mark.proves("D1")
async def test_a_calendar_is_in_force_when_it_is_confirmed(db: Database, process: Process) -> None:
    base = await newest(db, Kind.CALENDAR)
    async with db.session() as session:
        row = await service.propose(
            session, FIRST, Kind.CALENDAR, CLOSURE, based_on=base, document="弋府办字〔2026〕7号", note=""
        )
    await confirm(db, row.id, kind=Kind.CALENDAR)
    await process.keeper.look()
    assert not process.book.calendar.kind(datetime(2026, 3, 3).date()).works
    async with db.session() as session:
        with pytest.raises(Conflict, match="in-force-already"):
            await service.withdraw(session, FIRST, Kind.CALENDAR, row.id, "不能撤")
        with pytest.raises(NotFound):
            await service.one(session, Kind.POLICY, row.id)


@pytest.mark.proves("F06-1")
async def test_a_running_process_hears_of_it(db: Database, process: Process) -> None:
    await process.keeper.start()
    try:
        await confirm(db, await propose(db))
        await process.until(lambda book: len(book.policies) == 2)
    finally:
        await process.keeper.stop()


async def test_a_version_is_never_changed(db: Database, process: Process) -> None:
    id = await propose(db)
    with pytest.raises(RuntimeError, match="never changed"):
        async with db.session() as session:
            (await service.one(session, Kind.POLICY, id)).text = STRICT + "#"
    with pytest.raises(RuntimeError, match="never deleted"):
        async with db.session() as session:
            await session.delete(await service.one(session, Kind.POLICY, id))


@pytest.mark.proves("D35")
async def test_a_version_of_an_older_program_is_read_with_what_the_file_adds(db: Database) -> None:
    older = TEXT.replace("[clock]\ncount_start_day = false", "[gone]\nx = 1\n\n[clock]\nretired = 3", 1)
    older = older.replace("[clock.basis]\n", '[clock.basis]\nretired = "旧"\n')
    with pytest.raises(Invalid, match="bad-policy"):
        parse(older)
    async with db.session() as session:
        await service.seed(session, Kind.POLICY, older, datetime(2023, 6, 5, tzinfo=SHANGHAI), "旧版")
    made = Process(RulesKeeper(db, TEXT, lambda book: made.apply(book), must_load=True))
    await made.keeper.look()
    assert not made.book.present(now())[ClockPolicy].count_start_day
