"""The county's items for a demonstration, published by the same commands that people use."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from core.actor import SYSTEM
from core.identity.models import Unit
from crm.county.load import County
from crm.installed import Installation
from crm.knowledge import service
from crm.knowledge.engine import Engine, Entry
from crm.knowledge.finder import engine_for
from crm.knowledge.input import ItemText
from crm.knowledge.models import KnowledgeItem
from crm.knowledge.states import Act

WAY = (Act.SUBMIT, Act.PASS_SECRECY, Act.APPROVE, Act.PUBLISH)


async def seed_knowledge(session: AsyncSession, county: County) -> int:
    """Those whose number is not there yet, marked as examples: no unit has reviewed them -> how many."""
    known = set(await session.scalars(select(KnowledgeItem.number)))
    units = {unit.code: unit.id for unit in await session.scalars(select(Unit))}
    fresh = [one for one in county.knowledge.item if one.number not in known and one.unit in units]
    for one in fresh:
        given = ItemText.model_validate(one.model_dump(exclude={"number", "unit"}))
        item = await service.create(session, SYSTEM, given, unit_id=units[one.unit], number=one.number, example=True)
        for act in WAY:
            await service.act(session, SYSTEM, item.id, item.version, act)
    return len(fresh)


def engine_of_county(installation: Installation) -> Engine:
    """The same items found without a database, each by its number."""
    engine = engine_for(installation)
    for one in installation.county.knowledge.item:
        questions = (one.question, *one.other_ways, *filter(None, [" ".join(one.keywords)]))
        engine.put(
            Entry(
                one.number, one.number, 1, questions, one.answer, one.kind, one.unit, one.area or "", one.valid_from,
                one.valid_to,
            )
        )  # fmt: skip
    return engine
