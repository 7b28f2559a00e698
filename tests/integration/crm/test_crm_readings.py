"""Readings that the bureau may change, each in both its branches (D5–D18): the county's file, and another policy."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from crm_desk import Desk, at
from crm_invariants import broken
from invented_county import COUNTIES
from test_crm_hotlines import figures
from test_crm_limits import REASON, WHY
from test_crm_returns import NOT_OURS, signed

from core import clock
from core.db import Database
from core.errors import Conflict, Invalid
from core.policy import parse
from core.rules.book import Enacted, Rulebook
from crm import installed
from crm.clocks import present_rules
from crm.installed import Installation
from crm.queries.statistics import Rate
from crm.tickets.limits import Proposal, approve_limit, propose_limit
from crm.tickets.models import Dispute, DueChange, Extension, Reply
from crm.tickets.states import Act, State
from crm.timers.scan import scan

Reads = Callable[..., None]
SINCE = datetime(2023, 6, 5, tzinfo=UTC)
TEXT = (COUNTIES / "yiyang" / "policy.toml").read_text(encoding="utf-8")
TICK = timedelta(microseconds=1)


@pytest.fixture
async def desk(db: Database, office: Any) -> Desk:
    return await Desk(db, office).open()


@pytest.fixture
def reads(installation: Installation) -> Reads:
    """`reads("automatic = false", "automatic = true")`: the policy with these lines changed."""

    def change(*pairs: str) -> None:
        text = TEXT
        for before, after in zip(pairs[::2], pairs[1::2], strict=True):
            assert before in text
            text = text.replace(before, after, 1)
        book = Rulebook((Enacted(SINCE, parse(text)),), installation.rules.calendars)
        installed.use(replace(installation, rules=book))

    return change


async def scanned(db: Database, when: datetime) -> dict[str, int]:
    with clock.frozen(when):
        fired = await scan(db)
    assert fired is not None
    return {timer: count for timer, count in fired.items() if count}


@pytest.mark.proves("D5")
async def test_the_day_of_dispatch_is_that_of_the_committed_dispatch(desk: Desk) -> None:
    office = desk.office
    await desk.dispatch(when="2026-03-03 00:05")  # the call came on the 2nd
    made, [_, _, event] = await desk.round(), await desk.events()
    assert made.dispatched_at == event.at == (await desk.part("cgj")).dispatched_at == at("2026-03-03 00:05")
    assert made.due_at == at("2026-03-18 00:00")
    await desk.act(office.clerk, Act.SIGN, when="2026-03-04 09:00")
    assert (await desk.round()).due_at == at("2026-03-18 00:00"), "neither signing nor looking at it is a dispatch"


@pytest.mark.proves("D36")
async def test_on_rest_days_and_at_night_everybody_acts_and_the_real_time_counts(db: Database, desk: Desk) -> None:
    office = desk.office
    await desk.dispatch(when="2026-02-16 23:50")  # Spring Festival rests from the 15th to the 23rd
    due = (await desk.ticket()).due_at
    await desk.act(office.clerk, Act.SIGN, when="2026-02-17 02:10")
    await desk.submit(office.clerk, when="2026-02-18 23:40")
    signed_at = (await desk.part("cgj")).signed_at
    assert (signed_at, [one.submitted_at for one in await desk.rows(Reply)]) == (
        at("2026-02-17 02:10"), [at("2026-02-18 23:40")],
    )  # fmt: skip
    assert [event.at for event in await desk.events()][-3:] == [
        at("2026-02-16 23:50"), at("2026-02-17 02:10"), at("2026-02-18 23:40"),
    ]  # fmt: skip
    assert (await desk.ticket()).due_at == due == at("2026-03-07 00:00"), "no act moves what counts working days"

    other = await signed(await Desk(db, office).open(), "2026-03-07 22:00")
    await other.act(office.clerk, Act.RETURN, when="2026-03-08 03:05", **NOT_OURS)
    assert (await other.events())[-1].at == at("2026-03-08 03:05")
    assert await other.state() is State.RETURNING


@pytest.mark.proves("D7")
async def test_by_default_nobody_signs_in_the_units_place(db: Database, desk: Desk) -> None:
    await desk.dispatch(when="2026-03-02 10:00")
    assert "sign-automatic" not in await scanned(db, at("2026-03-04 09:00"))
    assert (await desk.part("cgj")).signed_at is None


@pytest.mark.proves("D7")
async def test_where_the_bureau_says_so_the_system_signs_late(db: Database, desk: Desk, reads: Reads) -> None:
    reads("automatic = false", "automatic = true")
    await desk.dispatch("cgj", "taoyuan", when="2026-03-02 10:00")
    due = (await desk.ticket()).due_at
    assert "sign-automatic" not in await scanned(db, at("2026-03-04 00:00") - TICK)
    while await scanned(db, at("2026-03-04 00:00")):  # an order that has two parts is looked at twice
        pass
    lead, helper, ticket = await desk.part("cgj"), await desk.part("taoyuan"), await desk.ticket()
    assert (lead.signed_by, lead.stage, helper.stage) == (None, "handling", "handling")
    assert lead.signed_at is not None and lead.sign_overdue_at is not None, "signed, and not in time"
    assert (ticket.state, ticket.due_at, ticket.state_due_at) == (State.HANDLING, due, due)
    signs = [event for event in await desk.events() if event.act == Act.SIGN]
    assert {event.actor_name for event in signs} == {"系统"}
    assert any(event.after.get("signed_by") == "system" for event in signs)
    assert (await scanned(db, at("2026-03-06 00:00"))).get("sign-escalated", 0) == 0
    async with db.session() as session:
        assert await broken(session) == []
    [counted] = (await figures(db, desk.office.director)).values()
    assert counted.signed == Rate(0, 1), "and so it counts"
    desk.now = at("2026-03-04 10:00")
    await desk.act(desk.office.clerk, Act.RETURN, **NOT_OURS)


async def reviewed(desk: Desk) -> Desk:
    """Returned on the 2nd, refused on the 4th."""
    office = desk.office
    await signed(desk, "2026-03-02 10:00")
    await desk.act(office.clerk, Act.RETURN, **NOT_OURS)
    await desk.act(office.dispatcher, Act.REFUSE_RETURN, when="2026-03-04 17:00", reason=REASON)
    return desk


@pytest.mark.proves("D9")
async def test_by_default_the_clock_runs_on_while_a_return_is_reviewed(db: Database, desk: Desk) -> None:
    await reviewed(desk)
    assert ((await desk.ticket()).due_at, await desk.rows(DueChange)) == (at("2026-03-17 00:00"), [])
    other = await signed(await Desk(db, desk.office).open(category="consultation"), "2026-03-02 10:00")
    await other.act(desk.office.clerk, Act.RETURN, **NOT_OURS)
    assert "lead-overdue" in await scanned(db, at("2026-03-05 00:00"))
    assert (await other.ticket()).overdue_at is not None


@pytest.mark.proves("D9")
async def test_where_the_bureau_says_so_the_clock_stands_still_meanwhile(
    db: Database, desk: Desk, reads: Reads
) -> None:
    reads("stops_clock = false", "stops_clock = true")
    await reviewed(desk)
    [change] = await desk.rows(DueChange)
    assert (change.cause, change.before, change.after) == (
        "suspension",
        at("2026-03-17 00:00"),
        at("2026-03-19 00:00"),
    )
    office = desk.office
    other = await signed(await Desk(db, office).open(category="consultation"), "2026-03-02 10:00")
    await other.act(office.clerk, Act.RETURN, **NOT_OURS)
    await scanned(db, at("2026-03-06 00:00"))
    assert (await other.ticket()).overdue_at is None, "not overdue while somebody decides"
    given = {"reason": REASON, "compensation_days": 1}
    with pytest.raises(Invalid, match="已停止计时"):
        await other.act(office.dispatcher, Act.REFUSE_RETURN, when="2026-03-06 09:00", **given)
    await other.act(office.dispatcher, Act.REFUSE_RETURN, reason=REASON)
    assert (await other.ticket()).due_at == at("2026-03-11 00:00"), "four working days stood still"
    async with db.session() as session:
        assert await broken(session) == []


async def sent_again(desk: Desk, unit: str) -> Desk:
    """Returned on the 2nd and sent on, on the 9th."""
    office = desk.office
    await signed(desk, "2026-03-02 10:00")
    await desk.act(office.clerk, Act.RETURN, **NOT_OURS)
    await desk.act(office.dispatcher, Act.ACCEPT_RETURN, reason=REASON)
    await desk.dispatch(unit, when="2026-03-09 09:00")
    return desk


@pytest.mark.proves("D10")
@pytest.mark.parametrize(
    ("rule", "unit", "due"),
    [
        ("different-unit", "gaj", "2026-03-24 00:00"),
        ("different-unit", "cgj", "2026-03-17 00:00"),
        ("always", "cgj", "2026-03-24 00:00"),
        ("never", "gaj", "2026-03-17 00:00"),
    ],
)
async def test_which_clock_a_dispatch_after_a_return_has(
    db: Database, desk: Desk, reads: Reads, rule: str, unit: str, due: str
) -> None:
    if rule != "different-unit":
        reads('new_clock = "different-unit"', f'new_clock = "{rule}"')
    await sent_again(desk, unit)
    assert (await desk.ticket()).due_at == (await desk.part(unit)).due_at == at(due)
    assert (await desk.ticket()).first_dispatched_at == at("2026-03-02 10:00"), "what it took in all goes on"
    async with db.session() as session:
        assert await broken(session) == []


@pytest.mark.proves("D11")
@pytest.mark.parametrize(("ping_pong", "state"), [("true", State.DISPUTED), ("false", State.RETURNING)])
async def test_a_suggestion_of_who_returned_it_is_a_dispute_where_the_bureau_says_so(
    desk: Desk, reads: Reads, ping_pong: str, state: State
) -> None:
    reads("disputed_from = 2", "disputed_from = 3", "ping_pong = true", f"ping_pong = {ping_pong}")
    office = desk.office
    await sent_again(desk, "gaj")
    await desk.act(office.other, Act.SIGN)
    await desk.act(office.other, Act.RETURN, ground="not-ours", suggested_unit_id=office.units["cgj"])
    assert await desk.state() is state
    assert [one.trigger for one in await desk.rows(Dispute)] == ["ping-pong"] * (state is State.DISPUTED)


@pytest.mark.proves("D11")
async def test_a_person_may_call_it_a_dispute_and_the_meeting_is_due_in_a_working_day(desk: Desk) -> None:
    await signed(desk, "2026-03-06 16:00")
    await desk.act(desk.office.bureau, Act.DISPUTE, reason="两单位均称不属其职责")
    [dispute] = await desk.rows(Dispute)
    assert (dispute.trigger, dispute.convene_due_at) == ("person", at("2026-03-10 00:00"))


@pytest.mark.proves("D13")
async def test_a_longer_type_needs_nobody_else_where_the_bureau_says_so(
    db: Database, office: Any, reads: Reads
) -> None:
    reads("longer_needs_second = true", "longer_needs_second = false", "least_left = 1", "least_left = 2")
    desk = await signed(await Desk(db, office).open(category="help"), "2026-03-02 10:00")
    await desk.act(office.lead, Act.RETYPE, category="complaint", reason=REASON)
    assert (await desk.ticket()).due_at == at("2026-03-17 00:00")
    await desk.act(office.lead, Act.RETYPE, when="2026-03-12 09:00", category="consultation", reason=REASON)
    assert (await desk.ticket()).due_at == at("2026-03-17 00:00"), "two working days are left"


async def reported_before(desk: Desk, times: int) -> None:
    """The same matter was closed before, after so many reports; this order is the next one."""
    office = desk.office
    earlier = await Desk(desk.db, office).open()
    await earlier.dispatch(when="2026-09-01 10:00")
    for _ in range(times - 1):
        other = await Desk(desk.db, office).open()
        await other.act(office.agent2, Act.MERGE, master_id=earlier.id, reason="同一事项再次反映")
    await earlier.handled()
    await desk.act(office.agent2, Act.REPEAT, when="2026-09-21 09:00", earlier_id=earlier.id)


@pytest.mark.proves("D14")
async def test_met_at_the_dispatch_it_is_fifteen_days_from_there_and_no_retype_changes_it(desk: Desk) -> None:
    await reported_before(desk, 2)
    await desk.dispatch(when="2026-09-21 10:00", hard=True)
    made = await desk.round()
    assert (made.limit_kind, made.due_at) == ("repeated", at("2026-10-20 00:00"))
    await desk.act(desk.office.dispatcher, Act.RETYPE, category="help", reason=REASON)
    assert ((await desk.ticket()).category, (await desk.round()).due_at) == ("help", made.due_at)
    assert await desk.rows(DueChange) == []


@pytest.mark.proves("D14")
async def test_how_many_reports_it_takes_is_the_bureaus_to_say(desk: Desk, reads: Reads) -> None:
    await reported_before(desk, 1)
    with pytest.raises(Invalid, match="反映2次，不足3次"):
        await desk.dispatch(when="2026-09-21 10:00", hard=True)
    reads("repeated_from = 3", "repeated_from = 2")
    await desk.dispatch(when="2026-09-21 10:00", hard=True)
    assert (await desk.round()).limit_kind == "repeated"


@pytest.mark.proves("D15", "T06")
@pytest.mark.parametrize(
    ("n", "unit", "due"),
    [(30, "day", "2026-04-02 00:00"), (1, "month", "2026-04-03 00:00"), (3, "working-day", "2026-03-06 00:00")],
)
async def test_another_laws_limit_is_kept_to_its_instant(
    db: Database, office: Any, n: int, unit: str, due: str
) -> None:
    law = {"matter": "CX01", "n": n, "unit": unit, "citation": "某条例第十条", "effective_from": "2026-01-01"}
    async with db.session() as session:
        limit = await propose_limit(session, office.lead, Proposal.model_validate(law))
    async with db.session() as session:
        await approve_limit(session, office.director, limit.id)
    desk = await Desk(db, office).open()
    await signed(desk, "2026-03-02 10:00")
    assert (await desk.ticket()).due_at == at(due)
    assert "lead-overdue" not in await scanned(db, at(due) - TICK)
    assert (await scanned(db, at(due)))["lead-overdue"] == 1
    assert (await desk.ticket()).overdue_at == at(due)


async def reworked(desk: Desk) -> Desk:
    """Extended, answered, unsatisfying, ordered to be done again and signed for."""
    office = desk.office
    await signed(desk, "2026-03-02 10:00")
    await desk.act(office.clerk, Act.EXTEND, days=5, **WHY)
    await desk.act(office.dispatcher, Act.GRANT_EXTENSION, reason=REASON)
    await desk.submit(office.clerk)
    await desk.act(office.checker, Act.PASS)
    await desk.act(office.caller, Act.FOLLOW_UP, result="rated", grade="unsatisfied", reason="unsolved", solved=False)
    await desk.act(office.director, Act.REWORK, basis="经核实，问题未解决")
    await desk.act(office.clerk, Act.SIGN)
    return desk


@pytest.mark.proves("D16", "T10")
async def test_once_means_once_over_all_rounds(desk: Desk) -> None:
    await reworked(desk)
    with pytest.raises(Conflict, match="本工单已延期1次"):
        await desk.act(desk.office.clerk, Act.EXTEND, days=1, **WHY)


@pytest.mark.proves("D16", "T10")
async def test_once_in_each_round_where_the_bureau_says_so(desk: Desk, reads: Reads) -> None:
    reads('counted_by = "order"', 'counted_by = "round"')
    await reworked(desk)
    await desk.act(desk.office.clerk, Act.EXTEND, days=1, **WHY)
    await desk.act(desk.office.dispatcher, Act.GRANT_EXTENSION, reason=REASON)
    with pytest.raises(Conflict, match="本轮办理已延期1次"):
        await desk.act(desk.office.clerk, Act.EXTEND, days=1, **WHY)


@pytest.mark.proves("D18")
@pytest.mark.parametrize(("rule", "in_time"), [("submission", True), ("acceptance", False)])
async def test_which_instant_decides(db: Database, desk: Desk, reads: Reads, rule: str, in_time: bool) -> None:
    if rule == "acceptance":
        reads('decided_by = "submission"', 'decided_by = "acceptance"')
    office = desk.office
    await signed(desk, "2026-03-02 10:00")
    await desk.submit(office.clerk, when="2026-03-16 23:59")
    await scanned(db, at("2026-03-17 00:00"))
    assert ((await desk.ticket()).overdue_at is None) is in_time
    await desk.act(office.checker, Act.PASS, when="2026-03-17 09:00")
    [reply] = await desk.rows(Reply)
    assert reply.in_time is in_time
    assert (await desk.events())[-1].after["in_time"] is in_time


@pytest.mark.proves("D18")
async def test_a_submission_that_is_sent_back_is_none(desk: Desk) -> None:
    office = desk.office
    await signed(desk, "2026-03-02 10:00")
    await desk.submit(office.clerk, when="2026-03-16 20:00")
    await desk.act(office.checker, Act.SEND_BACK, when="2026-03-17 09:00", text="未说明清理结果")
    await desk.submit(office.clerk)
    await desk.act(office.checker, Act.PASS)
    assert [one.in_time for one in await desk.rows(Reply)] == [None, False]


@pytest.mark.proves("D18", "D17")
async def test_an_extension_granted_after_the_submission_counts(desk: Desk) -> None:
    office = desk.office
    await signed(desk, "2026-03-02 10:00")
    await desk.act(office.clerk, Act.EXTEND, when="2026-03-16 20:00", days=5, **WHY)
    await desk.submit(office.clerk, when="2026-03-17 10:00")
    await desk.act(office.dispatcher, Act.GRANT_EXTENSION, reason=REASON)
    await desk.act(office.checker, Act.PASS)
    assert [one.in_time for one in await desk.rows(Reply)] == [True]
    assert [one.state for one in await desk.rows(Extension)] == ["granted"]


@pytest.mark.proves("D8", "T07")
async def test_the_window_is_said_at_the_signing_and_may_be_longer(desk: Desk, reads: Reads) -> None:
    reads("window = 1", "window = 2")
    await desk.dispatch(when="2026-03-06 16:00")
    done = await desk.act(desk.office.clerk, Act.SIGN)
    assert "3月10日24:00" in done.result.say
    with pytest.raises(Conflict, match="退回申请已于"):
        await desk.act(desk.office.clerk, Act.RETURN, when="2026-03-11 00:00", **NOT_OURS)
    await desk.act(desk.office.clerk, Act.RETURN, when="2026-03-10 23:59", **NOT_OURS)


@pytest.mark.proves("D8", "T07")
async def test_nobody_returns_what_he_did_not_sign_for_or_asks_twice(desk: Desk) -> None:
    office = desk.office
    await desk.dispatch(when="2026-03-02 10:00")
    with pytest.raises(Conflict, match="待签收"):
        await desk.act(office.clerk, Act.RETURN, **NOT_OURS)
    await desk.act(office.clerk, Act.SIGN)
    await desk.act(office.clerk, Act.RETURN, **NOT_OURS)
    with pytest.raises(Conflict, match="退回待审"):
        await desk.act(office.clerk, Act.RETURN, **NOT_OURS)


def test_the_present_rules_are_those_of_the_policy(reads: Reads) -> None:
    reads("buffer_wd = 1", "buffer_wd = 0")
    city = at("2026-03-17 00:00")
    assert present_rules(at("2026-03-02 10:00")).held_to(None, city) == city


@pytest.mark.proves("D12")
async def test_what_is_none_of_the_six_kinds_has_no_clock(db: Database, office: Any) -> None:
    praise = await Desk(db, office).open(category=None, title="感谢城管队员", content="感谢城管队员帮助找回钱包。")
    with pytest.raises(Invalid, match="请选择诉求类别（第九条、第十三条）"):
        await praise.dispatch()
    await praise.act(office.agent, Act.ANSWER, text="已记录并转告该单位。")
    ticket = await praise.ticket()
    assert (ticket.state, ticket.category, ticket.due_at) == (State.ANSWERED, None, None)
