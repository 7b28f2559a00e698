"""Remarks about an answer: each kind where it belongs, none about a good answer, and never a refusal."""

import pytest

from crm.tickets.remarks import Demand, Kind, remarks

STALLS = Demand("路边摊占道", "凤凰小区北门每天傍晚有人摆摊占道，希望处理。", "张建国")
GOOD = (
    "经核实，凤凰小区北门傍晚确有流动摊贩占道。3月3日城管中队现场劝离摊贩6户，并安排每日17时至20时定点值守，"
    "已告知诉求人。"
)


def kinds(text: str, demand: Demand = STALLS, **more: str) -> list[Kind]:
    return [one.kind for one in remarks(text, demand, **more)]


pytestmark = pytest.mark.proves("F12.4-2")


def test_nothing_is_said_about_a_good_answer() -> None:
    assert kinds(GOOD) == []
    assert kinds("") == [], "nothing is written yet"


@pytest.mark.parametrize(
    ("text", "kind", "words"),
    [
        (GOOD + "联系人电话13812345678。", Kind.PRIVACY, "138****78"),
        (GOOD + "身份证362325198001010011已登记。", Kind.PRIVACY, "362****11"),
        (GOOD + "已电话告知张建国本人。", Kind.PRIVACY, "张*"),
        (GOOD + "现场为凤凰小区3栋2单元501室门口。", Kind.PRIVACY, "3栋2单元501室"),
        ("占道一事不属于我局职责，已答复。", Kind.SHIRKING, "不属于我局职责"),
        ("占道摊贩问题已核实，建议您自行协商。", Kind.SHIRKING, "建议您自行协商"),
        ("占道一事已答复，请联系其他部门处理。", Kind.SHIRKING, "请联系其他部门"),
        ("占道摊贩按照相关规定不予取缔，已告知。", Kind.UNCITED, "按照相关规定"),
        (GOOD + "保证今后绝不再有。", Kind.PROMISE, "保证今后绝不再"),
        ("占道一事正在办理，将尽快回复诉求人。", Kind.OFF_THE_POINT, "正在办理"),
        ("已处理。", Kind.OFF_THE_POINT, ""),
        ("经核实，自来水管网压力偏低，水厂已完成加压改造。", Kind.OFF_THE_POINT, ""),
    ],
)
def test_each_kind_names_the_words_that_gave_rise_to_it(text: str, kind: Kind, words: str) -> None:
    found = [one for one in remarks(text, STALLS) if one.kind is kind]
    assert found and found[0].words == words
    assert found[0].sentence


def test_a_cited_policy_is_a_policy() -> None:
    text = "占道摊贩按照相关规定不予取缔，已告知。"
    assert Kind.UNCITED not in kinds(text + "依据《江西省城市管理条例》第二十条。")
    assert Kind.UNCITED not in kinds(text, citation="《江西省城市管理条例》第二十条")
    assert Kind.UNCITED in kinds(GOOD, close_kind="no-basis", citation="县里的规定")
    assert Kind.UNCITED not in kinds(GOOD, close_kind="handled", citation="")


@pytest.mark.parametrize("hazard", ["路边电线裸露", "燃气有异味", "窨井盖缺失", "路面塌陷", "高空抛物"])
def test_a_hazard_asks_for_advice(hazard: str) -> None:
    demand = Demand(hazard, "凤凰小区北门")
    answer = f"经核实，凤凰小区北门{hazard}，已安排人员修复完毕。"
    assert Kind.SAFETY in kinds(answer, demand)
    assert Kind.SAFETY not in kinds(answer + "现场已设警示标志。", demand)
