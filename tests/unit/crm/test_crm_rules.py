"""The table of an order's life: every state, act and role, allowed and refused."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.actor import Actor
from core.errors import Conflict, Denied, Invalid
from core.permissions import Role
from crm.county.categories import Category
from crm.tickets.identity import traces
from crm.tickets.rules import BY_ACT, TABLE, Act, Facts, State, decide, possible

GOOD = Facts(Category.COMPLAINT, "内容", "标题", identity_checked=True, lead_named=True, reason="拨错号码")
ALLOWED = {
    (State.DRAFT, Act.CORRECT),
    (State.DRAFT, Act.CONFIRM),
    (State.DRAFT, Act.DISPATCH),
    (State.DRAFT, Act.VOID),
    (State.CONFIRMED, Act.CORRECT),
    (State.CONFIRMED, Act.DISPATCH),
    (State.CONFIRMED, Act.VOID),
}
WORKERS = {Role.AGENT, Role.SHIFT_LEAD, Role.DISPATCHER}


@pytest.mark.parametrize(("state", "act", "role"), list(itertools.product(State, BY_ACT, Role)))
def test_every_state_act_and_role(state: State, act: Act, role: Role) -> None:
    actor = Actor(None, "某人", frozenset({role}))
    if role not in WORKERS:
        with pytest.raises(Denied):
            decide(actor, state, act, GOOD)
    elif (state, act) not in ALLOWED:
        with pytest.raises(Conflict) as refused:
            decide(actor, state, act, GOOD)
        assert state.label in refused.value.message
        assert act not in possible(actor, state)
    else:
        assert decide(actor, state, act, GOOD).act is act
        assert act in possible(actor, state)


@pytest.mark.parametrize(
    ("facts", "field"),
    [
        (Facts(None, "内容", "标题", lead_named=True), "category"),
        (Facts(Category.HELP, " ", "标题", lead_named=True), "content"),
        (Facts(Category.HELP, "内容", "", lead_named=True), "title"),
        (Facts(Category.HELP, "内容", "标题"), "lead_unit"),
        (Facts(Category.REPORT, "内容", "标题", lead_named=True), "identity_checked"),
        (Facts(Category.REPORT, "内", "标", True, ("王**",), lead_named=True), "content"),
        (Facts(Category.REPORT, "内", "标", True, lead_named=True, accused_leads=True), "lead_unit"),
    ],
)
def test_dispatch_names_the_field_that_is_wrong(facts: Facts, field: str) -> None:
    with pytest.raises(Invalid) as refused:
        decide(Actor(None, "话务员", frozenset({Role.AGENT})), State.DRAFT, Act.DISPATCH, facts)
    assert field in refused.value.fields


def test_every_line_cites_an_article_and_every_state_can_be_said() -> None:
    assert all(line.article.startswith("第") for line in TABLE)
    assert len({line.act for line in TABLE}) == len(TABLE)
    assert all(state.label and state.spoken for state in State)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("我是王小明", ("王**",)),
        ("电话13800001234", ("138****34",)),
        ("座机0793-5901234", ("079****34",)),
        ("身份证362326199001011234", ("362****34",)),
        ("饭店后厨使用过期食材", ()),
        ("订单号1380000123456789", ("138****",)),  # the caller's own digits, hidden in others
        ("订单号1990000123456789", ()),
    ],
)
def test_traces_of_the_reporter(text: str, found: tuple[str, ...]) -> None:
    assert traces(text, name="王小明", phone="+8613800001234") == found


@given(st.text(max_size=200))
def test_traces_never_shows_what_it_found(text: str) -> None:
    assert not any("13800001234" in trace for trace in traces(text + "13800001234", name=None, phone=None))
