"""The table of an order's life: every state, act, role and standing, allowed and refused."""

import itertools

import pytest
from crm_cases import TOLD, case, people

from core.errors import Conflict, Denied
from core.permissions import Role
from crm.tickets.case import Case
from crm.tickets.rules import choose
from crm.tickets.states import ENDS, RECORDED, Act, By, Stage, State
from crm.tickets.table import BY_ACT, TABLE
from crm.tickets.targets import target

S, R = State, Role
INTAKE = {R.AGENT, R.SHIFT_LEAD, R.DISPATCHER}
UNIT = {R.UNIT_CLERK, R.UNIT_LEADER}
OPEN = {S.DRAFT, S.CONFIRMED}
WITH_UNITS = {S.DISPATCHED, S.HANDLING, S.RETURNING, S.DISPUTED, S.CHECKING}

AT_WORK = {Stage.HANDLING}
REVIEW = {R.SHIFT_LEAD, R.DISPATCHER, R.DIRECTOR}
SECOND = {R.SHIFT_LEAD, R.DIRECTOR}
BUREAU = {R.SUPERVISOR, R.BUREAU_LEADER}
ANY: set[Stage] = set()
HANDLING = {S.HANDLING}

ALLOWED: dict[tuple[Act, By], tuple[set[State], set[Role], set[Stage]]] = {
    (Act.CORRECT, By.CENTRE): (OPEN, INTAKE, ANY),
    (Act.CONFIRM, By.CENTRE): ({S.DRAFT}, INTAKE, ANY),
    (Act.ANSWER, By.CENTRE): (OPEN, INTAKE, ANY),
    (Act.SHARE, By.CENTRE): (OPEN, INTAKE, ANY),
    (Act.MERGE, By.CENTRE): (OPEN, INTAKE, ANY),
    (Act.REPEAT, By.CENTRE): (OPEN, INTAKE, ANY),
    (Act.SPLIT, By.CENTRE): (OPEN, INTAKE, ANY),
    (Act.TRANSFER, By.CENTRE): ({S.DRAFT}, INTAKE, ANY),
    (Act.VOID, By.CENTRE): (OPEN, INTAKE, ANY),
    (Act.WITHDRAW, By.CENTRE): (OPEN, INTAKE, ANY),
    (Act.REFUSE, By.CENTRE): (OPEN, INTAKE, ANY),
    (Act.CONFIRM_REFUSAL, By.CENTRE): (OPEN, SECOND, ANY),
    (Act.REJECT_REFUSAL, By.CENTRE): (OPEN, SECOND, ANY),
    (Act.REOPEN, By.CENTRE): ({S.REFUSED, S.ANSWERED}, INTAKE, ANY),
    (Act.DISPATCH, By.CENTRE): (OPEN, INTAKE, ANY),
    (Act.SIGN, By.LEAD): ({S.DISPATCHED}, UNIT, ANY),
    (Act.SIGN, By.ASSIST): (WITH_UNITS, UNIT, {Stage.TO_SIGN}),
    (Act.SIGN, By.SUB): (WITH_UNITS, UNIT, {Stage.TO_SIGN}),
    (Act.ACKNOWLEDGE, By.COPY): (WITH_UNITS, UNIT, ANY),
    (Act.ACKNOWLEDGE, By.READER): ({S.SHARED, S.ARCHIVED}, UNIT, ANY),
    (Act.INFORM, By.LEAD): (HANDLING, UNIT, ANY),
    **{(act, By.LEAD): (HANDLING, UNIT, ANY) for act in (Act.STEP, Act.FINISH_STEP, Act.DELEGATE)},
    **{(act, By.ASSIST): (WITH_UNITS, UNIT, AT_WORK) for act in (Act.STEP, Act.FINISH_STEP, Act.DELEGATE)},
    **{(act, By.SUB): (WITH_UNITS, UNIT, AT_WORK) for act in (Act.STEP, Act.FINISH_STEP)},
    **{(act, By.LEAD): (HANDLING, UNIT, ANY) for act in (Act.APPROVE_SUB, Act.SEND_BACK_SUB, Act.RECALL_SUB)},
    **{(act, By.ASSIST): (WITH_UNITS, UNIT, AT_WORK) for act in (Act.APPROVE_SUB, Act.SEND_BACK_SUB, Act.RECALL_SUB)},
    (Act.RETURN, By.LEAD): (HANDLING, UNIT, ANY),
    (Act.RETURN, By.ASSIST): (WITH_UNITS, UNIT, AT_WORK),
    (Act.RETURN_LATE, By.CENTRE): (HANDLING, BUREAU, ANY),
    (Act.FORWARD_RETURN, By.CENTRE): ({S.RETURNING}, REVIEW, ANY),
    (Act.CITY_ON_RETURN, By.CENTRE): ({S.RETURNING}, REVIEW, ANY),
    (Act.ACCEPT_RETURN, By.CENTRE): ({S.RETURNING}, REVIEW, ANY),
    (Act.REFUSE_RETURN, By.CENTRE): ({S.RETURNING}, REVIEW, ANY),
    (Act.ACCEPT_ASSIST_RETURN, By.CENTRE): (WITH_UNITS, REVIEW | BUREAU, ANY),
    (Act.REFUSE_ASSIST_RETURN, By.CENTRE): (WITH_UNITS, REVIEW, ANY),
    (Act.DISPUTE, By.CENTRE): ({S.RETURNING, S.HANDLING}, REVIEW | BUREAU, ANY),
    (Act.MEET, By.CENTRE): ({S.DISPUTED}, BUREAU, ANY),
    (Act.FILE_MINUTES, By.CENTRE): (set(State) - {S.ARCHIVED}, BUREAU, ANY),
    (Act.UPHOLD, By.CENTRE): ({S.DISPUTED}, {R.DIRECTOR}, ANY),
    (Act.SETTLE, By.CENTRE): ({S.DISPUTED}, {R.DIRECTOR}, ANY),
    (Act.SETTLE_REFUSE, By.CENTRE): ({S.DISPUTED}, {R.DIRECTOR}, ANY),
    (Act.EXTEND, By.LEAD): (HANDLING, UNIT, ANY),
    (Act.FORWARD_EXTENSION, By.CENTRE): (WITH_UNITS, REVIEW, ANY),
    (Act.CITY_ON_EXTENSION, By.CENTRE): (WITH_UNITS, REVIEW, ANY),
    (Act.GRANT_EXTENSION, By.CENTRE): (WITH_UNITS, REVIEW, ANY),
    (Act.REFUSE_EXTENSION, By.CENTRE): (WITH_UNITS, REVIEW, ANY),
    (Act.EXTEND_EXCEPTIONALLY, By.CENTRE): (HANDLING, {R.BUREAU_LEADER}, ANY),
    (Act.RETYPE, By.CENTRE): (WITH_UNITS, REVIEW, ANY),
    (Act.CONFIRM_RETYPE, By.CENTRE): (WITH_UNITS, SECOND, ANY),
    (Act.REJECT_RETYPE, By.CENTRE): (WITH_UNITS, SECOND, ANY),
    (Act.UPGRADE, By.CENTRE): (WITH_UNITS, REVIEW, ANY),
    (Act.APPLY_STATUTE, By.CENTRE): (WITH_UNITS, REVIEW, ANY),
    (Act.CO_REPLY, By.ASSIST): (WITH_UNITS, UNIT, AT_WORK),
    (Act.CO_REPLY, By.SUB): (WITH_UNITS, UNIT, AT_WORK),
    (Act.SUBMIT, By.LEAD): (HANDLING, UNIT, ANY),
    (Act.PASS, By.CENTRE): ({S.CHECKING}, {R.CHECKER, R.DIRECTOR}, ANY),
    (Act.SEND_BACK, By.CENTRE): ({S.CHECKING}, {R.CHECKER, R.DIRECTOR}, ANY),
    (Act.FOLLOW_UP, By.CENTRE): ({S.ANSWERED, S.CLOSED, S.FOLLOWING}, {R.FOLLOW_UP}, ANY),
    (Act.NOT_RESPONSIBLE, By.CENTRE): ({S.VERIFYING}, {R.DIRECTOR}, ANY),
    (Act.EXCLUDE, By.CENTRE): ({S.VERIFYING}, BUREAU, ANY),
    (Act.REWORK, By.CENTRE): ({S.VERIFYING}, {R.DIRECTOR}, ANY),
    **{
        (act, By.CENTRE): (set(State) - {S.ARCHIVED}, BUREAU, ANY)
        for act in (Act.SUPERVISE, Act.DISMISS_CANDIDATE, Act.RELEASE)
    },
    (Act.RERATE, By.CENTRE): ({S.RATED, S.VERIFYING}, {R.FOLLOW_UP}, ANY),
    (Act.CLASSIFY, By.CENTRE): (set(State) - {S.VOID, S.MERGED}, INTAKE | {R.DIRECTOR, R.FOLLOW_UP}, ANY),
    (Act.ASK_IDENTITY, By.LEAD): (HANDLING, UNIT, ANY),
    (Act.GRANT_IDENTITY, By.CENTRE): (WITH_UNITS, {R.DIRECTOR}, ANY),
    (Act.REFUSE_IDENTITY, By.CENTRE): (WITH_UNITS, {R.DIRECTOR}, ANY),
    (Act.ARCHIVE, By.CENTRE): ({S.RATED, S.ANSWERED, S.SHARED}, {R.DIRECTOR, R.ARCHIVIST}, ANY),
}
"""What an officer reads in the regulation, written down a second time: act and standing -> states, roles, stages."""


def expected(state: State, act: Act, role: Role, by: By | None, stage: Stage) -> str:
    lines = {key[1]: line for key, line in ALLOWED.items() if key[0] is act}
    lines = {one: line for one, line in lines.items() if role in line[1]}
    if not lines:
        return "denied"
    there = TOLD if by is By.READER else WITH_UNITS
    if by not in lines or (by is not By.CENTRE and state not in there):
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


@pytest.mark.parametrize("act", [act for act in Act if act not in RECORDED])
def test_every_state_role_and_standing(act: Act) -> None:
    wrong = []
    for state, (role, by, actor), stage in itertools.product(State, people(), (Stage.TO_SIGN, Stage.HANDLING)):
        found, sentence = attempt(act, case(state, actor, stage=stage))
        if found != expected(state, act, role, by, stage) or (found != "allowed" and act.label not in sentence):
            wrong.append((state, role, by, stage, found, sentence))
    assert wrong == []


def test_every_line_cites_an_article_and_every_act_is_in_the_table() -> None:
    assert all(line.article.startswith("第") for line in TABLE)
    assert set(BY_ACT) == set(Act) - RECORDED
    assert all(len({line.effect.given for line in lines}) == 1 for lines in BY_ACT.values())
    for lines in BY_ACT.values():
        for _, group in itertools.groupby(lines, key=lambda line: (line.by, line.before, line.permission)):
            assert [line.when is None for line in group][-1], "the last of several lines answers always"


def test_every_state_is_left_by_some_act_or_is_an_end() -> None:
    left = {state for line in TABLE if line.after for state in line.before}
    assert {line.after for line in TABLE if line.after} | {S.DRAFT} == set(State), "every state is reached"
    assert set(State) - left == ENDS - {S.REFUSED}, "a refusal may be reopened"


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
