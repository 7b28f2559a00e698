"""常用查询: a person keeps searches of the list of orders under names; each sees and opens only their own."""

import json
from collections.abc import Sequence
from uuid import UUID

from pydantic import ValidationError
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from core.actor import Actor
from core.errors import Invalid, NotFound
from core.identity.models import User
from crm.search.filter import OrderFilter
from crm.search.models import SavedFilter

MOST = 20


def written(wanted: OrderFilter) -> str:
    """A filter as it is kept: the same text for the same filter."""
    asked = {name: value for name, value in wanted.model_dump(mode="json", exclude_defaults=True).items() if value}
    return json.dumps(asked, ensure_ascii=False, sort_keys=True)


async def saved(session: AsyncSession, actor: Actor) -> Sequence[SavedFilter]:
    """The actor's own, the oldest first."""
    wanted = select(SavedFilter).where(SavedFilter.user_id == actor.user_id).order_by(SavedFilter.id)
    return (await session.scalars(wanted)).all()


async def save(session: AsyncSession, actor: Actor, name: str, wanted: OrderFilter) -> SavedFilter:
    """Raises Invalid("nothing-to-save"), Invalid("filter-name-taken"), Invalid("too-many-filters")."""
    if written(wanted.model_copy(update={"sort": None})) == written(OrderFilter()):
        raise Invalid("nothing-to-save", "请先填写条件并查询，再保存为常用查询。")
    await session.execute(select(User.id).where(User.id == actor.user_id).with_for_update(key_share=True))
    mine = await saved(session, actor)
    if any(one.name == name for one in mine):
        sentence = f"您已有名为“{name}”的常用查询，请换一个名称，或先删除原来的。"
        raise Invalid("filter-name-taken", "没有保存：名称已用过。", fields={"name": sentence})
    if len(mine) >= MOST:
        sentence = f"最多保存 {MOST} 个常用查询，请先删除不再使用的。"
        raise Invalid("too-many-filters", "没有保存：数量已满。", fields={"name": sentence})
    made = SavedFilter(user_id=actor.user_id, name=name, filter=written(wanted))
    session.add(made)
    return made


async def opened(session: AsyncSession, actor: Actor, id: UUID) -> OrderFilter:
    """What was saved. Raises NotFound("no-such-filter"), also for another's; Invalid("filter-outdated")."""
    try:
        return OrderFilter.model_validate_json((await _own(session, actor, id)).filter)
    except ValidationError:  # a state or a category that a later version no longer has
        raise Invalid("filter-outdated", "这个常用查询的条件已不再适用，请删除后重新保存。") from None


async def forget(session: AsyncSession, actor: Actor, id: UUID) -> str:
    """Delete it; gives its name. Raises NotFound("no-such-filter"), also for another's."""
    row = await _own(session, actor, id)
    await session.delete(row)
    return row.name


async def _own(session: AsyncSession, actor: Actor, id: UUID) -> SavedFilter:
    row = await session.get(SavedFilter, id)
    if row is None or row.user_id != actor.user_id:
        raise NotFound("no-such-filter", "没有这个常用查询。")
    return row
