"""The list of member units 成员单位: what narrows it, its order, and the workbook of it."""

from collections.abc import Sequence
from typing import Annotated, Literal
from uuid import UUID

from aiohttp import web
from pydantic import Field
from sqlalchemy import ColumnElement, case, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from core import phone
from core.clock import today
from core.identity import profiles
from core.identity.models import Unit, User
from core.permissions import Permission as P
from core.permissions import Role
from crm.county.data import UnitKind
from crm.search.export import searched
from crm.search.taking import MOST_ROWS, Taking, take
from web.context import Context
from web.files import send_sheet
from web.lists import Column
from web.route import Asks, Route

KINDS = {kind.value: kind.label for kind in UnitKind}
STATES = {"on": "在用", "incomplete": "资料不完整", "off": "已停用"}
LACKING = func.cardinality(Unit.lacks) > 0
ORDERS = {
    "code": case((Unit.active, "0"), else_="1") + Unit.code,
    "state": case((~Unit.active, "2"), (LACKING, "0"), else_="1") + Unit.code,
}
"""Those in use first, by code; those first whose profile lacks something. A page goes on after the last one's."""
COLUMNS = (
    Column("名称和代码", ("code",)),
    *map(Column, ("类别和所属", "分管领导", "值班电话", "经办人")),
    Column("状态", ("state",)),
)
HEADS = (
    ("代码", 14),
    ("名称", 28),
    ("类别", 18),
    ("主管部门或上级单位", 28),
    ("分管领导", 12),
    ("工作部门", 20),
    ("值班电话", 16),
    ("经办人", 8),
    ("状态", 12),
    ("缺少的资料", 40),
)


class Filter(Asks):
    """`search`: parts of name, code or office, the leader's whole name, the duty telephone."""

    search: Annotated[str, Field(max_length=80)] = ""
    kind: UnitKind | None = None
    state: Literal["", "on", "incomplete", "off"] = ""
    sort: Literal["code", "state"] = "code"


class UnitExport(Filter):
    """The units of the filter that are taken along, and why."""

    reason: Annotated[str, Field(max_length=200)] = ""


def conditions(asked: Filter) -> list[ColumnElement[bool]]:
    """What the filter asks of a unit; every word of a search must be found."""
    where: list[ColumnElement[bool]] = [Unit.kind == asked.kind] if asked.kind else []
    if asked.state:
        where.append(Unit.active.is_(asked.state != "off"))
    if asked.state == "incomplete":
        where.append(LACKING)
    for word in asked.search.split():
        either = [column.icontains(word, autoescape=True) for column in (Unit.name, Unit.code, Unit.office)]
        either += [Unit.leader_name.matches(word)]
        if number := phone.from_caller_id(word):
            either.append(Unit.duty_phone.matches(number))
        where.append(or_(*either))
    return where


async def found(session: AsyncSession, asked: Filter, after: str, limit: int) -> Sequence[tuple[Unit, str]]:
    """Units of the filter, each with where it stands in the order."""
    place = ORDERS[asked.sort]
    wanted = select(Unit, place).where(place > after, *conditions(asked)).order_by(place).limit(limit)
    return [(row[0], row[1]) for row in await session.execute(wanted)]


def standing(unit: Unit) -> tuple[str, str]:
    """Word and tone of how a unit stands."""
    if not unit.active:
        return "已停用", ""
    return ("资料不完整", "bad") if unit.lacks else ("正常", "good")


async def export(ctx: Context, asked: UnitExport) -> web.StreamResponse:
    """The units of the filter as a workbook."""
    told = ({"kind": asked.kind.value} if asked.kind else {}) | searched(asked.search)
    told |= {"state": STATES[asked.state]} if asked.state else {}
    async with ctx.parts.database.session() as session:
        names = {row.id: row.name for row in await session.execute(select(Unit.id, Unit.name))}
        people = await people_of(session)
        units = await found(session, asked, "", MOST_ROWS + 1)
        rows = [_cells(unit, names, people.get(unit.id, (0, 0))[1]) for unit, _ in units]
        what = Taking("成员单位", "DW", "unit.export", HEADS, rows, told)
        done = await take(session, ctx.actor, what, asked.reason, title=ctx.parts.title)
    return await send_sheet(ctx.request, done.content, f"成员单位{today():%Y%m%d}-{done.number}")


def _cells(unit: Unit, names: dict[UUID, str], clerks: int) -> list[str]:
    above = unit.competent_unit_id or unit.parent_unit_id
    return [
        unit.code,
        unit.name,
        KINDS.get(unit.kind, unit.kind),
        names.get(above, "") if above else "",
        unit.leader_name or "",
        unit.office,
        phone.show(unit.duty_phone) if unit.duty_phone else "",
        f"{clerks} 人",
        standing(unit)[0],
        profiles.said(unit.lacks) if unit.active else "",
    ]


async def people_of(session: AsyncSession) -> dict[UUID, tuple[int, int]]:
    """Active accounts of each unit, and how many of them are 经办人: one alone has no B角."""
    clerks = func.count().filter(User.roles.contains([Role.UNIT_CLERK]))
    counted = select(User.unit_id, func.count(), clerks).where(User.active)
    return {row[0]: (row[1], row[2]) for row in await session.execute(counted.group_by(User.unit_id)) if row[0]}


SEE = (P.UNIT_ADMIN, P.USER_ADMIN)
ROUTES = (
    Route(
        "POST", "/units/export", SEE, UnitExport, export, "导出单位",
        ("no-reason", "too-many-rows", "nothing-to-export"), stream=True,
    ),
)  # fmt: skip
