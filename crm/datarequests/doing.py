"""Carrying out what was decided, taking it back while nothing has left the house, and lifting a restriction."""

from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import replace
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from core.actor import Actor
from core.clock import now
from core.edits import require_seen
from core.errors import Conflict, HotlineError, Invalid, NotFound
from core.jobs import defer
from core.permissions import Permission
from crm.citizens import restrictions
from crm.citizens.service import known, release, remember
from crm.datarequests.held import orders_of
from crm.datarequests.jobs import build, destroy
from crm.datarequests.models import DataCorrection, DataPackage, DataRequest
from crm.datarequests.rules import Act, Field, Kind
from crm.datarequests.rules import State as Stage
from crm.datarequests.service import WRONG, corrections_of, locked, note, policy
from crm.tickets.input import Correction
from crm.tickets.models import Ticket
from crm.tickets.service import correct
from crm.tickets.states import ENDS, State

LONGEST = 600
"""Characters of what became of one correction …"""
SHOWN = 300
"""… and of these in what was done with the request."""


async def carry_out(session: AsyncSession, actor: Actor, id: UUID, seen: int, words: str = "") -> DataRequest:
    """执行. `words`: of an explanation what the citizen is told, else a remark. Raises Conflict, Invalid."""
    actor.require(Permission.DATA_DECIDE)
    row = await locked(session, id, seen, Act.CARRY_OUT)
    done = await DOINGS[Kind(row.kind)](session, actor, row, words)
    row.done_note = "；".join(filter(None, (done, words)))
    row.state, row.done_at = Stage.DONE, now()
    await note(session, actor, row, Act.CARRY_OUT, row.done_note)
    return row


async def _copy(session: AsyncSession, actor: Actor, row: DataRequest, words: str) -> str:
    session.add(DataPackage(request_id=row.id))
    await session.flush()
    await defer(session, build, lock=f"data-package:{row.id}", request_id=str(row.id))
    return "生成复制件"


async def _restrict(session: AsyncSession, actor: Actor, row: DataRequest, words: str) -> str:
    await restrictions.place(session, actor, row.phone, row.id)
    return "该号码的信息限制处理：不用于质检抽样和准确率抽查，录音不列入销毁"


async def _delete(session: AsyncSession, actor: Actor, row: DataRequest, words: str) -> str:
    return "提请列入销毁清单"


async def _explain(session: AsyncSession, actor: Actor, row: DataRequest, words: str) -> str:
    if len(words) < 10:
        raise Invalid("invalid-input", WRONG, fields={"words": "请写明向申请人说明的内容（不少于10个字）"})
    return ""


async def _correct(session: AsyncSession, actor: Actor, row: DataRequest, words: str) -> str:
    """The profile of the number, and by the order's own act each order that the centre still forms."""
    asked = await corrections_of(session, row.id)
    granted = [one for one in asked if one.granted]
    profile = (await known(session, row.phone)).get(row.phone)
    before = {Field.NAME: profile.name if profile else None, Field.ADDRESS: profile.address if profile else None}
    before[Field.PHONE] = row.phone
    values = {Field(one.field): one.wanted for one in granted}
    name, address = (values.get(one) or before[one] for one in (Field.NAME, Field.ADDRESS))
    if Field.PHONE in values:
        await release(session, row.phone)
    await remember(session, values.get(Field.PHONE, row.phone), name=name, address=address)
    for one in granted:
        one.before = before[Field(one.field)]
        own = {before[Field.NAME], values.get(Field.NAME), row.name, None, ""}
        one.result = "；".join(["档案已更正", *await _in_orders(session, actor, row, one, own)])[:LONGEST]
    return "；".join(f"{Field(one.field).label}：{one.result}"[:SHOWN] for one in granted)


async def _in_orders(
    session: AsyncSession, actor: Actor, row: DataRequest, one: DataCorrection, own: Collection[str | None]
) -> list[str]:
    """`own`: the names under which orders are the applicant's; others share the telephone."""
    if one.field == Field.ADDRESS:
        return []  # an order tells where a matter lies, not where its citizen lives
    name = "caller_name" if one.field == Field.NAME else "caller_phone"
    given = Correction.model_validate({name: one.wanted})
    said = []
    for ticket in (await session.scalars(orders_of(row.phone, row.orders))).all():
        if State(ticket.state) in ENDS or ticket.closed_at is not None:
            continue
        if ticket.caller_name not in own:
            said.append(f"工单 {ticket.number} 未更正（以其他姓名登记）")
            continue
        said.append(await _in_order(session, actor, ticket, given))
    return said


async def _in_order(session: AsyncSession, actor: Actor, ticket: Ticket, given: Correction) -> str:
    """The decision is what allows it, so the order's act asks for no further permission of who carries it out."""
    try:
        await correct(session, replace(actor, is_system=True), ticket.id, ticket.version, given, origin="data-request")
    except HotlineError as error:
        return f"工单 {ticket.number} 未更正（{error.message.rstrip('。')}）"
    return f"工单 {ticket.number} 已更正"


Doing = Callable[[AsyncSession, Actor, DataRequest, str], Awaitable[str]]
DOINGS: Mapping[Kind, Doing] = {
    Kind.COPY: _copy,
    Kind.CORRECT: _correct,
    Kind.RESTRICT: _restrict,
    Kind.DELETE: _delete,
    Kind.EXPLAIN: _explain,
}


async def withdraw(session: AsyncSession, actor: Actor, id: UUID, seen: int, words: str) -> DataRequest:
    """撤回 by the citizen, while nothing has left the house: what was made is taken back."""
    actor.require(Permission.DATA_REGISTER)
    row = await locked(session, id, seen, Act.WITHDRAW)
    package = await session.get(DataPackage, row.id, with_for_update=True)
    if package and package.gone_at is None:
        package.gone_at = now()
        await defer(session, destroy, lock=f"data-package:{row.id}", request_id=str(row.id))
    await restrictions.lift(session, actor, row.id)
    row.state = Stage.WITHDRAWN
    await note(session, actor, row, Act.WITHDRAW, words)
    return row


async def lift(session: AsyncSession, actor: Actor, id: UUID, seen: int, words: str) -> DataRequest:
    """解除限制处理 that this request placed. Raises NotFound, Conflict where none stands."""
    actor.require(Permission.DATA_DECIDE)
    row = await session.get(DataRequest, id, with_for_update=True, populate_existing=True)
    if row is None:
        raise NotFound("no-data-request", "没有这项申请。")
    require_seen(row, seen)
    if not await restrictions.lift(session, actor, row.id):
        raise Conflict("not-restricted", "这项申请没有正在执行的限制处理。")
    await note(session, actor, row, Act.LIFT, words)
    return row


async def take(session: AsyncSession, actor: Actor, id: UUID) -> tuple[DataRequest, DataPackage]:
    """Somebody downloads the copy for the citizen: on record before the first byte. Raises NotFound, Conflict."""
    actor.require(Permission.DATA_DECIDE)
    row = await session.get(DataRequest, id, with_for_update=True, populate_existing=True)
    package = await session.get(DataPackage, id, with_for_update=True, populate_existing=True) if row else None
    if row is None or package is None:
        raise NotFound("no-data-request", "没有这项申请，或没有复制件。")
    if package.ready_at is None and package.gone_at is None:
        raise Conflict("package-not-ready", "复制件正在生成，请稍后再下载。")
    if package.gone_at is not None or package.expires_at is None or package.expires_at <= now():
        days = policy().package_days
        raise Conflict("package-gone", f"复制件已超过{days}天的下载期，已经销毁。")
    package.taken += 1
    await note(session, actor, row, Act.TAKE, f"第{package.taken}次下载", digest=package.digest)
    return row, package
