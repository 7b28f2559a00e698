"""The table of an item's life: every state, act and role, own unit and other, allowed and refused."""

import itertools
from datetime import date, timedelta
from uuid import UUID

import pytest

from core.actor import Actor
from core.clock import now
from core.db import new_id
from core.errors import Conflict, Denied, Invalid
from core.permissions import Role
from crm.knowledge.models import KnowledgeItem, KnowledgeVersion
from crm.knowledge.states import ANSWERS, Act, State
from crm.knowledge.table import TABLE, Case, choose, offered, state_of

S, R = State, Role
MINE, OTHER = new_id(), new_id()
TODAY = date(2026, 11, 29)
CENTRE = {R.KNOWLEDGE_KEEPER, R.DIRECTOR}
UNIT_STEPS = {
    (Act.SAVE, S.DRAFT): {R.UNIT_CLERK},
    (Act.SUBMIT, S.DRAFT): {R.UNIT_CLERK},
    (Act.DROP, S.DRAFT): {R.UNIT_CLERK},
    (Act.DROP, S.SENT_BACK): {R.UNIT_CLERK},
    **{(Act.REVISE, one): {R.UNIT_CLERK} for one in (S.IN_FORCE, S.DUE, S.SENT_BACK, S.RETIRED)},
    (Act.PASS_SECRECY, S.SECRECY): {R.SECRECY_REVIEWER},
    (Act.SEND_BACK, S.SECRECY): {R.SECRECY_REVIEWER},
    (Act.APPROVE, S.LEADER): {R.UNIT_LEADER},
    (Act.SEND_BACK, S.LEADER): {R.UNIT_LEADER},
    **{(act, one): {R.UNIT_LEADER} for act in (Act.REAFFIRM, Act.RETIRE) for one in (S.IN_FORCE, S.DUE)},
}
"""What an officer reads in 第十八条, written down a second time: who of the providing unit may do what, when."""
CENTRE_STEPS = {
    (Act.PUBLISH, S.CENTRE): CENTRE,
    (Act.SEND_BACK, S.CENTRE): CENTRE,
    (Act.CALL_REVIEW, S.IN_FORCE): CENTRE,
    (Act.RETIRE, S.IN_FORCE): CENTRE,
    (Act.RETIRE, S.DUE): CENTRE,
}


def case(
    state: State,
    role: Role,
    unit: UUID | None = MINE,
    *,
    user: UUID | None = None,
    writer: UUID | None = None,
    **text: object,
) -> Case:
    item = KnowledgeItem(id=new_id(), number="ZS00001", unit_id=MINE, version=1, newest=1)
    stored = S.IN_FORCE if state is S.DUE else state
    version = KnowledgeVersion(item_id=item.id, n=1, state=stored, question="怎么办理", answer="到窗口。", basis="某法")
    version.kind, version.valid_to = "approval", None
    version.review_on = TODAY if state is S.DUE else TODAY + timedelta(days=1)
    for name, value in text.items():
        setattr(version, name, value)
    actor = Actor(user or new_id(), "某人", frozenset({role}), unit)
    return Case(actor, item, version, frozenset({writer or new_id()}), TODAY)


@pytest.mark.proves("F18-1", "A18-1")
@pytest.mark.parametrize("own", [True, False])
def test_every_state_act_and_role(own: bool) -> None:
    for state, act, role in itertools.product(State, Act, Role):
        may = role in CENTRE_STEPS.get((act, state), set()) or (own and role in UNIT_STEPS.get((act, state), set()))
        one = case(state, role, MINE if own else OTHER)
        assert state_of(one.version, TODAY) is state
        if may:
            assert choose(act, one).act is act
        else:
            with pytest.raises((Denied, Conflict)):
                choose(act, one)
        assert may == (act in {line.act for line in offered(one)})


@pytest.mark.proves("A18-1")
def test_no_way_leads_past_the_secrecy_review() -> None:
    reached, ways = {S.DRAFT}, {(line.before, line.after) for line in TABLE if line.act is not Act.PASS_SECRECY}
    while True:
        found = reached | {after for before, after in ways if after is not None and before & reached}
        if found == reached:
            break
        reached = found
    assert not reached & (ANSWERS | {S.LEADER, S.CENTRE, S.RETIRED, S.SUPERSEDED})


@pytest.mark.proves("F18-1", "A18-1")
def test_nobody_reviews_what_he_wrote() -> None:
    me = new_id()
    with pytest.raises(Denied, match="起草人以外"):
        choose(Act.PASS_SECRECY, case(S.SECRECY, R.SECRECY_REVIEWER, user=me, writer=me))


@pytest.mark.proves("A17-1")
@pytest.mark.parametrize(
    ("act", "state", "role"), [(Act.SUBMIT, S.DRAFT, R.UNIT_CLERK), (Act.PUBLISH, S.CENTRE, R.DIRECTOR)]
)
def test_without_class_or_basis_it_goes_nowhere(act: Act, state: State, role: Role) -> None:
    for name, empty in (("kind", None), ("basis", ""), ("answer", "")):
        one = case(state, role, **{name: empty})
        with pytest.raises(Invalid) as refused:
            choose(act, one)
        assert set(refused.value.fields) == {name}
        assert act in {line.act for line in offered(one)}, "a form can mend it"
    with pytest.raises(Conflict, match="有效期已过"):
        choose(act, case(state, role, valid_to=TODAY - timedelta(days=1)))
    assert choose(act, case(state, role, valid_to=TODAY, written_at=now())).act is act


def test_one_version_at_a_time_is_on_its_way() -> None:
    one = case(S.IN_FORCE, R.UNIT_CLERK)
    further = Case(one.actor, one.item, one.version, one.writers, one.today, newer=True)
    with pytest.raises(Conflict, match="修订稿"):
        choose(Act.REVISE, further)
