"""Every act of the table has its form: words for each field, a button named by its effect, one request model."""

import pytest

from core.clock import SHANGHAI
from core.errors import Invalid
from crm.tickets.acts.disputing import Meeting
from crm.tickets.acts.ending import Split
from crm.tickets.acts.replying import Submission
from crm.tickets.states import Act
from crm.tickets.table import BY_ACT
from web import act_fields, act_words
from web.act_forms import OWN_FORMS
from web.pages.order_acts import ROUTES, Acting

ACTS = [act for act in BY_ACT if act not in OWN_FORMS]


@pytest.mark.parametrize("act", ACTS)
def test_every_field_of_every_act_has_its_words(act: Act) -> None:
    made = act_fields.fields(act, BY_ACT[act][0].effect.given, {})
    inner = [one for field in made for row in field.rows for one in row]
    assert all(field.label for field in (*made, *inner))
    assert act in act_words.BUTTONS
    assert all(one.options for one in (*made, *inner) if one.kind == "choice")


def test_every_act_has_one_route_and_every_warning_an_act() -> None:
    assert [route.path.rpartition("/")[2] for route in ROUTES] == ACTS
    assert set(act_words.BUTTONS) == set(ACTS)
    assert set(act_words.FINAL) <= set(ACTS)


def test_what_was_filled_in_is_what_the_act_is_given() -> None:
    form = act_fields.asks(Act.SUBMIT, Submission, Acting)
    asked = form.model_validate(
        {
            "id": "0" * 32,
            "version": 3,
            "text": "已派员到现场清理",
            "solved": "false",
            "contact_at": "2026-03-02T14:05",
            "explained": "true",
        }
    )
    given = act_fields.given_of(Act.SUBMIT, Submission, asked)
    assert given["text"] == "已派员到现场清理"
    assert (given["solved"], given["explained"], given["publish_ok"]) == ("false", True, False)
    assert given["contact_at"].tzinfo is SHANGHAI
    assert "contact_method" not in given
    with pytest.raises(Invalid):
        act_fields.moment("contact_at", "明天")


def test_rows_that_were_left_empty_are_none() -> None:
    form = act_fields.asks(Act.MEET, Meeting, Acting)
    row = {"attendees_1_unit_id": "1" * 32, "attendees_1_name": "周局长"}
    asked = form.model_validate({"id": "0" * 32, "version": 3} | row)
    given = act_fields.given_of(Act.MEET, Meeting, asked)
    assert given["attendees"] == [{"unit_id": "1" * 32, "name": "周局长", "signed": False}]
    form = act_fields.asks(Act.SPLIT, Split, Acting)
    asked = form.model_validate({"id": "0" * 32, "version": 3, "parts_0_title": "路灯不亮"})
    assert [one["title"] for one in act_fields.given_of(Act.SPLIT, Split, asked)["parts"]] == ["路灯不亮"]
