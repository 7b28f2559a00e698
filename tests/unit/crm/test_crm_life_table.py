"""The table of an order's life: every state, act, role and standing, allowed and refused."""

import itertools

import pytest
from crm_cases import case, people

from core.errors import Conflict, Denied
from core.permissions import Role
from crm.tickets.case import Case
from crm.tickets.rules import choose
from crm.tickets.states import ENDS, Act, By, Stage, State
from crm.tickets.table import BY_ACT, TABLE
from crm.tickets.targets import target

S, R = State, Role
INTAKE = {R.AGENT, R.SHIFT_LEAD, R.DISPATCHER}
UNIT = {R.UNIT_CLERK, R.UNIT_LEADER}
OPEN = {S.DRAFT, S.CONFIRMED}
WITH_UNITS = {S.DISPATCHED, S.HANDLING, S.RETURNING, S.DISPUTED, S.CHECKING}

ALLOWED: dict[tuple[Act, By], tuple[set[State], set[Role], set[Stage]]] = {
    (Act.CORRECT, By.CENTRE): (OPEN, INTAKE, set()),
    (Act.CONFIRM, By.CENTRE): ({S.DRAFT}, INTAKE, set()),
    (Act.DISPATCH, By.CENTRE): (OPEN, INTAKE, set()),
    (Act.VOID, By.CENTRE): (OPEN, INTAKE, set()),
    (Act.SIGN, By.LEAD): ({S.DISPATCHED}, UNIT, set()),
    (Act.SIGN, By.ASSIST): (WITH_UNITS, UNIT, {Stage.TO_SIGN}),
    (Act.ACKNOWLEDGE, By.COPY): (WITH_UNITS, UNIT, set()),
    (Act.CO_REPLY, By.ASSIST): (WITH_UNITS, UNIT, {Stage.HANDLING}),
    (Act.SUBMIT, By.LEAD): ({S.HANDLING}, UNIT, set()),
    (Act.PASS, By.CENTRE): ({S.CHECKING}, {R.CHECKER, R.DIRECTOR}, set()),
    (Act.SEND_BACK, By.CENTRE): ({S.CHECKING}, {R.CHECKER, R.DIRECTOR}, set()),
    (Act.FOLLOW_UP, By.CENTRE): ({S.CLOSED, S.FOLLOWING}, {R.FOLLOW_UP}, set()),
    (Act.NOT_RESPONSIBLE, By.CENTRE): ({S.VERIFYING}, {R.DIRECTOR}, set()),
    (Act.ARCHIVE, By.CENTRE): ({S.RATED}, {R.DIRECTOR, R.ARCHIVIST}, set()),
}
"""What an officer reads in the regulation, written down a second time: act and standing -> states, roles, stages."""


def expected(state: State, act: Act, role: Role, by: By | None, stage: Stage) -> str:
    lines = {key[1]: line for key, line in ALLOWED.items() if key[0] is act}
    lines = {one: line for one, line in lines.items() if role in line[1]}
    if not lines:
        return "denied"
    if by not in lines or (by is not By.CENTRE and state not in WITH_UNITS):
        return "denied"
    states, _, stages = lines[by]
    if state not in states:
        return "conflict"
    return "allowed" if not stages or stage in stages else "conflict"


def attempt(act: Act, one: Case) -> tuple[str, str]:
    try:
        choose(BY_ACT[act], one)
    except Denied as refused:
        return "denied", refused.message
    except Conflict as refused:
        return "conflict", refused.message
    return "allowed", ""


@pytest.mark.parametrize("act", [act for act in Act if act is not Act.OPEN])
def test_every_state_role_and_standing(act: Act) -> None:
    wrong = []
    for state, (role, by, actor), stage in itertools.product(State, people(), (Stage.TO_SIGN, Stage.HANDLING)):
        found, sentence = attempt(act, case(state, actor, stage=stage))
        if found != expected(state, act, role, by, stage) or (found != "allowed" and act.label not in sentence):
            wrong.append((state, role, by, stage, found, sentence))
    assert wrong == []


def test_every_line_cites_an_article_and_every_act_is_in_the_table() -> None:
    assert all(line.article.startswith("第") for line in TABLE)
    assert set(BY_ACT) == set(Act) - {Act.OPEN}
    assert all(len({line.effect.given for line in lines}) == 1 for lines in BY_ACT.values())
    for lines in BY_ACT.values():
        for _, group in itertools.groupby(lines, key=lambda line: (line.by, line.before)):
            assert [line.when is None for line in group][-1], "the last of several lines answers always"


def test_every_state_is_left_by_some_act_or_is_an_end() -> None:
    left = {state for line in TABLE if line.after for state in line.before}
    reached = {S.DRAFT, *(line.after for line in TABLE if line.after)}
    assert reached - left == reached & ENDS


def test_every_state_can_be_said_and_has_an_owner_and_a_timer_or_is_an_end() -> None:
    _, _, actor = next(people())
    for state in State:
        assert state.label and state.spoken
        if state in ENDS:
            continue
        one = case(state, actor)
        for part in one.parts:
            part.sign_due_at = one.at
        assert target(one) is not None, state


def test_a_refusal_names_who_could_and_when() -> None:
    clerk = next(actor for role, by, actor in people() if role is R.UNIT_CLERK and by is By.LEAD)
    with pytest.raises(Denied, match="派单员"):
        choose(BY_ACT[Act.DISPATCH], case(S.DRAFT, clerk))
    assistant = next(actor for role, by, actor in people() if role is R.UNIT_CLERK and by is By.ASSIST)
    with pytest.raises(Denied, match="主办单位"):
        choose(BY_ACT[Act.SUBMIT], case(S.HANDLING, assistant))
    with pytest.raises(Conflict, match="仅“待签收”的工单可以"):
        choose(BY_ACT[Act.SIGN], case(S.HANDLING, clerk))
