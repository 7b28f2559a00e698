"""Duty mobiles 值班手机: called when no desk answers."""

from datetime import time
from typing import Annotated
from uuid import UUID

from aiohttp import web
from pydantic import Field

from callflow.numbers import edit
from callflow.numbers.edit import MobileFields
from callflow.numbers.rules import in_turn
from core import clock
from core.errors import NotFound
from core.permissions import Permission
from web.context import Context
from web.route import Asks, Route


class DutyPage(Asks):
    """Which mobile's form stands beside the list."""

    mobile: UUID | None = None


class MobileForm(Asks):
    """The form of a duty mobile."""

    name: Annotated[str, Field(min_length=2, max_length=40)]
    phone: str = Field("", max_length=32)
    position: int = Field(ge=1, le=99)
    from_time: time
    to_time: time
    weekdays: Annotated[list[int], Field(max_length=7)] = []
    active: bool = False

    @property
    def fields(self) -> MobileFields:
        """The form's values as the command takes them."""
        return MobileFields(
            self.name, self.position, self.from_time, self.to_time, tuple(self.weekdays), self.phone, self.active
        )


class EditedMobile(MobileForm):
    """A duty mobile as edited."""

    id: UUID
    version: int = Field(ge=0, le=2**31)


async def index(ctx: Context, asked: DutyPage) -> web.Response:
    """All duty mobiles, and the form."""
    mobiles = await edit.mobiles(ctx.session)
    mobile = next((one for one in mobiles if one.id == asked.mobile), None)
    if asked.mobile and mobile is None:
        raise NotFound("no-duty-mobile", "没有这部值班手机。")
    return await ctx.page(
        "duty.html",
        place="duty",
        mobiles=mobiles,
        mobile=mobile,
        calling={one.id for one in in_turn(mobiles, clock.now())},
    )


async def add_mobile(ctx: Context, asked: MobileForm) -> web.Response:
    """A further duty mobile."""
    await edit.add_mobile(ctx.session, ctx.actor, asked.fields)
    return ctx.redirect("/duty", f"已新增值班手机：{asked.name}。")


async def edit_mobile(ctx: Context, asked: EditedMobile) -> web.Response:
    """Change a duty mobile."""
    await edit.edit_mobile(ctx.session, ctx.actor, asked.id, asked.version, asked.fields)
    return ctx.redirect("/duty", f"值班手机已保存：{asked.name}，数秒内生效。")


P = Permission.LINE_ADMIN
MOBILE = ("bad-phone", "no-weekday", "no-duty-mobile", "changed-meanwhile")
ROUTES = (
    Route("GET", "/duty", P, DutyPage, index, "值班手机", ("no-duty-mobile",)),
    Route("POST", "/duty/mobiles", P, MobileForm, add_mobile, "新增值班手机", MOBILE),
    Route("POST", "/duty/mobiles/{id}", P, EditedMobile, edit_mobile, "修改值班手机", MOBILE),
)
