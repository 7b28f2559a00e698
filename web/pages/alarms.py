"""应急通知 on an event's page: whom each unit was told through, and what a person does about it (F14-3)."""

from typing import Annotated
from uuid import UUID

from aiohttp import web
from pydantic import Field

from core.permissions import Permission as P
from crm.alarms import service
from web.context import Context
from web.route import Asks, Route


class One(Asks):
    """An alarm."""

    id: UUID


class Reached(One):
    """Who of the unit was told, and what was agreed."""

    name: Annotated[str, Field(min_length=2, max_length=40)]
    remark: Annotated[str, Field(max_length=200)] = ""


async def reached(ctx: Context, asked: Reached) -> web.Response:
    """Somebody of the unit was told by a person."""
    alarm = await service.reached(ctx.session, ctx.actor, asked.id, asked.name, asked.remark)
    return ctx.redirect(f"/emergencies/{alarm.event_id}", f"已登记联系到{asked.name}，不再自动通知。")


async def hurry(ctx: Context, asked: One) -> web.Response:
    """The next contact is told now."""
    alarm = await service.hurry(ctx.session, ctx.actor, asked.id)
    said = "正在通知下一联系人。" if alarm.due_at else "没有其他值班联系人，请人工联系。"
    return ctx.redirect(f"/emergencies/{alarm.event_id}", said)


ROUTES = (
    Route(
        "POST", "/alarms/{id}/reached", P.ORDER_EDIT, Reached, reached, "登记人工联系到单位",
        ("no-alarm", "alarm-over"),
    ),
    Route(
        "POST", "/alarms/{id}/next", P.ORDER_EDIT, One, hurry, "立即通知下一值班联系人",
        ("no-alarm", "alarm-over", "nobody-left"),
    ),
)  # fmt: skip
