"""What stands beside a draft: who calls and what came before, similar open orders, and the screening list of 第十条."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from callflow import queries
from callflow.models import Call
from core.permissions import Permission as P
from crm.drafts import screening
from crm.drafts.screening import Checked
from crm.installed import installed
from crm.search.earlier import MOST, earlier_of, earlier_of_number
from crm.search.similar import Similar, similar_to
from crm.tickets.access import sees_identity
from crm.tickets.models import Ticket
from crm.tickets.states import OPEN
from web.context import Context
from web.lists import shown

MOST_CALLS = 6


@dataclass(frozen=True)
class Beside:
    """F12.1-1, F12.1-4, F10-1 for one order; `screened` is empty once the order has left intake."""

    earlier: Sequence[Ticket]
    calls: Sequence[Call]
    similar: Sequence[Similar]
    screened: Sequence[Checked]
    before: Ticket | None
    """The same caller's order of the same matter that was closed: what 第十条（四） is held against."""
    further: str = ""
    """The number's last four digits, to look for the others by, where it has more orders or calls than these."""


def _history(
    number: str, orders: Sequence[Ticket], calls: Sequence[Call]
) -> tuple[Sequence[Ticket], Sequence[Call], str]:
    """What stands of both, of which one more was read, and `further`."""
    earlier, more = shown(orders, MOST)
    latest, more_calls = shown(calls, MOST_CALLS)
    return earlier, latest, number[-4:] if more or more_calls else ""


async def of_call(ctx: Context, call: Call) -> Beside | None:
    """Beside a call that waits or rings: the number's history. With the talk comes the order, and what is beside it."""
    if call.caller is None or call.connected_at or call.ended_at:
        return None
    before = await earlier_of_number(ctx.session, ctx.actor, call.caller, most=MOST + 1)
    earlier, calls, further = _history(call.caller, before, await _calls(ctx, call.caller, call.id))
    return Beside(earlier, calls, (), (), None, further)


async def _calls(ctx: Context, number: str, but: UUID | None) -> Sequence[Call]:
    if not ctx.actor.may(P.CALL_VIEW):
        return ()
    found = await queries.calls(ctx.session, caller=number, limit=MOST_CALLS + 2)
    return [call for call in found if call.id != but]


async def build(ctx: Context, ticket: Ticket) -> Beside:
    """Everything beside an order, as far as this person may know of it."""
    session, actor = ctx.session, ctx.actor
    reported = await earlier_of(session, actor, ticket, most=MOST + 1)
    called: Sequence[Call] = ()
    if ticket.caller_phone and sees_identity(actor, ticket):
        called = await _calls(ctx, ticket.caller_phone, ticket.call_id)
    earlier, calls, further = _history(ticket.caller_phone or "", reported, called)
    if ticket.state not in OPEN or not actor.may(P.ORDER_EDIT):
        return Beside(earlier, calls, (), (), None, further)
    ended = (one for one in earlier if one.closed_at and ticket.matter and one.matter == ticket.matter)
    before = next(ended, None)
    words = "\n".join((ticket.title, ticket.content, ticket.subject, ticket.demand))
    listed = installed().county.screening
    return Beside(
        earlier,
        calls,
        await similar_to(session, actor, ticket),
        screening.check(words, listed.item, ended_before=before is not None),
        before,
        further,
    )
