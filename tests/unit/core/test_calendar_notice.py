"""The State Council's notices as they are pasted: those of 2023 to 2026, and whatever else people paste."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.calendar import official
from core.calendar.document import CalendarDocument
from core.calendar.notice import read_notice
from core.errors import Invalid

TAIL = (
    "节假日期间，各地区、各部门要妥善安排好值班和安全、保卫等工作，确保人民群众祥和平安度过节日假期。\n国务院办公厅\n"
)
NOTICES = {
    2023: """国务院办公厅关于2023年部分节假日安排的通知
国办发明电〔2022〕16号
各省、自治区、直辖市人民政府，国务院各部委、各直属机构：
　　经国务院批准，现将2023年元旦、春节、清明节、劳动节、端午节、中秋节和国庆节放假调休日期的具体安排通知如下。
　　一、元旦：2022年12月31日至2023年1月2日放假调休，共3天。
　　二、春节：1月21日至27日放假调休，共7天。1月28日（星期六）、1月29日（星期日）上班。
　　三、清明节：4月5日放假，共1天。
　　四、劳动节：4月29日至5月3日放假调休，共5天。4月23日（星期日）、5月6日（星期六）上班。
　　五、端午节：6月22日至24日放假调休，共3天。6月25日（星期日）上班。
　　六、中秋节、国庆节：9月29日至10月6日放假调休，共8天。10月7日（星期六）、10月8日（星期日）上班。
""",
    2024: """国务院办公厅关于2024年部分节假日安排的通知
　　一、元旦：1月1日放假，与周末连休。
　　二、春节：2月10日至17日放假调休，共8天。2月4日（星期日）、2月18日（星期日）上班。鼓励各单位结合带薪年休假等制度落实，安排职工在除夕（2月9日）休息。
　　三、清明节：4月4日至6日放假调休，共3天。4月7日（星期日）上班。
　　四、劳动节：5月1日至5日放假调休，共5天。4月28日（星期日）、5月11日（星期六）上班。
　　五、端午节：6月10日放假，与周末连休。
　　六、中秋节：9月15日至17日放假调休，共3天。9月14日（星期六）上班。
　　七、国庆节：10月1日至7日放假调休，共7天。9月29日（星期日）、10月12日（星期六）上班。
""",
    2025: """国务院办公厅关于2025年部分节假日安排的通知
一、元旦：1月1日（周三）放假1天，不调休。
二、春节：1月28日（农历除夕、周二）至2月4日（农历正月初七、周二）放假调休，共8天。1月26日（周日）、2月8日（周六）上班。
三、清明节：4月4日（周五）至6日（周日）放假，共3天。
四、劳动节：5月1日（周四）至5日（周一）放假调休，共5天。4月27日（周日）上班。
五、端午节：5月31日（周六）至6月2日（周一）放假，共3天。
六、国庆节、中秋节：10月1日（周三）至8日（周三）放假调休，共8天。9月28日（周日）、10月11日（周六）上班。
""",
    2026: """国务院办公厅关于2026年部分节假日安排的通知
一、元旦：1月1日（周四）至3日（周六）放假调休，共3天。1月4日（周日）上班。
二、春节：2月15日（农历腊月二十八、周日）至23日（农历正月初七、周一）放假调休，共9天。2月14日（周六）、2月28日（周六）上班。
三、清明节：4月4日（周六）至6日（周一）放假，共3天。
四、劳动节：5月1日（周五）至5日（周二）放假调休，共5天。5月9日（周六）上班。
五、端午节：6月19日（周五）至21日（周日）放假，共3天。
六、中秋节：9月25日（周五）至27日（周日）放假，共3天。
七、国庆节：10月1日（周四）至7日（周三）放假调休，共7天。9月20日（周日）、10月10日（周六）上班。
""",
}
LATEST = NOTICES[2026]
PIECES = "0123456789年月日至、。（）()周六上班放假共天 \n<>&"


@pytest.mark.proves("D1", "D4")
@pytest.mark.parametrize("year", NOTICES)
def test_a_notice_gives_the_days_that_the_program_knows(year: int) -> None:
    found = read_notice(NOTICES[year] + TAIL)
    assert found.year == year
    made = CalendarDocument(years={year: found.days}).calendar()
    for day in (date.fromordinal(n) for n in range(date(year, 1, 1).toordinal(), date(year, 12, 31).toordinal() + 1)):
        assert made.kind(day).works == official().kind(day).works, day


def test_what_decides_nothing_is_shown() -> None:
    assert read_notice(NOTICES[2024]).passed_over == ("鼓励各单位结合带薪年休假等制度落实,安排职工在除夕(2月9日)休息",)
    assert read_notice(LATEST + TAIL).passed_over == ()


def test_a_holiday_may_begin_in_the_year_before() -> None:
    assert date(2022, 12, 31) in {one.day for one in read_notice(NOTICES[2023]).days.rest}
    shorter = NOTICES[2023].replace("2022年12月31日至2023年1月2日", "12月31日至1月2日")
    assert read_notice(shorter).days == read_notice(NOTICES[2023]).days
    worked = NOTICES[2026].replace("1月4日（周日）上班", "12月28日（周日）上班")
    assert date(2025, 12, 28) in {one.day for one in read_notice(worked).days.work}


def test_spaces_and_wide_digits_do_not_matter() -> None:
    wide = LATEST.replace("1月", "１ 月 ").replace("（", "(").replace("）", ") ")
    assert read_notice(wide).days == read_notice(LATEST).days


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("2026年部分节假日安排", "2026年工作安排", "没有找到"),
        ("1月4日（周日）", "1月4日（周一）", "不是星期一"),
        ("共9天", "共8天", "按日期计算是9天"),
        ("2月28日（周六）上班", "2月30日上班", "没有这一天"),
        ("2月28日（周六）上班", "2月26日上班", "本来就是工作日"),
        ("2月28日（周六）上班", "2月21日（周六）上班", "既放假又上班"),
        ("五、端午节：6月19日（周五）至21日（周日）放假，共3天。\n", "", "没有找到端午节"),
        ("6月19日（周五）至21日（周日）放假", "6月12日（周五）至14日（周日）放假", "不在放假日期之内"),
        ("5月1日（周五）至5日（周二）放假调休，共5天", "5月1日至12月5日放假", "起止不合理"),
        ("5月1日（周五）至5日（周二）放假调休，共5天", "5日放假", "没有写明月份"),
        ("5月9日（周六）上班", "5月9日（周六）至10日上班", "逐日写明"),
        ("共5天。5月9日", "共5天，5月9日", "请在两者之间断句"),
        ("9月20日（周日）、", "9月20日（周日）、9月20日（周日）、", "重复出现"),
        ("9月20日（周日）、", "2024年9月21日、", "不属于2026年"),
    ],
)
def test_what_cannot_be_true_is_refused_with_its_sentence(before: str, after: str, said: str) -> None:
    assert before in LATEST
    with pytest.raises(Invalid, match="bad-notice") as caught:
        read_notice(LATEST.replace(before, after, 1))
    assert said in caught.value.fields["notice"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "<script>alert(1)</script>",
        "关于2026年部分节假日安排的通知",
        "一、元旦：" * 5_000,
        LATEST + "x" * 20_000,
        "\x00\ud7ff",
    ],
)
def test_other_texts_are_refused(text: str) -> None:
    with pytest.raises(Invalid, match="bad-notice"):
        read_notice(text)


@given(
    st.integers(0, len(LATEST) - 1),
    st.text(PIECES, max_size=6),
    st.integers(0, 8),
)
def test_a_damaged_notice_is_read_or_refused(at: int, put: str, cut: int) -> None:
    try:
        found = read_notice(LATEST[:at] + put + LATEST[at + cut :])
    except Invalid:
        return
    calendar = CalendarDocument(years={found.year: found.days}).calendar()
    assert all(one.day.weekday() >= 5 for one in found.days.work)
    assert not calendar.kind(date(found.year, 10, 1)).works
