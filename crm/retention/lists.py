"""What persons do to a disposal list: take off, review, approve twice, send back; each acts once."""

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from core.actor import Actor
from core.clock import now, today
from core.edits import require_seen
from core.errors import Conflict, Denied, Invalid, NotFound
from core.ledger import record
from core.live import hint
from core.locks import lock
from core.permissions import Permission
from crm.retention.holds import LOCK, TOPIC
from crm.retention.models import DisposalItem, DisposalList
from crm.retention.objects import KINDS
from crm.retention.rules import FROM, Act, Item, Standing, typed

NEEDS = {
    Act.REVIEW: Permission.DISPOSAL_REVIEW,
    Act.APPROVE: Permission.DISPOSAL_APPROVE,
    Act.CONFIRM: Permission.DISPOSAL_CONFIRM,
    Act.ORDER: Permission.DISPOSAL_REVIEW,
}
RETURNERS = (Permission.DISPOSAL_APPROVE, Permission.DISPOSAL_CONFIRM)
SHORTEST_REASON = 4


async def opened(session: AsyncSession, list_id: UUID, seen: int, act: Act) -> tuple[DisposalList, int]:
    """The list, locked, as the person saw it and as the act needs it, and how many objects stand on it.

    Raises `NotFound("no-list")`, `Conflict("changed-meanwhile" | "wrong-state")`.
    """
    await lock(session, LOCK)
    row = await session.get(DisposalList, list_id, with_for_update=True, populate_existing=True)
    if row is None:
        raise NotFound("no-list", "没有这份销毁清单。")
    require_seen(row, seen)
    if row.state not in FROM[act]:
        raise Conflict("wrong-state", f"清单{Standing(row.state).label}，不能{act.label}。")
    return row, await count(session, list_id)


async def count(session: AsyncSession, list_id: UUID) -> int:
    """How many objects stand on it."""
    of_list = select(func.count()).select_from(DisposalItem)
    of_list = of_list.where(DisposalItem.list_id == list_id, DisposalItem.state == Item.LISTED)
    return await session.scalar(of_list) or 0


def require_typed(act: Act, number: int, words: str) -> None:
    """Raise `Invalid("confirmation-words")` unless the person typed what this act cannot take back."""
    if words.strip() != typed(act, number):
        told = f"请输入“{typed(act, number)}”"
        raise Invalid("confirmation-words", f"{told}以确认。", fields={"words": told})


def may_not(actor: Actor, row: DisposalList, act: Act) -> str:
    """Why this person may not do it, whatever his role; empty: he may."""
    if act in (Act.APPROVE, Act.CONFIRM) and actor.user_id == row.reviewed_by:
        return "审查人不能批准自己审查的清单。"
    if act is Act.CONFIRM and actor.user_id == row.approved_by:
        return "两次批准须由两人作出。"
    return ""


async def review(session: AsyncSession, actor: Actor, list_id: UUID, seen: int, words: str) -> DisposalList:
    """The archive officer has looked through it; nothing is put on it any more."""
    actor.require(NEEDS[Act.REVIEW])
    row, number = await opened(session, list_id, seen, Act.REVIEW)
    if number:
        require_typed(Act.REVIEW, number, words)
    row.reviewed_by, row.reviewed_name, row.reviewed_at = actor.user_id, actor.name, now()
    row.returned_why = row.returned_name = ""
    if not number:
        row.ended_at = now()
    return await _moved(session, actor, row, Act.REVIEW, Standing.REVIEWED if number else Standing.VOID, number)


async def approve(session: AsyncSession, actor: Actor, list_id: UUID, seen: int, words: str) -> DisposalList:
    """The centre's director approves."""
    actor.require(NEEDS[Act.APPROVE])
    row, number = await opened(session, list_id, seen, Act.APPROVE)
    _require_other(actor, row, Act.APPROVE)
    require_typed(Act.APPROVE, number, words)
    row.approved_by, row.approved_name, row.approved_at = actor.user_id, actor.name, now()
    return await _moved(session, actor, row, Act.APPROVE, Standing.APPROVED, number)


async def confirm(session: AsyncSession, actor: Actor, list_id: UUID, seen: int, words: str) -> DisposalList:
    """The bureau's leader, a third person, approves as well."""
    actor.require(NEEDS[Act.CONFIRM])
    row, number = await opened(session, list_id, seen, Act.CONFIRM)
    _require_other(actor, row, Act.CONFIRM)
    require_typed(Act.CONFIRM, number, words)
    row.confirmed_by, row.confirmed_name, row.confirmed_at = actor.user_id, actor.name, now()
    return await _moved(session, actor, row, Act.CONFIRM, Standing.CONFIRMED, number)


async def send_back(session: AsyncSession, actor: Actor, list_id: UUID, seen: int, why: str) -> DisposalList:
    """An approver wants it reviewed again; what was approved is no longer."""
    if not any(map(actor.may, RETURNERS)):
        actor.require(RETURNERS[0])
    row, number = await opened(session, list_id, seen, Act.RETURN)
    row.returned_why, row.returned_name = _reason(why), actor.name
    for act in ("reviewed", "approved", "confirmed"):
        setattr(row, f"{act}_by", None)
        setattr(row, f"{act}_name", "")
        setattr(row, f"{act}_at", None)
    return await _moved(session, actor, row, Act.RETURN, Standing.PROPOSED, number, reason=row.returned_why)


async def take_off(
    session: AsyncSession, actor: Actor, list_id: UUID, seen: int, ids: Sequence[UUID], why: str, until: date
) -> int:
    """Keep these until a later day, for a reason -> how many.

    Raises as `opened`, `Invalid("bad-day" | "no-reason" | "not-listed")`.
    """
    actor.require(NEEDS[Act.REVIEW])
    row, _ = await opened(session, list_id, seen, Act.REVIEW)
    why = _reason(why)
    if until <= today():
        raise Invalid("bad-day", "请选择今天以后的日期。", fields={"until": "请选择今天以后的日期"})
    wanted = select(DisposalItem).where(DisposalItem.list_id == list_id, DisposalItem.object_id.in_(ids))
    items = (await session.scalars(wanted.where(DisposalItem.state == Item.LISTED).with_for_update())).all()
    if not items:
        raise Invalid("not-listed", "请先在清单上勾选。")
    for item in items:
        item.state, item.why, item.by_name = Item.TAKEN_OFF, why, actor.name
    told = f"档案员{actor.name}审查留存：{why}"
    for kind in KINDS.values():
        kept = update(kind.table).where(kind.table.id.in_([one.object_id for one in items if one.what == kind.what]))
        await session.execute(kept.values(protected_until=until, protection=told))
    row.version += 1
    about = {"objects": [str(one.object_id) for one in items], "until": str(until)}
    await record(session, actor, "disposal.take-off", "disposal", row.number, reason=why, **about)
    hint(session, TOPIC, row.id)
    return len(items)


def _reason(why: str) -> str:
    if len(why.strip()) < SHORTEST_REASON:
        told = f"请写明理由，不少于{SHORTEST_REASON}个字"
        raise Invalid("no-reason", f"{told}。", fields={"reason": told})
    return why.strip()


def _require_other(actor: Actor, row: DisposalList, act: Act) -> None:
    if why := may_not(actor, row, act):
        raise Denied("same-person", why)


async def _moved(
    session: AsyncSession, actor: Actor, row: DisposalList, act: Act, to: Standing, number: int, reason: str = ""
) -> DisposalList:
    row.state, row.version = to, row.version + 1
    await record(session, actor, f"disposal.{act}", "disposal", row.number, reason=reason or None, objects=number)
    hint(session, TOPIC, row.id)
    return row
