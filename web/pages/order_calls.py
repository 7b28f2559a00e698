"""All calls of an order on its page: how each belongs to it, who spoke to whom, and its recordings; and the calls by
which its units were told of an emergency."""

from collections.abc import Sequence
from dataclasses import dataclass

from callflow.phones.voices import Voices, of_call
from core.permissions import Permission
from crm.alarms import queries as alarms
from crm.finding import of_order as known
from crm.tickets.belonging import Belonging, How
from crm.tickets.models import Ticket
from recordings.models import Recording
from web.context import Context


@dataclass(frozen=True)
class Row:
    """A call."""

    of: Belonging
    voices: Voices
    sounds: Sequence[Recording]


@dataclass(frozen=True)
class Calls:
    """What the page shows; `more`: whether there is anything beyond the call that the order came from."""

    rows: Sequence[Row]
    told: Sequence[alarms.Row]

    @property
    def more(self) -> bool:
        return bool(self.told) or any(row.of.how is not How.OWN for row in self.rows)


async def of_order(ctx: Context, ticket: Ticket, sounds: Sequence[Recording]) -> Calls | None:
    """For those who may see calls, and know of the order's caller; `sounds` as far as they may know of recordings."""
    if not ctx.actor.may(Permission.CALL_VIEW):
        return None
    by_call: dict[object, list[Recording]] = {}
    for one in sounds:
        by_call.setdefault(one.call_id, []).append(one)
    found = await known.calls(ctx.session, ctx.actor, ticket.id)
    rows = [Row(one, await of_call(ctx.session, one.call), by_call.get(one.call.id, [])) for one in found]
    return Calls(rows, await alarms.of_order(ctx.session, ticket.id))
