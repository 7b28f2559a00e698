"""Who is told of what: the matrix over real acts and timers, each recipient once, and nothing that must not be said."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from crm_desk import Desk, at
from sqlalchemy import select, text

from core import clock
from core.clock import local
from core.db import Database
from core.errors import Invalid, NotFound
from core.identity.models import Unit, User
from core.jobs import run_pending
from core.policy import parse
from crm.installed import Installation
from crm.notices import service
from crm.notices.models import Notice
from crm.notices.subscribers import acted
from crm.notices_policy import LONGEST, SAMPLE, NoticesPolicy
from crm.policy import SmsPolicy
from crm.sms.models import Sms
from crm.sms.text import units
from crm.tickets.events import TicketActed
from crm.tickets.states import Act
from crm.timers.scan import scan

DUTY = {"cgj": "+8613700000001", "taoyuan": "+8613700000002", "gaj": "+8613700000003"}


@pytest.fixture
async def desk(db: Database, office: Any) -> Desk:
    async with db.session() as session:
        for code, phone in DUTY.items():
            (await session.get_one(Unit, office.units[code])).duty_phone = phone
    return await Desk(db, office).open(title="路边摊占道", content="幸福路口每天傍晚占道经营")


Told = Callable[[], Awaitable[set[tuple[str, str]]]]


@pytest.fixture
def told(db: Database, desk: Desk) -> Told:
    """Runs the jobs -> (login, template) of every inbox row."""

    async def ask() -> set[tuple[str, str]]:
        with clock.frozen(desk.now):
            await run_pending(db)
        async with db.session() as session:
            rows = await session.execute(select(User.login, Notice.template).join(Notice, Notice.user_id == User.id))
            found = [(login, template) for login, template in rows]
        assert len(found) == len(set(found)), "one row for each person and event"
        return set(found)

    return ask


async def messages(db: Database) -> list[Sms]:
    async with db.session() as session:
        return list(await session.scalars(select(Sms).where(Sms.key.startswith("notice:")).order_by(Sms.id)))


async def scanned(db: Database, desk: Desk, when: str) -> None:
    desk.now = at(when)
    with clock.frozen(desk.now):
        await scan(db)


@pytest.mark.proves("D31", "A22-3")
async def test_a_dispatch_reaches_its_units_and_no_other(db: Database, desk: Desk, told: Told) -> None:
    await desk.dispatch("cgj", "taoyuan")
    assert await told() == {("clerk", "dispatched"), ("helper", "dispatched")}
    sent = await messages(db)
    assert {one.to for one in sent} == {DUTY["cgj"], DUTY["taoyuan"]}
    number = (await desk.ticket()).number
    for one in sent:
        assert number in one.text and one.text.startswith("【弋阳12345】") and units(one.text) <= 70
        assert not any(part in one.text for part in ("占道", "幸福", "城市管理", "桃源", "13800001234"))


async def test_telling_again_makes_nothing_twice(db: Database, desk: Desk, told: Told) -> None:
    await desk.dispatch("cgj")
    first = await told()
    async with db.session() as session:
        await session.execute(text("UPDATE procrastinate_jobs SET status = 'todo' WHERE task_name LIKE 'crm.notify%'"))
    assert await told() == first
    assert len(await messages(db)) == 1


@pytest.mark.proves("T01", "D7")
async def test_an_unsigned_order_goes_up_step_by_step(db: Database, desk: Desk, told: Told) -> None:
    await desk.dispatch("cgj")
    before = await told()
    await scanned(db, desk, "2026-03-04 00:00")
    late = await told() - before
    assert late == {(one, "unsigned") for one in ("clerk", "chief", "dispatcher", "lead")}
    await scanned(db, desk, "2026-03-05 00:00")
    assert await told() - before - late == {("bureau", "unsigned"), ("director", "unsigned")}


@pytest.mark.proves("T04")
async def test_an_overdue_order_is_told_to_unit_centre_and_bureau(db: Database, desk: Desk, told: Told) -> None:
    await desk.dispatch("cgj")
    await desk.act(desk.office.clerk, Act.SIGN)
    before = await told()
    await scanned(db, desk, "2026-03-17 00:00")
    assert await told() - before == {(one, "overdue") for one in ("clerk", "chief", "director", "bureau")}
    assert "3月16日24时" in (await messages(db))[-1].text


async def test_at_night_messages_wait_for_seven(db: Database, desk: Desk, told: Told) -> None:
    sent = await desk.dispatch("cgj", when="2026-03-02 23:30")
    with clock.frozen(desk.now):
        async with db.session() as session:
            await acted(session, [TicketActed(ticket_id=desk.id, seq=sent.seq, act=Act.DISPATCH)])
    async with db.session() as session:
        rows = await session.execute(
            text(
                "SELECT j.scheduled_at FROM procrastinate_jobs j JOIN sms s ON s.id = (j.args->>'sms_id')::uuid"
                " WHERE s.key LIKE 'notice:%'"
            )
        )
        assert [row.scheduled_at for row in rows] == [at("2026-03-03 07:00")]


@pytest.mark.parametrize(
    ("when", "until"),
    [
        ("2026-03-02 21:59", None),
        ("2026-03-02 22:00", "2026-03-03 07:00"),
        ("2026-03-03 06:59", "2026-03-03 07:00"),
        ("2026-03-03 07:00", None),
    ],
)
def test_quiet_hours(installation: Installation, when: str, until: str | None) -> None:
    found: datetime | None = installation.policy[NoticesPolicy].quiet_until(at(when))
    assert (local(found).strftime("%Y-%m-%d %H:%M") if found else None) == until


@pytest.mark.proves("A22-3")
async def test_a_report_is_told_only_to_those_who_may_know_of_it(db: Database, desk: Desk, told: Told) -> None:
    sealed = await Desk(db, desk.office).open(
        category="report", title="举报违建", content="某处违法建设", phone="+8613900007777"
    )
    await sealed.dispatch("cgj", identity_checked=True)
    desk.now = sealed.now
    await told()
    await scanned(db, desk, "2026-03-17 00:00")
    await told()
    async with db.session() as session:
        rows = list(await session.scalars(select(Notice).where(Notice.ticket_id == sealed.id)))
        agents = set(await session.scalars(select(User.id).where(User.login.in_(("agent", "archivist")))))
    assert rows and not agents & {row.user_id for row in rows}
    texts = [row.text for row in rows] + [one.text for one in await messages(db)]
    assert not any(word in said for said in texts for word in ("举报", "违建", "7777"))


async def test_extension_and_close_are_told_to_the_citizen(db: Database, desk: Desk, told: Told) -> None:
    await desk.dispatch("cgj")
    await desk.act(desk.office.clerk, Act.SIGN)
    asked = {"days": 5, "ground": "complex", "explanation": "需跨部门现场勘验，情况复杂"}
    await desk.act(desk.office.clerk, Act.EXTEND, **asked)
    await desk.act(desk.office.dispatcher, Act.GRANT_EXTENSION, reason="情况属实，同意")
    assert ("clerk", "extended") in await told()
    await desk.submit(desk.office.clerk)
    await desk.act(desk.office.checker, Act.PASS)
    assert ("caller", "to_follow_up") in await told()
    to_citizen = [one.text for one in await messages(db) if one.to == "+8613800001234"]
    assert len(to_citizen) == 2
    assert "3月23日24时" in to_citizen[0]
    assert "已办结" in to_citizen[1]


async def test_a_person_reads_only_his_own(db: Database, desk: Desk, told: Told) -> None:
    await desk.dispatch("cgj", "taoyuan")
    await told()
    clerk, helper = desk.office.clerk.user_id, desk.office.helper.user_id
    async with db.session() as session:
        [mine] = await service.inbox(session, clerk, unread_only=True, limit=50)
        with pytest.raises(NotFound):
            await service.read(session, helper, mine.id)
        assert await service.unread(session, clerk) == 1
        await service.read(session, clerk, mine.id)
        assert (await service.unread(session, clerk), await service.unread(session, helper)) == (0, 1)


def test_every_text_fits_one_message(installation: Installation) -> None:
    section = installation.policy[NoticesPolicy]
    signature = installation.policy[SmsPolicy].signature
    texts = [v for name in NoticesPolicy.model_fields if "{number}" in str(v := getattr(section, name))]
    assert len(texts) >= 15
    assert max(units(f"【{signature}】{one.format(**SAMPLE)}") for one in texts) <= 70


@pytest.mark.parametrize("bad", ["工单已派发", "{number}{title}", "{number", "{number.x}", "{number}" + "长" * LONGEST])
def test_a_template_that_says_more_or_too_much_is_refused(installation: Installation, bad: str) -> None:
    given = Path("counties/yiyang/policy.toml").read_text(encoding="utf-8")
    before = "工单{number}逾期未签收，请立即签收。"
    assert before in given
    with pytest.raises(Invalid):
        parse(given.replace(before, bad))


@pytest.mark.proves("F15-3")
async def test_an_extension_is_told_to_the_citizen_with_its_new_due(db: Database, desk: Desk, told: Told) -> None:
    office = desk.office
    await desk.dispatch("cgj")
    await desk.act(office.clerk, Act.SIGN)
    asked = {"days": 5, "ground": "complex", "explanation": "需跨部门现场勘验"}
    await desk.act(office.clerk, Act.EXTEND, **asked)
    await told()
    assert not [one for one in await messages(db) if one.key.endswith(":citizen")], "nothing is promised yet"
    await desk.act(office.dispatcher, Act.GRANT_EXTENSION, reason="情况属实")
    assert ("clerk", "extended") in await told()
    [citizen] = [one for one in await messages(db) if one.key.endswith(":citizen")]
    assert citizen.to == "+8613800001234"
    assert "办理期限延至3月23日24时" in citizen.text and "占道" not in citizen.text


@pytest.mark.proves("D11")
async def test_a_dispute_is_told_to_every_unit_that_returned_the_order(db: Database, desk: Desk, told: Told) -> None:
    office = desk.office
    await desk.dispatch("cgj")
    await desk.act(office.clerk, Act.SIGN)
    await desk.act(office.clerk, Act.RETURN, ground="not-ours", suggested_unit_id=office.units["gaj"])
    await desk.act(office.dispatcher, Act.ACCEPT_RETURN, reason="经核对职责分工")
    await desk.dispatch("gaj")
    await desk.act(office.other, Act.SIGN)
    before = await told()
    await desk.act(office.other, Act.RETURN, ground="not-ours", suggested_unit_id=office.units["cgj"])
    people = {login for login, template in await told() - before if template == "dispute"}
    assert people == {"clerk", "chief", "other", "bureau", "bureau_leader", "director"}
