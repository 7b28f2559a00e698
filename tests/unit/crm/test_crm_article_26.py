"""第二十六条: which of its two grounds covers an unsatisfied rating, for every combination of what decides it."""

import itertools

import pytest
from crm_cases import case, people

from core.db import new_id
from core.permissions import Role
from crm.tickets.acts.closing import Why
from crm.tickets.acts.replying import CloseKind
from crm.tickets.acts.reworking import Article26, Exclude, ground_holds
from crm.tickets.models import Rating, Reply
from crm.tickets.states import By, State

BUREAU = next(actor for role, _, actor in people() if role is Role.SUPERVISOR)
CATEGORIES = {True: ("suggestion",), False: ("opinion", "complaint", "help", "consultation", "report")}
REASONS = {True: (Why.NOT_ADOPTED,), False: tuple(why for why in Why if why is not Why.NOT_ADOPTED)}
CLOSES = {
    True: ((CloseKind.NO_BASIS, "某条例第三条", True),),
    False: (
        (CloseKind.HANDLED, "", False),
        (CloseKind.HANDLED, "某条例第三条", True),
        (CloseKind.NO_BASIS, "", True),
        (CloseKind.NO_BASIS, "某条例第三条", False),
    ),
}
"""办结方式, 依据, 解释回访: only all three together are ground (二)."""


@pytest.mark.proves("A26-1")
@pytest.mark.parametrize(("suggested", "not_adopted", "explained"), list(itertools.product((True, False), repeat=3)))
def test_every_combination(suggested: bool, not_adopted: bool, explained: bool) -> None:
    decides = itertools.product(CATEGORIES[suggested], REASONS[not_adopted], CLOSES[explained])
    for category, reason, (kind, citation, told) in decides:
        made = case(State.VERIFYING, BUREAU, category=category)
        made.rows[Rating] = [Rating(id=new_id(), grade="unsatisfied", reason=reason, superseded_at=None)]
        reply = Reply(role=By.LEAD, state="passed", close_kind=kind, citation=citation, explained=told)
        made.rows[Reply] = [reply]
        covered = {one for one in Article26 if ground_holds(made, Exclude(ground=one, basis="符合剔除情形")) is None}
        expected = {Article26.ITEM_1} if suggested and not_adopted else set()
        expected |= {Article26.ITEM_2} if explained else set()
        assert covered == expected, (category, reason, kind, citation, told)


def test_what_was_sent_back_or_superseded_decides_nothing() -> None:
    made = case(State.VERIFYING, BUREAU, category="suggestion")
    old = Rating(id=new_id(), grade="unsatisfied", reason=Why.NOT_ADOPTED, superseded_at=made.at)
    made.rows[Rating] = [old, Rating(id=new_id(), grade="unsatisfied", reason=Why.SLOW, superseded_at=None)]
    sent_back = Reply(role=By.LEAD, state="sent-back", close_kind="no-basis", citation="某条例第三条", explained=True)
    assisting = Reply(role=By.ASSIST, state="passed", close_kind="no-basis", citation="某条例第三条", explained=True)
    made.rows[Reply] = [sent_back, assisting]
    for ground in Article26:
        refused = ground_holds(made, Exclude(ground=ground, basis="符合剔除情形"))
        assert refused is not None and refused.field == "ground" and "第二十六条" in str(refused)
