"""Seats 坐席: extension and queues of each agent, and the password that is typed into the telephone."""

from typing import Annotated, Literal
from uuid import UUID

from aiohttp import web
from pydantic import Field
from sqlalchemy import select

from callflow.agents.rules import PENALTIES
from callflow.agents.seats import renew_secret, save_seat, seats
from callflow.queues.models import Queue
from core.errors import NotFound
from core.identity.models import User
from core.permissions import Permission, Role
from web.context import Context
from web.route import Asks, Route


class SeatList(Asks):
    """Whose form stands beside the list."""

    edit: UUID | None = None


class SeatForm(Asks):
    """The form."""

    user_id: UUID
    extension: Annotated[str, Field(pattern=r"^[1-8][0-9]{3}$")]
    queues: Annotated[list[Annotated[str, Field(max_length=45)]], Field(max_length=50)] = []
    """Each `queue` or `queue:penalty`; empty for one that is not served."""
    phone: Literal["desk", "page"] = "desk"
    seen: str = Field("", max_length=2000)


class OneSeat(Asks):
    """A seat."""

    id: UUID


PHONES = (("desk", "桌面话机（话机或软电话，填写分机口令）"), ("page", "网页话机（在工作台里接打，用耳机）"))


async def index(ctx: Context, asked: SeatList) -> web.Response:
    """All seats, and the form."""
    return await _page(ctx, asked.edit)


async def _page(ctx: Context, edit: UUID | None, secret: tuple[str, str] | None = None) -> web.Response:
    rows = await seats(ctx.session)
    seated = {one.user_id for one in rows}
    agents = select(User).where(User.active, User.roles.overlap([Role.AGENT, Role.SHIFT_LEAD])).order_by(User.login)
    edited = next((one for one in rows if one.user_id == edit), None)
    if edit and edited is None:
        raise NotFound("no-agent", "该用户没有分配坐席分机。")
    queues = (await ctx.session.scalars(select(Queue).order_by(Queue.name))).all()
    return await ctx.page(
        "seats.html",
        place="seats",
        at=f"/seats?edit={edit}" if secret else "",
        seats=rows,
        edited=edited,
        people=[
            (one.id, f"{one.name}（{one.login}）") for one in await ctx.session.scalars(agents) if one.id not in seated
        ],
        queues=queues,
        titles={one.name: one.title for one in queues},
        secret=secret,
        phones=PHONES,
        penalties=PENALTIES,
    )


async def save(ctx: Context, asked: SeatForm) -> web.Response:
    """Give or change a seat."""
    in_page = asked.phone == "page"
    await save_seat(ctx.session, ctx.actor, asked.user_id, asked.extension, asked.queues, asked.seen, in_page=in_page)
    return ctx.redirect("/seats", f"分机 {asked.extension} 已保存，数秒内生效。")


async def renew(ctx: Context, asked: OneSeat) -> web.Response:
    """A new password for the telephone, shown once."""
    return await _page(ctx, asked.id, await renew_secret(ctx.session, ctx.actor, asked.id))


P = Permission.LINE_ADMIN
ROUTES = (
    Route("GET", "/seats", P, SeatList, index, "坐席", ("no-agent",)),
    Route(
        "POST",
        "/seats",
        P,
        SeatForm,
        save,
        "设置坐席",
        ("no-such-user", "bad-extension", "extension-taken", "no-queue", "changed-meanwhile"),
    ),
    Route("POST", "/seats/{id}/secret", P, OneSeat, renew, "更换分机口令", ("no-agent", "page-phone")),
)
