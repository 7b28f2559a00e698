"""What stands beside a draft: who calls and what came before, similar open orders, and the screening list of 第十条."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from callflow import queries
from callflow.models import Call
from core.permissions import Permission as P
from crm.county.screening import UrgentLine
from crm.drafts import screening
from crm.drafts.screening import Checked
from crm.installed import installed
from crm.search.earlier import earlier_of, earlier_of_number
from crm.search.similar import Similar, similar_to
from crm.tickets.access import sees_identity
from crm.tickets.models import Ticket
from crm.tickets.states import OPEN
from web.context import Context

MOST_CALLS = 6


@dataclass(frozen=True)
class Beside:
    """F12.1-1, F12.1-4, F10-1 for one order; `screened` is empty once the order has left intake."""

    earlier: Sequence[Ticket]
    calls: Sequence[Call]
    similar: Sequence[Similar]
    screened: Sequence[Checked]
    urgent: Sequence[tuple[UrgentLine, tuple[str, ...]]]
    before: Ticket | None
    """The same caller's order of the same matter that was closed: what 第十条（四） is held against."""


async def of_call(ctx: Context, call: Call) -> Beside | None:
    """Beside a call that waits or rings: the number's history. With the talk comes the order, and what is beside it."""
    if call.caller is None or call.connected_at or call.ended_at:
        return None
    earlier = await earlier_of_number(ctx.session, ctx.actor, call.caller)
    return Beside(earlier, await _calls(ctx, call.caller, call.id), (), (), (), None)


async def _calls(ctx: Context, number: str, but: UUID | None) -> Sequence[Call]:
    if not ctx.actor.may(P.CALL_VIEW):
        return ()
    found = await queries.calls(ctx.session, caller=number, limit=MOST_CALLS)
    return [call for call in found if call.id != but]


async def build(ctx: Context, ticket: Ticket) -> Beside:
    """Everything beside an order, as far as this person may know of it."""
    session, actor = ctx.session, ctx.actor
    earlier = await earlier_of(session, actor, ticket)
    calls: Sequence[Call] = ()
    if ticket.caller_phone and sees_identity(actor, ticket):
        calls = await _calls(ctx, ticket.caller_phone, ticket.call_id)
    if ticket.state not in OPEN or not actor.may(P.ORDER_EDIT):
        return Beside(earlier, calls, (), (), (), None)
    ended = (one for one in earlier if one.closed_at and ticket.matter and one.matter == ticket.matter)
    before = next(ended, None)
    words = "\n".join((ticket.title, ticket.content, ticket.subject, ticket.demand))
    listed = installed().county.screening
    return Beside(
        earlier,
        calls,
        await similar_to(session, actor, ticket),
        screening.check(words, listed.item, ended_before=before is not None),
        screening.urgent(words, listed.urgent),
        before,
    )
