"""Which version answered whom (F18-2): noted with the answer, in its transaction."""

from datetime import timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from core.actor import Actor
from core.clock import now, today
from core.errors import Invalid
from crm.knowledge.models import KnowledgeItem, KnowledgeUse, KnowledgeVersion
from crm.knowledge.states import State

LONGEST_CALL = timedelta(hours=2)
"""What was read out in a call is what the answer says, though the item was revised before the call ended."""


async def note(
    session: AsyncSession, actor: Actor, ticket_id: UUID, call_id: UUID | None, number: str, n: int
) -> KnowledgeVersion:
    """The order was answered by this version -> the version. Raises Invalid beside the field where it may not be."""
    of = KnowledgeVersion.item_id == KnowledgeItem.id
    wanted = select(KnowledgeVersion).join(KnowledgeItem, of).where(KnowledgeItem.number == number.upper())
    version = await session.scalar(wanted.where(KnowledgeVersion.n == n))
    if version is None or version.published_at is None:
        sentence = "知识库没有这个条目或版本，请从知识库中选用"
        raise Invalid("no-such-knowledge-version", sentence + "。", fields={"knowledge_item": sentence})
    if not _answers(version):
        sentence = "该版本已停用、被替代或不在有效期内，不能作为答复依据"
        raise Invalid("knowledge-not-in-force", sentence + "。", fields={"knowledge_version": sentence})
    made = KnowledgeUse(item_id=version.item_id, n=n, ticket_id=ticket_id, call_id=call_id, at=now())
    made.by_id, made.by_name = actor.user_id, actor.name
    session.add(made)
    return version


def _answers(version: KnowledgeVersion) -> bool:
    day = today()
    if (version.valid_from and version.valid_from > day) or (version.valid_to and version.valid_to < day):
        return False
    ended = version.ended_at
    return version.state == State.IN_FORCE or (ended is not None and now() - ended < LONGEST_CALL)
