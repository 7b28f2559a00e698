"""常用查询: a person keeps searches of a list under names; each sees and opens only their own."""

import json
from collections.abc import Sequence
from uuid import UUID

from pydantic import BaseModel
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from core.actor import Actor
from core.errors import Invalid, NotFound
from core.identity.models import User
from crm.search.models import SavedFilter

MOST = 20
"""Of one list."""
SORT = "sort"


def written(wanted: BaseModel) -> str:
    """A filter as it is kept: the same text for the same filter."""
    return json.dumps(_asked(wanted), ensure_ascii=False, sort_keys=True)


def _asked(wanted: BaseModel) -> dict[str, object]:
    return {name: value for name, value in wanted.model_dump(mode="json", exclude_defaults=True).items() if value}


async def saved(session: AsyncSession, actor: Actor, of: str) -> Sequence[SavedFilter]:
    """The actor's own of a list, the oldest first."""
    wanted = select(SavedFilter).where(SavedFilter.user_id == actor.user_id, SavedFilter.of == of)
    return (await session.scalars(wanted.order_by(SavedFilter.id))).all()


async def save(session: AsyncSession, actor: Actor, of: str, name: str, wanted: BaseModel) -> SavedFilter:
    """Raises Invalid("nothing-to-save"), Invalid("filter-name-taken"), Invalid("too-many-filters")."""
    if not _asked(wanted).keys() - {SORT}:
        raise Invalid("nothing-to-save", "请先填写条件并查询，再保存为常用查询。")
    mine = await _mine(session, actor, of)
    if any(one.name == name for one in mine):
        raise _taken(name)
    if len(mine) >= MOST:
        sentence = f"最多保存 {MOST} 个常用查询，请先删除不再使用的。"
        raise Invalid("too-many-filters", "没有保存：数量已满。", fields={"name": sentence})
    made = SavedFilter(user_id=actor.user_id, of=of, name=name, filter=written(wanted))
    session.add(made)
    return made


async def rename(session: AsyncSession, actor: Actor, id: UUID, name: str) -> SavedFilter:
    """Raises NotFound("no-such-filter"), also for another's; Invalid("filter-name-taken")."""
    row = await own(session, actor, id)
    if any(one.name == name and one.id != id for one in await _mine(session, actor, row.of)):
        raise _taken(name)
    row.name = name
    return row


async def own(session: AsyncSession, actor: Actor, id: UUID) -> SavedFilter:
    """One of the actor's. Raises NotFound("no-such-filter"), also for another's."""
    row = await session.get(SavedFilter, id)
    if row is None or row.user_id != actor.user_id:
        raise NotFound("no-such-filter", "没有这个常用查询。")
    return row


async def forget(session: AsyncSession, actor: Actor, id: UUID) -> SavedFilter:
    """Delete it. Raises NotFound("no-such-filter"), also for another's."""
    row = await own(session, actor, id)
    await session.delete(row)
    return row


async def _mine(session: AsyncSession, actor: Actor, of: str) -> Sequence[SavedFilter]:
    """With nobody saving for this person at the same time."""
    await session.execute(select(User.id).where(User.id == actor.user_id).with_for_update(key_share=True))
    return await saved(session, actor, of)


def _taken(name: str) -> Invalid:
    sentence = f"您已有名为“{name}”的常用查询，请换一个名称，或先删除原来的。"
    return Invalid("filter-name-taken", "没有保存：名称已用过。", fields={"name": sentence})
