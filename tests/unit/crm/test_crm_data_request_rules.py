"""个人信息申请: which step leads where, what must be refused, when it is late, what a policy's words may hold."""

from datetime import UTC, date, datetime, timedelta

import pytest

from core.phone import normalise
from crm.datarequests import rules
from crm.datarequests.collecting import mask_others
from crm.datarequests.rules import Act, Check, Field, Kept, Kind, Light, Standing, State, Verdict, Way
from crm.datarequests_policy import SAMPLE, DataRequestsPolicy
from crm.installed import Installation

DUE = datetime(2026, 12, 21, 16, tzinfo=UTC)
WARN = DUE - timedelta(days=3)
RULE = "第十二条（九）"
TODAY = date(2026, 11, 30)


@pytest.mark.parametrize("act", list(rules.STEPS))
@pytest.mark.parametrize("state", list(State))
def test_a_step_is_open_from_its_states_alone(act: Act, state: State) -> None:
    verdict = Verdict.REFUSE if state is State.DONE else None
    why = rules.against(act, Standing(Kind.COPY, state, verdict, out=False))
    assert (why == "") is (state in rules.STEPS[act][0])


@pytest.mark.parametrize(
    ("act", "verdict", "after"),
    [
        (Act.CONFIRM, None, State.CONFIRMED),
        (Act.REJECT, None, State.UNVERIFIED),
        (Act.DECIDE, Verdict.GRANT, State.DECIDED),
        (Act.DECIDE, Verdict.PART, State.DECIDED),
        (Act.DECIDE, Verdict.REFUSE, State.DONE),
        (Act.CARRY_OUT, Verdict.GRANT, State.DONE),
        (Act.ANSWER, None, State.ANSWERED),
        (Act.CLOSE, None, State.CLOSED),
        (Act.REOPEN, None, State.CONFIRMED),
        (Act.WITHDRAW, None, State.WITHDRAWN),
    ],
)
def test_each_step_leads_on(act: Act, verdict: Verdict | None, after: State) -> None:
    assert rules.leads_to(act, verdict) is after


def test_what_was_carried_out_is_neither_reopened_nor_withdrawn_once_it_is_out() -> None:
    done = Standing(Kind.COPY, State.DONE, Verdict.GRANT, out=False)
    assert "已经执行" in rules.against(Act.REOPEN, done)
    assert rules.against(Act.WITHDRAW, done) == ""
    assert "不能撤回" in rules.against(Act.WITHDRAW, Standing(Kind.COPY, State.DONE, Verdict.GRANT, out=True))
    assert rules.against(Act.REOPEN, Standing(Kind.DELETE, State.DONE, Verdict.REFUSE, out=False)) == ""
    assert rules.against(Act.LIFT, done), "no step of the way"


@pytest.mark.parametrize(
    ("way", "check", "note", "wrong"),
    [
        (Way.CALL, Check.QUERY_CODE, "", set()),
        (Way.CALL, Check.ID, "居民身份证", {"check"}),
        (Way.VISIT, Check.QUERY_CODE, "", {"check"}),
        (Way.VISIT, Check.ID, "居民身份证，姓名与登记一致", set()),
        (Way.VISIT, Check.ID, "", {"note"}),
        (Way.VISIT, Check.ID, "身份证362325199001010011", {"note"}),
        (Way.VISIT, Check.ID, "身份证36232519900101001X", {"note"}),
        (Way.LETTER, Check.CALLBACK, "回拨本人接听", set()),
    ],
)
def test_a_check_says_what_was_seen_and_keeps_no_number(way: Way, check: Check, note: str, wrong: set[str]) -> None:
    assert set(rules.bad_check(way, check, note)) == wrong


@pytest.mark.parametrize(
    ("kept", "words"),
    [
        (Kept(), ""),
        (Kept(date(2026, 11, 29)), ""),
        (Kept(date(2026, 11, 30)), "最后保护日为2026年11月30日（第十二条（九））"),
        (Kept(date(2029, 2, 28)), "2029年2月28日"),
        (Kept(None, 2), "2件工单尚未办结"),
        (Kept(None, 0, True), "正在限制处理"),
    ],
)
def test_a_deletion_names_the_rule_and_the_last_protected_day(kept: Kept, words: str) -> None:
    told = rules.undeletable(kept, TODAY, RULE)
    assert words in told and bool(told) is bool(words)


N, A, P = Field
GRANT, PART, REFUSE = Verdict


@pytest.mark.parametrize(
    ("kind", "verdict", "reasons", "kept", "asked", "granted", "wrong"),
    [
        (Kind.COPY, GRANT, "", "", (), (), set()),
        (Kind.COPY, PART, "", "", (), (), {"reasons"}),
        (Kind.COPY, REFUSE, "不是本人的号码", "", (), (), set()),
        (Kind.DELETE, GRANT, "", "保存期内", (), (), {"verdict"}),
        (Kind.DELETE, PART, "部分可以删除", "保存期内", (), (), {"verdict"}),
        (Kind.DELETE, REFUSE, "仍在保存期内", "保存期内", (), (), set()),
        (Kind.DELETE, GRANT, "", "", (), (), set()),
        (Kind.RESTRICT, PART, "部分限制处理", "", (), (), {"verdict"}),
        (Kind.EXPLAIN, PART, "部分解释说明", "", (), (), {"verdict"}),
        (Kind.CORRECT, GRANT, "", "", (N, A), (N, A), set()),
        (Kind.CORRECT, GRANT, "", "", (N, A), (N,), {"fields"}),
        (Kind.CORRECT, PART, "住址无法核实", "", (N, A), (N,), set()),
        (Kind.CORRECT, PART, "住址无法核实", "", (N, A), (), {"fields"}),
        (Kind.CORRECT, PART, "住址无法核实", "", (N, A), (N, A), {"fields"}),
        (Kind.CORRECT, REFUSE, "没有证明材料", "", (N,), (N,), {"fields"}),
        (Kind.CORRECT, REFUSE, "没有证明材料", "", (N,), (), set()),
    ],
)
def test_a_decision_fits_what_is_asked(
    kind: Kind,
    verdict: Verdict,
    reasons: str,
    kept: str,
    asked: tuple[Field, ...],
    granted: tuple[Field, ...],
    wrong: set[str],
) -> None:
    assert set(rules.bad_decision(kind, verdict, reasons, kept=kept, asked=asked, granted=granted)) == wrong


@pytest.mark.parametrize(
    ("state", "at", "light"),
    [
        (State.REGISTERED, WARN - timedelta(microseconds=1), Light.FINE),
        (State.REGISTERED, WARN, Light.SOON),
        (State.DONE, DUE - timedelta(microseconds=1), Light.SOON),
        (State.DONE, DUE, Light.LATE),
        (State.UNVERIFIED, DUE + timedelta(days=9), Light.LATE),
        (State.ANSWERED, DUE + timedelta(days=9), Light.OVER),
        (State.WITHDRAWN, DUE, Light.OVER),
    ],
)
def test_a_request_is_late_at_its_due_and_not_before(state: State, at: datetime, light: Light) -> None:
    assert rules.light(state, WARN, DUE, at) is light


def test_the_citizens_own_number_stays_in_his_text_and_no_other() -> None:
    text = "我的电话13800001234，邻居的13912345678，身份证362325199001010011"
    told = mask_others(text, normalise("13800001234"))
    assert "13800001234" in told and "139****5678" in told and "199001010011" not in told
    assert "138****1234" in mask_others(text, None)


def test_every_word_has_a_label() -> None:
    for kind in (Kind, Way, Check, State, Verdict, Field, rules.Answer, Act, Light):
        assert all(one.label for one in kind)


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"sms": "您的申请已答复"}, "须且只须包含"),
        ({"sms": "{number}：{name}已答复"}, "须且只须包含"),
        ({"letter": "决定：{decision}，理由：{reasons}，依据：{law}，{complaint}，没有编号的决定书"}, "须包含"),
        ({"letter": "{number}{decision}{reasons}{law}{complaint}{name}{{}}写了姓名的决定书"}, "只能使用"),
    ],
)
def test_the_words_to_the_citizen_hold_no_more_than_they_may(
    installation: Installation, changed: dict[str, str], sentence: str
) -> None:
    section = installation.policy[DataRequestsPolicy].model_dump()
    with pytest.raises(ValueError, match=sentence):
        DataRequestsPolicy.model_validate(section | changed)
    letter = installation.policy[DataRequestsPolicy].letter.format(**SAMPLE)
    assert "救济途径" in letter and "个信〔2026〕1号" in letter
