"""What a machine reads from a citizen's words, and what it leaves alone."""

import time
from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crm.drafts.extract import extract
from crm.drafts.said import MAX_CHARACTERS, Said, Utterance
from crm.installed import Installation

MONDAY = date(2026, 11, 23)


def spoken(*texts: str, citizen: bool = True) -> list[Utterance]:
    made = []
    for n, text in enumerate(texts):
        words = [{"w": w, "start": n * 10 + i, "end": n * 10 + i + 1, "conf": 1} for i, w in enumerate(text.split())]
        made.append(Utterance(f"s{n}", text, n * 10, n * 10 + 10, words, citizen))
    return made


def read(county: Installation, *texts: str) -> dict[str, dict[str, Any]]:
    return extract(spoken(*texts), county, MONDAY)


@pytest.mark.parametrize(
    ("text", "category"),
    [
        ("我 要 投诉 小区 门口 占道 经营", "投诉"),
        ("我想咨询一下医保怎么报销", "咨询"),
        ("请问社保断缴了怎么补缴", "咨询"),
        ("我要举报有人非法采砂", "举报"),
        ("我实名举报村干部贪污低保款", "举报"),
        ("我有一个建议能不能在路口增设红绿灯", "建议"),
        ("建议把公交末班车延长到九点", "建议"),
        ("我对停车收费有意见觉得不合理", "意见"),
        ("我家停水两天了麻烦派人来修一下", "求助"),
        ("路灯坏了晚上看不见请帮忙修一下", "求助"),
        ("楼下烧烤摊油烟扰民严重影响生活没人管", "投诉"),
        ("我不是投诉我就是想问一下怎么办理落户", "咨询"),
    ],
)
def test_category(yiyang: Installation, text: str, category: str) -> None:
    found = read(yiyang, text)["category"]
    assert found["label"] == category
    assert 0 < found["confidence"] < 1
    assert found["sources"][0]["text"] in text.replace(" ", "")


@pytest.mark.proves("F09-1", "F12.1-3")
@pytest.mark.parametrize(
    ("texts", "subject", "demand"),
    [
        (("我 要 投诉 金桥 物业 不 修 电梯", "希望 你们 督促 尽快 修好"), "金桥物业", "希望你们督促尽快修好"),
        (("我要举报城东加工厂夜里排污", "请环保部门查处"), "城东加工厂", "请环保部门查处"),
        (("请问异地就医怎么备案",), None, "请问异地就医怎么备案"),
        (("小区停水两天了",), None, None),
    ],
)
def test_subject_and_demand(
    yiyang: Installation, texts: tuple[str, ...], subject: str | None, demand: str | None
) -> None:
    found = read(yiyang, *texts)
    assert (found.get("subject", {}).get("value"), found.get("demand", {}).get("value")) == (subject, demand)
    for one in (found[name] for name in ("subject", "demand") if name in found):
        assert one["sources"][0]["text"] == one["value"]


@pytest.mark.parametrize(
    ("text", "matter", "lead"),
    [
        ("门口流动摊贩占道经营", "占道经营", "cgj"),
        ("自来水停水了", "供水", "gsgs"),
        ("工地拖欠工资三个月", "拖欠工资", "rsj"),
        ("医保报销比例", "医疗保障", "ybj"),
        ("饭店吃到过期食品", "食品安全", "scjgj"),
        ("不动产登记怎么办", "不动产登记", "zrzyj"),
        ("出租车拒载还绕道", "出租车与网约车", "jtysj"),
        ("养猪场粪便直排", "畜禽养殖污染", "nyncj"),
    ],
)
def test_matter_and_its_unit(yiyang: Installation, text: str, matter: str, lead: str) -> None:
    found = read(yiyang, text)
    assert found["matter"]["label"] == matter
    assert found["units"]["value"] == lead
    assert matter in found["units"]["reason"]


@pytest.mark.parametrize(
    ("text", "address", "area"),
    [
        ("漆工镇老瓦山这里", "漆工镇老瓦山", "qigong"),
        ("七工镇老瓦山这里", "漆工镇老瓦山", "qigong"),  # as a recogniser hears it
        ("桃园小区三栋停水", "桃源小区三栋", "taoyuan"),
        ("志敏大道一百二十号", "志敏大道一百二十号", "taoyuan"),
        ("漳树墩镇毛家村路不好走", "樟树墩镇毛家村", "zhangshudun"),
        ("龟峰景区门票太贵", "龟峰风景名胜区", "guifengjq"),
    ],
)
def test_place_and_whose_duty_it_is(yiyang: Installation, text: str, address: str, area: str) -> None:
    found = read(yiyang, text)
    assert found["address"]["value"] == address
    assert found["area"]["value"] == area


def test_an_unknown_place_is_a_guess_and_belongs_to_nobody(yiyang: Installation) -> None:
    found = read(yiyang, "我住在幸福里小区电梯坏了")
    assert found["address"]["confidence"] < 0.5
    assert "area" not in found
    assert "address" not in read(yiyang, "我要投诉小区电梯")


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("昨天晚上开始停水", "昨天晚上（2026年11月22日）"),
        ("大前天就坏了", "大前天（2026年11月20日）"),
        ("三天前报过", "三天前（2026年11月20日）"),
        ("上个星期三来过", "上个星期三（2026年11月18日）"),
        ("十一月五号交的钱", "十一月五号（2026年11月5日）"),
        ("去年十二月三十号签的合同", "去年十二月三十号（2025年12月30日）"),
        ("十二月二十五号就说要修", "十二月二十五号（2025年12月25日）"),
        ("最近一直这样", "最近"),
        ("半个月前就反映了", "半个月前"),
    ],
)
def test_time(yiyang: Installation, text: str, label: str) -> None:
    assert read(yiyang, text)["occurred"]["label"] == label


@pytest.mark.parametrize("text", ["二月三十号的事", "十三月一号", "两点", "一百年前", "九九九九年九月九号"])
def test_impossible_dates_are_no_dates(yiyang: Installation, text: str) -> None:
    found = read(yiyang, text).get("occurred")
    assert found is None or "年" not in found["label"].partition("（")[2], "no calendar date is made of it"


def test_people(yiyang: Installation) -> None:
    found = read(yiyang, "我叫王小明我的电话是幺三八零零零零幺二三四我们公司拖欠工资请替我保密")
    assert found["caller_name"]["value"] == "王小明"
    assert found["caller_phone"]["value"] == "+8613800001234"
    assert found["confidential"]["value"] == "true"
    assert "王小明" not in found["title"]["value"]
    assert "caller_name" not in read(yiyang, "我叫你们来修")


def test_only_the_citizens_words_count(yiyang: Installation) -> None:
    agent = spoken("您是要投诉占道经营吗", citizen=False)
    assert extract(agent, yiyang, MONDAY) == {}
    both = extract([*agent, *spoken("我想咨询医保报销")], yiyang, MONDAY)
    assert both["category"]["value"] == "consultation"


def test_sources_lead_back_to_segment_and_second() -> None:
    said = Said(spoken("你 好", "我 要 投诉 占道 经营"))
    at = said.text.index("占道经营")
    source = said.source(at, at + 4)
    assert (source.segment, source.text, source.start_s, source.end_s) == ("s1", "占道经营", 13, 15)


def test_what_a_person_chose_decides_the_unit(yiyang: Installation) -> None:
    found = extract(spoken("门口占道经营"), yiyang, MONDAY, matter_decided="GY02", area_decided="qigong")
    assert found["units"]["value"] == "gdgs"


def test_another_county_reads_by_its_own_words(invented: Installation) -> None:
    found = read(invented, "东成镇门口占道")
    assert (found["area"]["value"], found["units"]["value"], found["matter"]["value"]) == ("east", "city", "A1")


@settings(max_examples=150, deadline=None)
@given(texts=st.lists(st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=80), max_size=6))
def test_any_words_give_a_draft_or_nothing(yiyang: Installation, texts: list[str]) -> None:
    found = read(yiyang, *texts)
    for name, proposal in found.items():
        assert 0 <= proposal["confidence"] <= 1, name
        assert proposal["reason"], name
    assert len(found.get("title", {"value": ""})["value"]) <= 30


def test_a_long_hostile_call_is_read_quickly(yiyang: Installation) -> None:
    read(yiyang, "停水")
    texts = [("我要投诉占道经营桃园小区" * 8 + "一二三四五六七八九十百" * 5)] * 200
    began = time.process_time()
    found = read(yiyang, *texts)
    assert time.process_time() - began < 1.0
    assert len(found["content"]["value"]) <= 2_000
    assert len(Said(spoken(*texts)).text) <= MAX_CHARACTERS + 1
