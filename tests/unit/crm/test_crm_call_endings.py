"""What a taken call came to, by the orders that were made of it (A12.1-2)."""

from datetime import UTC, datetime

import pytest

from core.db import new_id
from crm.queries.intake_day import Ending, Made, Taken, reconcile
from crm.tickets.states import State

DRAFT = Made(new_id(), "1", State.DRAFT)
ANSWERED = Made(new_id(), "2", State.ARCHIVED, close_kind="answered")
REFUSED = Made(new_id(), "3", State.REFUSED, close_kind="refused")
MERGED = Made(new_id(), "4", State.MERGED, close_kind="merged")
THROUGH = Made(new_id(), "5", State.TRANSFERRED, close_kind="transferred")
WITHDRAWN = Made(new_id(), "6", State.VOID, close_kind="withdrawn")
VOID = Made(new_id(), "7", State.VOID, close_kind="void")
WITH_UNIT = Made(new_id(), "8", State.HANDLING, dispatched=True)
REFUSED_AFTERWARDS = Made(new_id(), "9", State.REFUSED, dispatched=True, close_kind="refused")
ACCEPTED = Made(new_id(), "10", State.CONFIRMED)
TOLD = Made(new_id(), "11", State.SHARED, close_kind="shared")


def call(*orders: Made) -> Taken:
    return Taken(new_id(), datetime(2026, 3, 2, tzinfo=UTC), None, "王丽", False, orders=orders)


@pytest.mark.parametrize(
    ("orders", "ending"),
    [
        ((), None),
        ((DRAFT,), None),
        ((ANSWERED,), Ending.ANSWERED),
        ((REFUSED,), Ending.REFUSED),
        ((MERGED,), Ending.MERGED),
        ((THROUGH,), Ending.TRANSFERRED),
        ((WITHDRAWN,), Ending.WITHDRAWN),
        ((VOID,), Ending.VOID),
        ((WITH_UNIT,), Ending.ORDER),
        ((REFUSED_AFTERWARDS,), Ending.ORDER),
        ((ACCEPTED,), Ending.ORDER),
        ((TOLD,), Ending.ORDER),
        ((WITH_UNIT, WITH_UNIT, WITH_UNIT), Ending.ORDER),
        ((ANSWERED, WITH_UNIT), Ending.ORDER),
        ((VOID, ANSWERED), Ending.ANSWERED),
        ((VOID, REFUSED, MERGED), Ending.REFUSED),
        ((WITH_UNIT, DRAFT), None),
        ((DRAFT, WITH_UNIT), None),
    ],
)
@pytest.mark.proves("A12.1-2")
def test_a_call_has_one_ending_however_many_orders_it_became(orders: tuple[Made, ...], ending: Ending | None) -> None:
    one = call(*orders)
    assert one.ending == ending
    assert one.waits == next((order for order in orders if order.state is State.DRAFT), None)
    day = reconcile([one])
    assert (day.total.taken, day.total.endings.total()) == (1, int(ending is not None))
    assert day.total.difference == len(day.unfinished) == int(ending is None)
