"""Call-back tasks: written with the call's end, claimed and closed by people."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from callflow.callbacks.models import CallbackTask
from callflow.callbacks.rules import Reason, quiet, reason
from callflow.current import line_policy
from callflow.queries import reached_since
from callflow.rules import Outcome, View
from core.actor import Actor
from core.clock import now
from core.db import among
from core.errors import Conflict, Invalid, NotFound
from core.live import hint
from core.locks import lock
from core.permissions import Permission
from core.personal import blind

TOPIC = "calls"


@dataclass(frozen=True)
class Ended:
    """A call that is over, as it is now known."""

    call_id: UUID
    view: View


async def after_calls(session: AsyncSession, ended: Sequence[Ended]) -> None:
    """Write, change or drop the tasks that these ended calls ask for; saying it again changes nothing.

    A number's tasks are decided one after the other (advisory lock on its blind index): of two calls that end
    together only one makes a task.
    """
    if not ended:
        return
    await lock(session, *(f"callback:{blind(one.view.caller)}" for one in ended if one.view.caller))
    policy = line_policy()
    reasons = {one.call_id: reason(one.view, policy) for one in ended}
    asking = [call_id for call_id, due in reasons.items() if due]
    found = await session.scalars(select(CallbackTask).where(among(CallbackTask.call_id, asking))) if asking else ()
    mine = {task.call_id: task for task in found}
    for one in ended:
        due, at = reasons[one.call_id], one.view.ended_at
        if due is None or at is None:
            continue
        if task := mine.get(one.call_id):
            if due != task.reason and task.done_at is None:
                task.reason = due
            continue
        caller = one.view.caller
        if due is Reason.ABANDONED and caller and await _covered(session, caller, at):
            continue
        if due is Reason.KEPT and caller and await reached_since(session, caller, one.view.arrived_at):
            continue
        session.add(CallbackTask(call_id=one.call_id, phone=caller, reason=due, call_ended_at=at))
        await session.flush()
    await _reached_by_calling_again(session, [one.view for one in ended if one.view.outcome is Outcome.ANSWERED])


async def _covered(session: AsyncSession, caller: str, ended_at: datetime) -> bool:
    """Whether another task of this number lies within the quiet time, before or after."""
    span = quiet(line_policy())
    return bool(
        await session.scalar(
            select(CallbackTask.id)
            .where(CallbackTask.phone.matches(caller))
            .where(CallbackTask.call_ended_at.between(ended_at - span, ended_at + span))
            .limit(1)
        )
    )


async def _reached_by_calling_again(session: AsyncSession, answered: Sequence[View]) -> None:
    callers = {view.caller for view in answered if view.caller}
    if not callers:
        return
    waiting = await session.scalars(
        select(CallbackTask)
        .where(CallbackTask.phone.among(callers))
        .where(CallbackTask.reason.in_((Reason.ABANDONED, Reason.KEPT)), CallbackTask.done_at.is_(None))
        .where(CallbackTask.claimed_at.is_(None))
        .with_for_update()
    )
    for task in waiting:
        if any(view.caller == task.phone and task.call_ended_at < view.arrived_at for view in answered):
            task.done_at, task.result = now(), "市民再次来电并已接通"
            task.version += 1


async def waiting(session: AsyncSession, actor: Actor, *, limit: int = 100) -> Sequence[CallbackTask]:
    """Open tasks, the oldest first."""
    actor.require(Permission.CALLBACK_HANDLE)
    found = await session.scalars(
        select(CallbackTask).where(CallbackTask.done_at.is_(None)).order_by(CallbackTask.created_at).limit(limit)
    )
    return found.all()


async def claim(session: AsyncSession, actor: Actor, task_id: UUID, version: int) -> CallbackTask:
    """Take a task. Raises Conflict when somebody else has it or changed it."""
    task = await _open(session, actor, task_id, version)
    if task.claimed_by not in (None, actor.user_id):
        raise Conflict("callback-claimed", "这条回拨任务已由其他人员领取。")
    task.claimed_by, task.claimed_at = actor.user_id, now()
    return await _changed(session, task)


async def finish(session: AsyncSession, actor: Actor, task_id: UUID, version: int, result: str) -> CallbackTask:
    """Close a task with what came of it (at most 200 characters)."""
    task = await _open(session, actor, task_id, version)
    if not 0 < len(result.strip()) <= 200:
        raise Invalid("bad-result", "请填写回拨结果。", fields={"result": "请填写回拨结果，不超过200字"})
    task.done_at, task.done_by, task.result = now(), actor.user_id, result.strip()
    return await _changed(session, task)


async def _open(session: AsyncSession, actor: Actor, task_id: UUID, version: int) -> CallbackTask:
    actor.require(Permission.CALLBACK_HANDLE)
    task = await session.get(CallbackTask, task_id, with_for_update=True)
    if task is None:
        raise NotFound("no-callback", "没有这条回拨任务。")
    if task.version != version or task.done_at:
        raise Conflict("callback-changed", "这条回拨任务已被处理，请刷新后再操作。")
    return task


async def _changed(session: AsyncSession, task: CallbackTask) -> CallbackTask:
    task.version += 1
    await session.flush()
    hint(session, TOPIC, task.call_id)
    return task
