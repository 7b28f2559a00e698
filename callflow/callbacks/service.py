"""Call-back tasks: written with the call's end, claimed and closed by people."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from callflow.callbacks.models import CallbackTask
from callflow.callbacks.rules import Reason, quiet, reason
from callflow.current import line_policy
from callflow.models import Call
from callflow.rules import Outcome, View
from core.actor import Actor
from core.clock import now
from core.errors import Conflict, Invalid, NotFound
from core.live import hint
from core.locks import lock_key
from core.permissions import Permission
from core.personal import blind

TOPIC = "calls"


async def after_call(session: AsyncSession, call: Call, view: View) -> None:
    """Write, change or drop the task that this ended call asks for; saying it again changes nothing.

    A number's tasks are decided one after the other (advisory lock on its blind index): of two calls that end
    together only one makes a task.
    """
    if call.caller:
        await session.execute(
            text("SELECT pg_advisory_xact_lock(:key)"), {"key": lock_key(f"callback:{blind(call.caller)}")}
        )
    policy = line_policy()
    due = reason(view, policy)
    mine = await session.scalar(select(CallbackTask).where(CallbackTask.call_id == call.id))
    if mine is not None:
        if due and due != mine.reason and mine.done_at is None:
            mine.reason = due
        return
    if call.caller and view.outcome is Outcome.ANSWERED:
        await _reached_by_calling_again(session, call.caller, call.arrived_at)
    if due is None or not call.ended_at:
        return
    if due is Reason.ABANDONED and call.caller and await _covered(session, call.caller, call.ended_at):
        return
    session.add(CallbackTask(call_id=call.id, phone=call.caller, reason=due, call_ended_at=call.ended_at))
    await session.flush()


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


async def _reached_by_calling_again(session: AsyncSession, caller: str, arrived_at: datetime) -> None:
    await session.execute(
        update(CallbackTask)
        .where(CallbackTask.phone.matches(caller))
        .where(CallbackTask.reason == Reason.ABANDONED, CallbackTask.done_at.is_(None))
        .where(CallbackTask.claimed_at.is_(None), CallbackTask.call_ended_at < arrived_at)
        .values(done_at=now(), result="市民再次来电并已接通", version=CallbackTask.version + 1)
    )


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
    await hint(session, TOPIC, task.call_id)
    return task
