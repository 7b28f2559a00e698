"""Call-back tasks: written with the call's end, claimed and closed by people."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, case, false, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from callflow.callbacks.models import CallbackCall, CallbackTask
from callflow.callbacks.rules import Reason, next_try, quiet, reason
from callflow.current import line_policy
from callflow.models import Call
from callflow.queries import reached_since
from callflow.rules import Outcome, View
from core.actor import Actor
from core.clock import now
from core.db import among, paged
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


@dataclass(frozen=True)
class Wanted:
    """Which tasks: those that are open or those that are done, of calls of which `where` holds."""

    done: bool = False
    where: Sequence[ColumnElement[bool]] = ()
    oldest_first: bool = True


async def tasks(
    session: AsyncSession, actor: Actor, wanted: Wanted, *, after: tuple[datetime, UUID] | None = None, limit: int
) -> Sequence[CallbackTask]:
    """A page of them as they were made, from behind `after` (`turn`, id) on; of the open ones those whose time comes
    later stand at that time."""
    actor.require(Permission.CALLBACK_HANDLE)
    done = CallbackTask.done_at.is_not(None) if wanted.done else CallbackTask.done_at.is_(None)
    query = select(CallbackTask).join(Call, Call.id == CallbackTask.call_id).where(done, *wanted.where).limit(limit)
    later = CallbackTask.done_at.is_(None) & (CallbackTask.not_before > now())
    place = case((later, CallbackTask.not_before), else_=CallbackTask.created_at)
    ordered = paged(query, place, CallbackTask.id, after, oldest_first=wanted.oldest_first)
    return (await session.scalars(ordered)).all()


def turn(task: CallbackTask) -> datetime:
    """Where a task stands among the others."""
    later = task.done_at is None and task.not_before is not None and task.not_before > now()
    return task.not_before if later and task.not_before else task.created_at


async def claim(session: AsyncSession, actor: Actor, task_id: UUID, version: int) -> Sequence[CallbackTask]:
    """Take a task, and with it all that wait for the same number: a citizen is called by one person, once. Raises
    Conflict when somebody else has one of them or changed this one."""
    mine = await _open(session, actor, task_id, version)
    if any(task.claimed_by not in (None, actor.user_id) for task in mine):
        raise Conflict("callback-claimed", "这个号码的回拨任务已由其他人员领取。")
    for task in mine:
        task.claimed_by, task.claimed_at = actor.user_id, now()
    return await _changed(session, mine)


async def called(session: AsyncSession, actor: Actor, task_id: UUID, node: str, linkedid: str) -> None:
    """This call out is made for the task, and for those of the number that were taken with it."""
    phone = await session.scalar(select(CallbackTask.phone).where(CallbackTask.id == task_id))
    mine = select(CallbackTask.id).where(
        CallbackTask.phone.matches(phone) if phone else CallbackTask.id == task_id,
        CallbackTask.claimed_by == actor.user_id,
        CallbackTask.done_at.is_(None),
    )
    ids = (await session.scalars(mine)).all()
    session.add_all(CallbackCall(task_id=id, node=node, linkedid=linkedid) for id in ids)


async def finish(
    session: AsyncSession, actor: Actor, task_id: UUID, version: int, result: str
) -> Sequence[CallbackTask]:
    """Close a task, with those of the number that were taken with it, with what came of it (at most 200 characters)."""
    found = await _open(session, actor, task_id, version)
    if not 0 < len(result.strip()) <= 200:
        raise Invalid("bad-result", "请填写回拨结果。", fields={"result": "请填写回拨结果，不超过200字"})
    mine = [task for task in found if task.id == task_id or task.claimed_by == actor.user_id]
    for task in mine:
        task.done_at, task.done_by, task.result = now(), actor.user_id, result.strip()
    return await _changed(session, mine)


async def not_reached(session: AsyncSession, actor: Actor, task_id: UUID, version: int) -> Sequence[CallbackTask]:
    """Nobody answered: anybody may try again when the next time of the day begins; the last attempt closes the task.
    Raises Conflict unless the task is one's own."""
    mine = [task for task in await _open(session, actor, task_id, version) if task.claimed_by == actor.user_id]
    if not mine or mine[0].id != task_id:
        raise Conflict("callback-claimed", "请先领取这条回拨任务。")
    policy, at = line_policy(), now()
    for task in mine:
        task.attempts += 1
        if task.attempts >= policy.callback_attempts:
            task.done_at, task.done_by, task.result = at, actor.user_id, f"回拨{task.attempts}次未接通"
        else:
            task.claimed_by = task.claimed_at = None
            task.not_before = next_try(at, policy)
    return await _changed(session, mine)


async def _open(session: AsyncSession, actor: Actor, task_id: UUID, version: int) -> Sequence[CallbackTask]:
    """The open tasks of this one's number, this one first."""
    actor.require(Permission.CALLBACK_HANDLE)
    phone = await session.scalar(select(CallbackTask.phone).where(CallbackTask.id == task_id))
    same = or_(CallbackTask.id == task_id, CallbackTask.phone.matches(phone) if phone else false())
    wanted = select(CallbackTask).where(same, or_(CallbackTask.id == task_id, CallbackTask.done_at.is_(None)))
    found = (await session.scalars(wanted.order_by(CallbackTask.id).with_for_update())).all()
    task = next((one for one in found if one.id == task_id), None)
    if task is None:
        raise NotFound("no-callback", "没有这条回拨任务。")
    if task.version != version or task.done_at:
        raise Conflict("callback-changed", "这条回拨任务已被处理，请刷新后再操作。")
    return [task, *(one for one in found if one is not task)]


async def _changed(session: AsyncSession, tasks: Sequence[CallbackTask]) -> Sequence[CallbackTask]:
    for task in tasks:
        task.version += 1
        hint(session, TOPIC, task.call_id)
    await session.flush()
    return tasks
