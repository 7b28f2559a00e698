"""Calls out 外呼: to whom a call is owed, to a unit, to a number that was typed; only where the bureau allows it."""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from callflow.callbacks.models import CallbackTask
from callflow.phones.handset import Dialled, Handset
from callflow.phones.rules import may_dial
from core import phone
from core.actor import Actor
from core.db import Database
from core.errors import Conflict, Denied, Invalid, NotFound
from core.identity.models import Unit
from core.ledger import record
from core.permissions import Permission

REFUSED = "line.dial.refused"
"""Ledger action: a number that the bureau does not allow."""


@dataclass(frozen=True)
class Target:
    """Whom to call: `number` in E.164, `shown` as it may be shown, and what the call is for."""

    number: str
    shown: str
    subject: str
    subject_id: UUID | str

    @property
    def digits(self) -> str:
        """As the trunk wants it: national, digits only."""
        return phone.show(self.number).replace("-", "")


async def target(
    session: AsyncSession, actor: Actor, *, callback: UUID | None, unit: UUID | None, typed: str
) -> Target:
    """The number behind a call-back task, a unit, or what was typed. Raises NotFound, Conflict, Invalid."""
    if callback:
        return await _of_callback(session, actor, callback)
    if unit:
        row = await session.get(Unit, unit)
        if row is None or not row.duty_phone:
            raise NotFound("no-such-unit", "该单位没有登记值班电话。")
        return Target(row.duty_phone, row.name, "unit", row.id)
    number = phone.normalise(typed) if not _short(typed) else typed.strip()
    return Target(number, phone.mask(number), "outside-number", phone.mask(number))


async def _of_callback(session: AsyncSession, actor: Actor, task_id: UUID) -> Target:
    actor.require(Permission.CALLBACK_HANDLE)
    task = await session.get(CallbackTask, task_id)
    if task is None or task.phone is None or task.done_at:
        raise NotFound("no-callback", "没有这条回拨任务。")
    if task.claimed_by != actor.user_id:
        raise Conflict("callback-claimed", "请先领取这条回拨任务。")
    return Target(task.phone, f"回拨 {phone.mask(task.phone)}", "callback", task.id)


def _short(typed: str) -> bool:
    """A local number or a short one: no E.164 can be made of it, the trunk takes it as it is."""
    return typed.strip().isascii() and typed.strip().isdigit() and 3 <= len(typed.strip()) <= 8


async def require_allowed(db: Database, actor: Actor, wanted: Target, patterns: Iterable[str]) -> None:
    """Raise Denied("number-not-allowed") unless the bureau allows this number; the attempt goes on record."""
    if may_dial(wanted.digits, patterns):
        return
    async with db.session() as session:
        await record(session, actor, REFUSED, wanted.subject, str(wanted.subject_id))
    raise Denied("number-not-allowed", "该号码不在允许外呼的范围内，没有拨出；本次操作已记录。")


async def dial(session: AsyncSession, actor: Actor, handset: Handset, extension: str, wanted: Target) -> Dialled:
    """Ring the agent's own telephone, then the number. Raises Conflict("call-in-hand")."""
    if await handset.calls(extension):
        raise Conflict("call-in-hand", "您还有一个通话没有结束。")
    if not wanted.digits.isdigit():
        raise Invalid("bad-phone", "电话号码不正确。", fields={"number": "请填写手机号或带区号的固定电话"})
    dialled = await handset.dial(extension, wanted.digits, _display(wanted.shown))
    await record(session, actor, "line.dial", wanted.subject, str(wanted.subject_id))
    return dialled


def _display(shown: str) -> str:
    """A name that no header breaks at."""
    return "".join(c for c in shown if c.isalnum() or c in " *-·（）")[:40]
