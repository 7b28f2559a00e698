"""One order through every desk, each person at the own one: from the call to the archive; and back, away, extended."""

import re
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from browser_data import PASSWORD, fill
from playwright.async_api import Page, expect
from sqlalchemy import select
from test_browser_frame import picture

from core import clock
from core.actor import SYSTEM, Actor
from core.db import Database
from core.identity import service as identity
from core.identity.models import Unit, User
from core.permissions import Role
from crm.tickets import service
from crm.tickets.dispatch import Order, dispatch
from crm.tickets.input import Correction
from crm.tickets.models import Ticket
from crm.tickets.states import State

pytestmark = pytest.mark.browser
STAFF = (
    ("chenpai", "陈敏", Role.DISPATCHER, ""),
    ("zhouban", "周洁", Role.UNIT_CLERK, "cgj"),
    ("wuban", "吴刚", Role.UNIT_CLERK, "jtysj"),
    ("zhaojian", "赵雪", Role.CHECKER, ""),
    ("sunhui", "孙丽", Role.FOLLOW_UP, ""),
    ("qiandang", "钱文", Role.ARCHIVIST, ""),
)
STALLS = {
    "matter": "CX01",
    "title": "方志敏大道流动摊贩占道",
    "content": "每天傍晚流动摊贩占道经营，行人只能走机动车道。",
}
LAMPS = {"matter": "CX04", "title": "环城路路灯不亮", "content": "环城路北段路灯连续几天不亮，晚上出行不安全。"}
MORE = {"matter": "CX05", "title": "龟峰路下水道堵塞", "content": "龟峰路下水道堵塞，污水溢到路面，请尽快疏通。"}


async def people(db: Database) -> dict[str, UUID]:
    """The staff at their desks -> units by code."""
    await fill(db)
    async with db.session() as session:
        units = {unit.code: unit.id for unit in await session.scalars(select(Unit))}
        for login, name, role, unit in STAFF:
            roles, unit_id = frozenset({role}), units[unit] if unit else None
            await identity.create_user(
                session, SYSTEM, login=login, name=name, roles=roles, unit_id=unit_id, password=PASSWORD
            )
    return units


async def taken(db: Database, fields: dict[str, str], back: timedelta, lead: UUID | None = None) -> Ticket:
    """A complaint that an agent took some time ago; confirmed, or dispatched to `lead`."""
    with clock.frozen(clock.now() - back):
        async with db.session() as session:
            user = (await session.scalars(select(User).where(User.login == "wangli"))).one()
            agent: Actor = identity.actor_of(user)
            told = dict.fromkeys(("occurred", "address", "subject", "demand"), "不详")
            given = Correction.model_validate({"category": "complaint", "caller_name": "李桂芳", **told, **fields})
            opening = service.Opening("counter", phone="+8613800001234", agent_id=user.id, given=given)
            ticket = await service.open_draft(session, opening)
            if lead is None:
                return await service.confirm(session, agent, ticket.id, ticket.version)
            await dispatch(session, agent, ticket.id, ticket.version, Order(lead_unit_id=lead, basis="派单目录"))
            return ticket


async def answered(db: Database, site: Any) -> Ticket:
    """The order that the agent makes of the call that is going on: written while the citizen speaks, then confirmed."""
    async with db.session() as session:
        ticket = (await session.scalars(select(Ticket).where(Ticket.call_id.is_not(None)))).one()
    page = await site.enter("wangli")
    await page.goto(f"{site.url}/calls/{ticket.call_id}")
    await page.locator("#field-category").select_option("complaint")
    await page.locator("#field-matter").select_option(STALLS["matter"])
    written = {name: STALLS[name] for name in ("title", "content")}
    written |= {"occurred": "每天傍晚", "address": "方志敏大道", "subject": "流动摊贩", "demand": "请城管部门劝离"}
    for name, words in written.items():
        await page.locator(f"#field-{name}").fill(words)
    await page.get_by_role("button", name="保存，暂不派发").click()
    await expect(page.locator(".note")).to_be_visible()
    await page.goto(f"{site.url}/orders/{ticket.id}")
    await expect(page.locator("#order-words")).to_contain_text("晚上七点以后也有烧烤摊")
    await unfold(page, "confirm")
    await done(page, "confirm", "确认，转入待派单")
    assert await state(db, ticket) is State.CONFIRMED
    return ticket


async def state(db: Database, ticket: Ticket) -> State:
    async with db.session() as session:
        return State((await session.get_one(Ticket, ticket.id)).state)


async def queue(page: Page, name: str) -> None:
    """Go to the queue of this name: the page that one leaves may show the same orders."""
    link = page.locator("#rail").get_by_role("link", name=name)
    place = await link.get_attribute("href") or ""
    await link.click()
    await expect(page).to_have_url(re.compile(re.escape(place) + "$"))


async def unfold(page: Page, act: str) -> Any:
    """The act's form on the order page, unfolded."""
    form = page.locator(f"#act-{act}")
    await form.wait_for(state="attached")
    if not await form.is_visible():
        await page.locator(f"details:has(> #act-{act}) > summary").click()
    return form


async def done(page: Page, act: str, button: str) -> None:
    """Press the act's button and wait for what the page says of it."""
    await page.locator(f"details:has(> #act-{act})").get_by_role("button", name=button).click()
    await expect(page.locator(".note")).to_contain_text("已登记")


async def test_an_order_goes_from_the_call_to_the_archive(db: Database, site: Any) -> None:
    units = await people(db)
    ticket = await answered(db, site)
    await taken(db, MORE, timedelta(minutes=7))
    await taken(db, {"title": "咨询社保补缴", "content": "咨询灵活就业人员社保断缴后能否补缴。"}, timedelta(minutes=4))

    page = await site.enter("chenpai")
    await queue(page, "待派单")
    row = page.locator(".queue tbody tr", has_text=ticket.number)
    await expect(row).to_contain_text("派单目录：事项")
    await picture(page, "desk-dispatch")
    for box in await page.locator(".queue tbody input[type=checkbox]").all():
        await box.check()
    await page.get_by_role("button", name="查看批量派发结果预览").click()
    await expect(page.locator("#ready tbody")).to_contain_text("城市管理")
    await expect(page.locator("#left tbody")).to_contain_text("由热线中心指定承办单位")
    await picture(page, "desk-dispatch-preview")
    await page.get_by_role("button", name="派发 2 张并发送短信").click()
    await expect(page.locator(".note")).to_contain_text("已派发 2 张工单")
    assert await state(db, ticket) is State.DISPATCHED

    await taken(db, LAMPS, timedelta(days=12), units["cgj"])
    clerk = await site.enter("zhouban")
    await expect(clerk.locator("h1")).to_have_text("待签收")
    await expect(clerk.locator(".queue tbody")).to_contain_text(ticket.number)
    await expect(clerk.locator(".queue tbody .clock-late")).to_have_count(1)
    await picture(clerk, "desk-unit")
    await clerk.locator(".queue tbody tr", has_text=ticket.number).get_by_role("button", name="签收").click()
    await expect(clerk.locator(".note")).to_contain_text("“签收”已登记")
    await queue(clerk, "办理中")
    await clerk.locator(".queue tbody").get_by_role("link", name=ticket.number).click()
    form = await unfold(clerk, "submit")
    await form.get_by_label("办理结果").fill("已派员到方志敏大道清理，占道摊贩全部劝离，并安排每日巡查。")
    await form.get_by_label("办结方式").select_option("handled")
    await clerk.get_by_role("button", name="提交办结，送审核").click()
    await expect(clerk.locator("#problem")).to_contain_text("请选择答复方式")
    await expect(form.get_by_label("办理结果")).to_have_value(
        "已派员到方志敏大道清理，占道摊贩全部劝离，并安排每日巡查。"
    )
    await picture(clerk, "desk-unit-reply")
    await form.get_by_label("答复方式").select_option("phone")
    told = clock.local(clock.now()).strftime("%Y-%m-%dT%H:%M:%S")
    await form.get_by_label("答复时间").fill(told)
    await form.get_by_label("答复的经办人").fill("周洁")
    await form.get_by_label("诉求是否解决").select_option("true")
    await form.get_by_label("办理佐证").fill("现场照片2张")
    await done(clerk, "submit", "提交办结，送审核")
    assert await state(db, ticket) is State.CHECKING

    checker = await site.enter("zhaojian")
    await expect(checker.locator("h1")).to_have_text("答复审核")
    await checker.locator(".queue tbody").get_by_role("link", name=ticket.number).click()
    await expect(checker.locator(".story").first).to_contain_text("占道摊贩全部劝离")
    await picture(checker, "desk-check")
    await unfold(checker, "pass")
    await done(checker, "pass", "审核通过并办结")

    caller = await site.enter("sunhui")
    await expect(caller.locator("h1")).to_have_text("待回访")
    await expect(caller.locator(".queue tbody")).to_contain_text(ticket.number)
    await picture(caller, "desk-follow-up")
    await caller.locator(".queue tbody").get_by_role("link", name=ticket.number).click()
    form = await unfold(caller, "follow-up")
    await form.get_by_label("回访结果").select_option("rated")
    await form.get_by_label("满意度").select_option("satisfied")
    await form.get_by_label("诉求是否解决").select_option("true")
    await done(caller, "follow-up", "登记回访")

    archivist = await site.enrol("qiandang")
    await expect(archivist.locator("h1")).to_have_text("待归档")
    await archivist.locator(".queue tbody").get_by_role("link", name=ticket.number).click()
    await unfold(archivist, "archive")
    await done(archivist, "archive", "归档")
    assert await state(db, ticket) is State.ARCHIVED
    await expect(archivist.locator("#order-state")).to_have_text("已归档")
    await picture(archivist, "order-archived")


@pytest.mark.proves("F12.3-1", "F12.3-2", "F15-1", "F15-2")
async def test_an_order_is_returned_sent_elsewhere_and_extended(db: Database, site: Any) -> None:
    units = await people(db)
    ticket = await taken(db, LAMPS, timedelta(hours=1), units["cgj"])

    clerk = await site.enter("zhouban")
    await expect(clerk.locator(".queue tbody")).to_contain_text(ticket.number)
    await clerk.keyboard.press("j")
    await clerk.keyboard.press("s")
    await expect(clerk.locator(".note")).to_contain_text("“签收”已登记")
    await queue(clerk, "办理中")
    await expect(clerk.locator(".queue tbody")).to_contain_text(ticket.number)
    await clerk.keyboard.press("j")
    await clerk.keyboard.press("Enter")
    form = await unfold(clerk, "return")
    await form.get_by_label("退回理由").select_option("not-ours")
    await form.get_by_role("button", name="提交退回申请").click()
    await expect(clerk.locator("#problem")).to_contain_text("请提供退回依据或改派意见")
    await form.get_by_label("改派意见").select_option(str(units["jtysj"]))
    await form.get_by_label("依据").fill("该路段路灯由交通运输部门管养")
    await done(clerk, "return", "提交退回申请")
    assert await state(db, ticket) is State.RETURNING

    page = await site.enter("chenpai")
    await queue(page, "退回审核")
    await page.locator(".queue tbody").get_by_role("link", name=ticket.number).click()
    form = await unfold(page, "accept-return")
    await picture(page, "desk-return")
    await form.get_by_label("原因").fill("经核实，该路段由交通运输局管养")
    await done(page, "accept-return", "同意退回，转入待派单")
    await page.get_by_label("主办单位").select_option(str(units["jtysj"]))
    await page.get_by_text("协办单位与派单依据").click()
    await page.get_by_label("热线中心的决定").fill("按管养职责改派")
    await page.get_by_role("button", name="派发并发送短信").click()
    await expect(page.locator(".note")).to_contain_text("已派发")

    other = await site.enter("wuban")
    await other.locator(".queue tbody tr", has_text=ticket.number).get_by_role("button", name="签收").click()
    await expect(other.locator(".note")).to_contain_text("“签收”已登记")
    await queue(other, "办理中")
    await other.locator(".queue tbody").get_by_role("link", name=ticket.number).click()
    form = await unfold(other, "extend")
    await form.get_by_label("延期理由").select_option("complex")
    await form.get_by_label("说明").fill("需更换整段电缆，材料采购需要时间")
    await form.get_by_label("延长的工作日").fill("11")
    await expect(form.locator(".foreseen")).to_have_text("原办理时限10个工作日，最多可延期10个工作日")
    await form.get_by_role("button", name="提交延期申请").click()
    await expect(other.locator("#problem")).to_contain_text("最多可延期10个工作日")
    await form.get_by_label("延长的工作日").fill("")
    await expect(form.locator(".foreseen")).to_be_empty()
    await form.get_by_label("延长的工作日").press_sequentially("5")
    await expect(form.locator(".foreseen")).to_contain_text("24:00 到期")
    await picture(other, "desk-extension")
    await done(other, "extend", "提交延期申请")

    await queue(page, "延期审批")
    await page.locator(".queue tbody").get_by_role("link", name=ticket.number).click()
    form = await unfold(page, "grant-extension")
    await form.get_by_label("原因").fill("材料采购情况属实，同意")
    await done(page, "grant-extension", "同意延期并改到期日")
    await expect(page.locator("#page")).to_contain_text("时限变动")
    await picture(page, "order-extended")
    await other.reload()
    await other.locator("#refused summary").click()
    await expect(other.locator("#refused")).to_contain_text("再次延期须政数局分管领导批准")


async def test_a_tick_and_the_keyboard_stay_with_their_order_when_the_queue_changes(db: Database, site: Any) -> None:
    units = await people(db)
    await taken(db, MORE, timedelta(minutes=9))
    chosen = await taken(db, LAMPS, timedelta(minutes=5))
    page = await site.enter("chenpai")
    await queue(page, "待派单")
    boxes = page.locator(".queue tbody input[type=checkbox]")
    await expect(boxes).to_have_count(2)
    await page.get_by_label(f"勾选 {chosen.number}").check()
    await page.locator(".queue tbody").get_by_role("link", name=chosen.number).focus()

    earlier = await taken(db, STALLS, timedelta(hours=2))
    await expect(page.locator(".queue tbody tr").first).to_contain_text(earlier.number)
    await expect(boxes).to_have_count(3)
    assert await boxes.evaluate_all("all => all.filter(one => one.checked).map(one => one.value)") == [str(chosen.id)]
    assert await page.evaluate("document.activeElement.textContent") == chosen.number

    async with db.session() as session:
        dispatcher = identity.actor_of((await session.scalars(select(User).where(User.login == "chenpai"))).one())
        await dispatch(
            session, dispatcher, earlier.id, earlier.version, Order(lead_unit_id=units["cgj"], basis="派单目录")
        )
    await expect(boxes).to_have_count(2)
    assert await boxes.evaluate_all("all => all.filter(one => one.checked).map(one => one.value)") == [str(chosen.id)]
    assert await page.evaluate("document.activeElement.textContent") == chosen.number
    await page.get_by_role("button", name="查看批量派发结果预览").click()
    await expect(page.locator("#ready tbody tr")).to_have_count(1)
    await expect(page.locator("#ready tbody")).to_contain_text(chosen.number)
