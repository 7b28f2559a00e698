"""The dialplan and the code speak of the same variables, events and prompts; nothing hostile reaches a file."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from callflow.line_files import AgentPhone, DialledNumber, QueueFile, Roster, fill
from callflow.menu import Does, Menu, MenuKey
from callflow.settings import LineSettings
from callflow.variables import CallEvent, Refusal, Route, Variable
from core.errors import Invalid
from crm.tickets.states import State
from ivr.prompts.render import texts
from ivr.service import FLOWS

TEMPLATES = Path(__file__).parents[3] / "asterisk_conf"
DIALPLAN = "".join((TEMPLATES / f"{name}.j2").read_text() for name in ("extensions.conf", "extensions_hotline.conf"))
QUEUES = (TEMPLATES / "queues.conf.j2").read_text()
SOURCES = "".join(path.read_text() for path in (Path(__file__).parents[3] / "ivr" / "flows").glob("*.py"))


def test_variables() -> None:
    of_flows_alone = {Variable.FAILURES}
    assert set(re.findall(r"HOTLINE_[A-Z]+", DIALPLAN)) == set(Variable) - of_flows_alone


def test_events() -> None:
    assert set(re.findall(r"CELGenUserEvent\((\w+)", DIALPLAN)) == set(CallEvent)


def test_routes_are_rungs_of_the_ladder() -> None:
    ladder = DIALPLAN.split("[hotline-ladder]")[1].split("\n[")[0]
    assert set(Route) <= set(re.findall(r"^exten => ([a-z]+),1,", ladder, re.MULTILINE))


def test_every_flow_asked_for_is_served() -> None:
    assert set(re.findall(r"hotline-ask,([a-z]+),1", DIALPLAN)) == set(FLOWS)


def test_every_prompt_has_a_text() -> None:
    said = set(re.findall(r"hotline/[a-z][a-z-]*[a-z]", DIALPLAN + QUEUES + SOURCES))
    made = {"state", "month", "day", "code", "year", "refuse"}
    assert said - {f"hotline/{name}" for name in made} <= set(texts())


def test_every_refusal_has_words_of_its_own() -> None:
    spoken = texts()
    at_the_door = [spoken[f"hotline/refuse-{one.value}"] for one in Refusal if one is not Refusal.QUEUE_FULL]
    assert len({*at_the_door, spoken["hotline/queue-full"]}) == len(Refusal)


def test_every_key_may_do_what_the_dialplan_knows() -> None:
    for context, meanings in (
        ("hotline-greeting", set(Does) - {Does.KEEP}),
        ("hotline-keys", set(Does) - {Does.AGENT}),
    ):
        body = DIALPLAN.split(f"[{context}]")[1].split("\n[")[0]
        assert meanings <= set(re.findall(r"^exten => ([a-z]+),1", body, re.MULTILINE))


def test_every_state_of_an_order_can_be_said() -> None:
    spoken = texts()
    assert {state: spoken[f"hotline/state-{state.value}"] for state in State} == {s: s.spoken + "。" for s in State}


hostile = st.text(min_size=1).filter(lambda text: not re.fullmatch(r"\+?[0-9]{2,20}", text))


@given(hostile)
def test_a_number_is_a_number_or_refused(value: str) -> None:
    for make in (lambda: Roster(duty=(value,)), lambda: Roster(outside=value), lambda: DialledNumber(value, "1", "q")):
        with pytest.raises(Invalid):
            make()


@pytest.mark.parametrize("limit", [("a]\n[b", 1), ("hotline", -1), ("hotline", 10_001)])
def test_a_limit_is_a_limit_or_refused(limit: tuple[str, int]) -> None:
    with pytest.raises(Invalid):
        Roster(longest=(limit,))


@pytest.mark.parametrize("name", ["张\n伟", "a;b", '"', "<1001>", "[x]", "${SHELL(id)}", "", "x" * 41, "a\0"])
def test_an_agents_name_cannot_configure(name: str) -> None:
    with pytest.raises(Invalid):
        AgentPhone("1001", "s" * 20, name)


@pytest.mark.parametrize("queue", ["General", "a]\n[b", "a,b", "", "x" * 41, "队列"])
def test_a_queues_name_cannot_configure(queue: str) -> None:
    with pytest.raises(Invalid):
        QueueFile(queue)


@pytest.mark.parametrize(
    "values",
    [
        {"bind": "0.0.0.0\nx=1"}, {"trunk_to": "host\n[evil]"}, {"trunk_to": "host:99999"}, {"node": "Node 1"},
        {"trunk_from": ["everywhere"]}, {"caller_number": "12345;x"}, {"rtp_first": 20000, "rtp_last": 20001},
        {"sip_port": 0}, {"unheard_of": 1},
    ],
)  # fmt: skip
def test_settings_cannot_configure_more_than_they_name(values: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        LineSettings.model_validate(values)


def test_the_roster_reads_as_dialplan() -> None:
    text = fill(
        "extensions_hotline.conf",
        roster=Roster(
            "hotline",
            (DialledNumber("12315", "12315", "market"),),
            "experts",
            ("13800000001",),
            "079312345",
            longest=(("hotline", 40), ("experts", 0)),
            menu=Menu(keys=(MenuKey(key="*", does=Does.STATUS), MenuKey(key="7", does=Does.AGENT)), wrong_keys=2),
        ),
    )
    assert "keep" not in text
    keys = Menu(keys=(MenuKey(key="1", does=Does.KEEP),))
    greeting, waiting = fill("extensions_hotline.conf", roster=Roster(menu=keys, keeps=True)).split(
        "[hotline-keys-waiting-rendered]"
    )
    assert "exten => 1,1,Goto(keep,1)" in waiting and "keep" not in greeting
    assert "keep" not in fill("extensions_hotline.conf", roster=Roster(menu=keys))
    offered = fill("queues_hotline.conf", queues=[QueueFile("hotline", offer_after_s=60), QueueFile("second")])
    assert offered.count("periodic-announce = hotline/keep-offer") == 1
    assert "exten => rating,1" not in text
    assert "exten => rating,1,Set(HOTLINE_RATES=yes)" in fill("extensions_hotline.conf", roster=Roster(rates=True))
    assert "exten => longest-hotline,1,Set(HOTLINE_LONGEST=40)" in text
    assert "longest-experts" not in text
    greeting, waiting = text.split("[hotline-keys-rendered]")[1].split("[hotline-keys-waiting-rendered]")
    assert "exten => *,1,Goto(status,1)" in greeting
    assert "exten => 7,1,Goto(agent,1)" in greeting
    assert "Set(HOTLINE_PATIENCE=2)" in greeting
    assert "exten => *,1,Goto(status,1)" in waiting
    assert "agent" not in waiting
    assert "exten => 12315,1,Set(HOTLINE_QUEUE=market)" in text
    assert "exten => duty-1,1,Set(HOTLINE_DIAL=PJSIP/13800000001@trunk)" in text
    assert "exten => outside,1,Set(HOTLINE_DIAL=PJSIP/079312345@trunk)" in text
