"""What a unit may decide for itself, how its inner dues are counted, what an answer gathers, and where a place lies."""

import json
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from crm_cases import UNITS, case
from hypothesis import given, settings
from hypothesis import strategies as st

from core.actor import Actor
from core.clock import SHANGHAI
from core.db import new_id
from core.permissions import Role
from crm.clocks import rules_at
from crm.county.categories import Category
from crm.county.locate import locate, point_in
from crm.county.places import Gazetteer
from crm.installed import Installation, installed
from crm.members.details import Details, FlowStep, as_content, beyond, cut, inner_due, step_due
from crm.policy import LimitsPolicy
from crm.tickets.acts.gathering import draft, to_gather
from crm.tickets.dues import earlier_by, move
from crm.tickets.models import Reply
from crm.tickets.states import By, Stage, State


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)


@pytest.mark.proves("A30-1")
@settings(max_examples=200, deadline=None)
@given(st.dictionaries(st.sampled_from(list(Category)), st.integers(1, 60)), st.none() | st.integers(1, 60))
def test_what_is_longer_than_the_county_allows_is_refused_and_nothing_else(
    limits: dict[Category, int], inform: int | None
) -> None:
    county = installed().policy[LimitsPolicy]
    wrong = beyond(Details(limits=limits, inform=inform), county)
    longer = {f"limit_{one.value}" for one, days in limits.items() if days > county.of(one)}
    assert set(wrong) == longer | ({"inform"} if inform is not None and inform > 10 else set())


@pytest.mark.proves("A30-1", "F30-1")
@settings(max_examples=200, deadline=None)
@given(
    st.datetimes(datetime(2026, 1, 1), datetime(2026, 11, 30)),
    st.sampled_from(list(Category)),
    st.integers(1, 366),
    st.none() | st.integers(1, 366),
    st.integers(0, 40),
)
def test_no_detail_of_a_unit_reaches_beyond_the_countys_due(
    dispatched: datetime, category: Category, days: int, step: int | None, later: int
) -> None:
    """Even with details that were decided when the county's limits were longer."""
    moment = dispatched.replace(tzinfo=SHANGHAI)
    rules = rules_at(moment)
    assert rules is not None
    due = rules.due(moment, rules.policy[LimitsPolicy].of(category)).at
    inner = inner_due(Details(limits={category: days}), rules, category, moment, due)
    assert inner is not None and inner <= due
    ends = step_due(FlowStep(name="科室审核", days=step), rules, moment + timedelta(days=later), inner, due)
    assert ends is not None and ends <= inner <= due


@pytest.mark.proves("F30-1")
def test_a_stricter_limit_is_counted_like_the_countys() -> None:
    moment = at("2026-02-13 10:00")
    rules = rules_at(moment)
    assert rules is not None
    inner = inner_due(Details(limits={Category.COMPLAINT: 3}), rules, Category.COMPLAINT, moment, None)
    assert inner == rules.due(moment, 3).at == at("2026-02-26 00:00"), "the festival and its working Saturday count"
    assert inner_due(Details(), rules, Category.COMPLAINT, moment, at("2026-03-06 00:00")) is None
    assert cut(None, inner) is None


def test_details_are_kept_as_they_were_decided() -> None:
    given = Details(
        limits={Category.HELP: 3},
        inform=1,
        steps=(FlowStep(name="经办", days=1), FlowStep(name="签批", needs_leader=True)),
    )
    assert Details.model_validate(json.loads(json.dumps(as_content(given)))) == given


@pytest.mark.proves("F08-6")
async def test_a_sub_units_due_follows_the_part_that_it_answers_to() -> None:
    actor = Actor(new_id(), "督办员", frozenset({Role.SUPERVISOR}))
    one = case(State.HANDLING, actor, stage=Stage.HANDLING)
    lead, assist, sub = (one.role(by)[0] for by in (By.LEAD, By.ASSIST, By.SUB))
    sub.parent_id, sub.due_at, sub.submitted_at = assist.id, lead.due_at, None
    assist.submitted_at, lead.inner_due_at = None, lead.due_at
    shorter = one.rules.due(one.handling.dispatched_at, 5)

    class Session:
        def add(self, row: object) -> None:
            pass

    await move(Session(), one, shorter, "retype", "改类")  # type: ignore[arg-type]
    assert assist.due_at == earlier_by(one, shorter.at, 1)
    assert sub.due_at == earlier_by(one, shorter.at, 2), "a working day before the assisting unit, not the lead"
    assert lead.inner_due_at == shorter.at, "what the unit decided does not outlast the county's due (A30-1)"


@pytest.mark.proves("F08-4")
def test_the_answer_gathers_the_newest_opinion_of_each_unit_that_answers_to_the_lead() -> None:
    one = case(State.HANDLING, Actor(new_id(), "经办", frozenset({Role.UNIT_CLERK}), UNITS[By.LEAD]))
    lead, assist, sub = (one.role(by)[0] for by in (By.LEAD, By.ASSIST, By.SUB))
    sub.parent_id = lead.id

    def reply(part: object, state: str, minute: int, text: str) -> Reply:
        row = Reply(id=new_id(), assignment_id=part.id, role=part.role, state=state, text=text)  # type: ignore[attr-defined]
        row.submitted_at = at(f"2026-11-24 10:{minute:02}")
        return row

    old, new = reply(assist, "noted", 1, "拟安排巡查"), reply(assist, "noted", 5, "街道已安排巡查。")
    below, waiting = reply(sub, "passed", 3, "大队已清理现场。"), reply(sub, "submitted", 9, "未经审核")
    own = reply(lead, "sent-back", 2, "上次的答复")
    found = to_gather([old, new, below, waiting, own], one.parts, lead)
    assert found == [below, new]
    text = draft(found, {assist.id: "桃源街道办事处", sub.id: "执法大队"})
    assert text.splitlines()[1:] == ["执法大队：大队已清理现场。", "桃源街道办事处：街道已安排巡查。"]
    sub.parent_id = assist.id
    assert to_gather([below], one.parts, lead) == [], "it answers to the assisting unit"
    assert draft([], {}) == ""


@pytest.mark.proves("F05-3")
@pytest.mark.parametrize(
    ("address", "area", "village"),
    [
        ("弋江镇洪山村三组12号", "yijiang", "洪山村"),
        ("洪山村村口", "yijiang", "洪山村"),
        ("漆工镇政府旁边", "qigong", None),
        ("漆工镇漆工村卫生室", "qigong", "漆工村"),
        ("桃花社区3栋", "taoyuan", "桃花社区"),
        ("朱坑镇和洪山村交界处", "zhukeng", None),
    ],
)
def test_an_address_leads_to_its_village_and_township(
    yiyang: Installation, address: str, area: str, village: str | None
) -> None:
    found = locate(address, yiyang.gazetteer, yiyang.county)
    assert found is not None
    assert (found.area, found.village.name if found.village else None) == (area, village)
    assert found.township == yiyang.county.units[area].name
    assert found.township in found.reason


@pytest.mark.proves("F05-3")
@pytest.mark.parametrize("address", ["", "火星路1号", "弋阳县", "洪山村与漆工村之间", "117.4352,28.4041"])
def test_what_the_gazetteer_does_not_know_is_left_to_a_person(yiyang: Installation, address: str) -> None:
    assert locate(address, yiyang.gazetteer, yiyang.county) is None


@pytest.mark.proves("F05-3")
def test_a_point_on_the_map_leads_to_the_nearest_known_place(yiyang: Installation) -> None:
    measured = {"洪山村": (117.4400, 28.4100), "漆工村": (117.6000, 28.5500)}
    places = tuple(
        one.model_copy(update={"at": measured[one.name]}) if one.name in measured else one
        for one in yiyang.county.places
    )
    county = replace(yiyang.county, places=places)
    gazetteer = Gazetteer(county)
    for written in ("117.4405,28.4110", "地图位置 28.4110，117.4405 附近"):
        found = locate(written, gazetteer, county)
        assert found is not None and found.village is not None
        assert (found.village.name, found.area) == ("洪山村", "yijiang")
        assert found.reason == "距“洪山村”120米，属弋江镇人民政府"
    assert locate("117.5000,28.2000", gazetteer, county) is None, "too far from everything"
    assert point_in("身份证 362326198001011234，电话 0793-5901234") is None
    assert point_in("13.5000,27.2000") is None, "nowhere in China"
