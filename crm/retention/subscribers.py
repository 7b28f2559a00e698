"""What happens elsewhere and concerns what is kept: words that ended, and citizens' data whose use is restricted."""

from collections.abc import Sequence

from sqlalchemy import update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from core.db import among
from core.events import subscriber
from core.live import hint
from core.locks import lock
from crm.citizens.events import RestrictionLifted, RestrictionPlaced
from crm.citizens.models import Restriction
from crm.retention.holds import LOCK, TOPIC
from crm.retention.models import LegalHold
from crm.retention.rules import Reason
from crm.tickets.models import Ticket
from recordings.events import WordsErased


@subscriber(WordsErased, "crm.forget-said")
async def forget_said(session: AsyncSession, events: Sequence[WordsErased]) -> None:
    """The machine's proposals quote what was said; what persons made of them stays, and is the order."""
    calls = {event.call_id for event in events}
    quoted = update(Ticket).where(among(Ticket.call_id, calls), Ticket.proposals != {})
    kept = quoted.values(proposals={}, updated_at=Ticket.updated_at)  # nobody worked on the order
    await session.execute(kept.execution_options(synchronize_session=False))


@subscriber(RestrictionPlaced, "crm.hold-restricted")
async def hold_restricted(session: AsyncSession, events: Sequence[RestrictionPlaced]) -> None:
    """限制处理: what the citizen said is not destroyed while the restriction stands."""
    await lock(session, LOCK)
    for event in events:
        row = await session.get(Restriction, event.restriction_id)
        if row is None or row.lifted_at:
            continue
        made = insert(LegalHold).values(
            reason=Reason.RESTRICTION,
            document="经核准的个人信息限制处理申请",
            owner=row.placed_by_name,
            restriction_id=row.id,
            phone=row.phone,
            placed_by=event.by_id,
            placed_name=row.placed_by_name,
        )
        await session.execute(made.on_conflict_do_nothing(index_elements=["restriction_id"]))
    hint(session, TOPIC)


@subscriber(RestrictionLifted, "crm.release-restricted")
async def release_restricted(session: AsyncSession, events: Sequence[RestrictionLifted]) -> None:
    """The hold ends with its restriction."""
    for event in events:
        row = await session.get_one(Restriction, event.restriction_id)
        done = update(LegalHold).where(LegalHold.restriction_id == row.id, LegalHold.lifted_at.is_(None))
        name = row.lifted_by_name or ""
        why = "个人信息限制处理已解除"
        await session.execute(
            done.values(lifted_at=row.lifted_at, lifted_by=event.by_id, lifted_name=name, lifted_why=why)
        )
    hint(session, TOPIC)
