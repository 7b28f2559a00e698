"""受理核对 as a workbook: every taken call of a day with its one ending."""

from collections.abc import Sequence
from datetime import date

from sqlalchemy.ext.asyncio import AsyncSession

from core.actor import Actor
from core.clock import local
from core.permissions import Permission
from crm.queries.intake_day import Taken, calls_of
from crm.search.taking import Taken as Sheet
from crm.search.taking import Taking, take

HEADS = (("来电时间", 18), ("接听人", 12), ("结果", 12), ("工单编号", 44), ("未完成的原因", 30))


def lacking(one: Taken) -> str:
    """Why a call has no ending yet; empty where it has one."""
    if one.ending:
        return ""
    if one.talking:
        return "通话中"
    return "尚未登记结果" if one.orders else "没有形成工单"


async def export(session: AsyncSession, actor: Actor, day: date, reason: str, *, title: str) -> Sheet:
    """Raises Denied, Invalid("no-reason"), Invalid("nothing-to-export")."""
    actor.require(Permission.ORDER_EXPORT)
    rows = _rows(await calls_of(session, actor, day))
    what = Taking(
        f"{day.year}年{day.month}月{day.day}日受理核对",
        "SL",
        "intake-day.export",
        HEADS,
        rows,
        {"day": day.isoformat()},
    )
    return await take(session, actor, what, reason, title=title)


def _rows(taken: Sequence[Taken]) -> list[list[str]]:
    return [
        [
            f"{local(one.at):%Y-%m-%d %H:%M}",
            "留言" if one.message else one.agent or "未记录",
            one.ending.label if one.ending else "未完成",
            "、".join(made.number if made.known else "举报工单" for made in one.orders),
            lacking(one),
        ]
        for one in taken
    ]
