"""What stands beside a draft: who calls and what came before, similar open orders, and the screening list of 第十条."""

from collections.abc import Sequence
from dataclasses import dataclass

from callflow import queries
from callflow.models import Call
from core.permissions import Permission as P
from crm.county.screening import UrgentLine
from crm.drafts import screening
from crm.drafts.screening import Checked
from crm.installed import installed
from crm.search.earlier import earlier_of
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


async def build(ctx: Context, ticket: Ticket) -> Beside:
    """Everything beside an order, as far as this person may know of it."""
    session, actor = ctx.session, ctx.actor
    earlier = await earlier_of(session, actor, ticket)
    calls: Sequence[Call] = ()
    if actor.may(P.CALL_VIEW) and ticket.caller_phone and sees_identity(actor, ticket):
        found = await queries.calls(session, caller=ticket.caller_phone, limit=MOST_CALLS)
        calls = [call for call in found if call.id != ticket.call_id]
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
