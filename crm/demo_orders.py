"""A few weeks of believable orders, made by the same commands that people use, at moments in the past."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from core import clock
from core.actor import Actor
from core.identity.models import Unit, User
from core.identity.service import actor_of
from crm.county.categories import Category
from crm.county.data import Place
from crm.demo_lives import gather, live
from crm.installed import installed
from crm.tickets.dispatch import Order, dispatch
from crm.tickets.input import Correction
from crm.tickets.models import Ticket
from crm.tickets.service import Opening, confirm, correct, open_draft, void

DAYS = 21
PER_DAY = (3, 6)
SEED = 20260101
_SURNAMES = "王李张刘陈杨黄赵周吴徐孙朱马胡郭林何高罗"
_GIVEN = ("建国", "秀英", "志强", "丽华", "军", "敏", "海燕", "国平", "小红", "文斌", "玉兰", "晓东", "春梅", "磊")


DEMANDS = {
    Category.COMPLAINT: "希望有关部门核实处理，并答复结果。",
    Category.REPORT: "请依法查处，并答复结果。",
    Category.HELP: "请尽快派人处理。",
}
"""What callers ask for, where the category asks for it."""
SPANS = ("每天傍晚", "近一周", "从昨天早上开始", "这个月以来")


@dataclass(frozen=True)
class Story:
    """What a citizen might call for; `{place}` is filled in."""

    category: Category
    matter: str
    title: str
    content: str


C = Category
STORIES = (
    Story(
        C.COMPLAINT,
        "CX01",
        "{place}流动摊贩占道经营",
        "{place}每天傍晚有流动摊贩占道经营，行人只能走机动车道，希望有关部门治理。",
    ),
    Story(C.COMPLAINT, "HB03", "{place}夜间噪音扰民", "{place}附近KTV营业到凌晨，音响声音很大，影响居民休息。"),
    Story(C.COMPLAINT, "CX09", "{place}物业不作为", "{place}电梯经常故障，物业收了费却迟迟不修。"),
    Story(C.COMPLAINT, "LD01", "{place}工地拖欠工资", "在{place}一处工地做工三个月，工资一直没有结清。"),
    Story(C.COMPLAINT, "SC01", "{place}健身房关门不退款", "在{place}一家健身房办了年卡，店家关门后不退款。"),
    Story(C.HELP, "GY01", "{place}停水", "{place}从早上开始停水，至今没有恢复，家里有老人，请尽快处理。"),
    Story(C.HELP, "CX04", "{place}路灯不亮", "{place}一段路灯连续几天不亮，晚上出行不安全，请派人维修。"),
    Story(C.HELP, "CX05", "{place}下水道堵塞", "{place}下水道堵塞，污水溢到路面，请尽快疏通。"),
    Story(C.HELP, "GY02", "{place}电压不稳", "{place}最近电压不稳，家用电器无法正常使用，请供电部门检查。"),
    Story(C.CONSULTATION, "WJ04", "异地就医报销如何办理", "咨询在外地住院后医保如何报销，需要哪些材料。"),
    Story(C.CONSULTATION, "LD03", "社保断缴后如何补缴", "咨询灵活就业人员社保断缴后能否补缴，到哪里办理。"),
    Story(C.CONSULTATION, "JY01", "{place}小学学区划分", "咨询{place}的适龄儿童属于哪所小学的学区。"),
    Story(C.SUGGESTION, "GA01", "建议{place}增设红绿灯", "{place}车流量大，建议增设红绿灯和人行横道。"),
    Story(C.SUGGESTION, "JT01", "建议延长公交末班时间", "建议途经{place}的公交末班车延长到晚上九点。"),
    Story(C.OPINION, "SC04", "{place}停车收费偏高", "认为{place}停车收费标准偏高，希望重新核定。"),
    Story(C.REPORT, "SC02", "{place}饭店使用过期食材", "{place}一家饭店后厨使用过期食材，请市场监管部门查处。"),
    Story(C.REPORT, "HB02", "{place}夜间偷排污水", "{place}附近一家作坊夜间向河里偷排污水。"),
)


async def seed_orders(session: AsyncSession) -> int:
    """Fill an instance that has no orders yet -> how many were made. Units and agents must exist."""
    if await session.scalar(select(Ticket.id).limit(1)):
        return 0
    units = {unit.code: unit for unit in await session.scalars(select(Unit))}
    agents = [actor_of(user) for user in await session.scalars(select(User).where(User.roles.contains(["agent"])))]
    if not agents:
        return 0
    places = [place for place in installed().county.places if place.area and place.kind in ("road", "village", "place")]
    dice = random.Random(SEED)
    present = clock.now()
    cast = await gather(session)
    made = 0
    for back in range(DAYS, -1, -1):
        for _ in range(dice.randint(*PER_DAY)):
            at = _moment(present, back, dice)
            if at < present - timedelta(minutes=5):
                with clock.frozen(at):
                    ticket = await _one(session, dice, dice.choice(agents), units, places, back)
                if ticket is not None:
                    await live(session, dice, cast, ticket, present)
                made += 1
    return made


def _moment(present: datetime, back: int, dice: random.Random) -> datetime:
    day = clock.local(present) - timedelta(days=back)
    return day.replace(hour=dice.choice((8, 9, 9, 10, 11, 14, 15, 16, 19, 21)), minute=dice.randrange(60), second=7)


async def _one(
    session: AsyncSession, dice: random.Random, agent: Actor, units: dict[str, Unit], places: Sequence[Place], back: int
) -> Ticket | None:
    """An order at the present moment -> it, if it was dispatched."""
    mobile = dice.random() < 0.85
    number = f"+861300000{dice.randrange(10_000):04d}" if mobile else f"+867935{dice.randrange(100_000, 999_999)}"
    opening = Opening(source="phone", phone=number, agent_id=agent.user_id, at=clock.now(), example=True)
    ticket = await open_draft(session, opening)
    if dice.random() < 0.05:
        await void(session, agent, ticket.id, ticket.version, "拨错号码")
        return None
    story, place = dice.choice(STORIES), dice.choice(places)
    correction = Correction(
        category=story.category,
        matter=story.matter,
        title=story.title.format(place=place.name),
        content=story.content.format(place=place.name),
        address=place.name,
        area=place.area,
        occurred=SPANS[len(place.name) % len(SPANS)],
        subject=story.title.format(place=place.name),
        demand=DEMANDS.get(story.category, ""),
        caller_name=dice.choice(_SURNAMES) + dice.choice(_GIVEN),
    )
    ticket = await correct(session, agent, ticket.id, ticket.version, correction)
    if back == 0 and dice.random() < 0.4:
        return None
    route = installed().catalogue.route(story.matter, place.area)
    if route.lead is None or (back <= 1 and dice.random() < 0.3):
        await confirm(session, agent, ticket.id, ticket.version)
        return None
    report = story.category is Category.REPORT
    assists = () if report else tuple(units[code].id for code in route.assist[:1])
    order = Order(
        lead_unit_id=units[route.lead].id,
        assist_unit_ids=assists if dice.random() < 0.3 else (),
        identity_checked=report,
    )
    return (await dispatch(session, agent, ticket.id, ticket.version, order)).ticket
