"""Reading the State Council's yearly notice 国务院办公厅关于20XX年部分节假日安排的通知, as it is pasted (D1, D4).

The notices of 2023 to 2026 differ in wording: dates with and without a weekday, `与周末连休`, `放假1天，不调休`,
`（农历除夕、周二）`, a range that begins in the year before. Whatever a notice says of itself is checked: weekdays,
numbers of days, the festivals' own dates. A sentence that names a date and says neither 放假 nor 上班 decides nothing
and is shown to the person.
"""

import re
import unicodedata
from dataclasses import dataclass
from datetime import date, timedelta

from core.calendar.document import FIRST_YEAR, LAST_YEAR, NamedDay, Year
from core.calendar.forecast import anchors
from core.errors import Invalid

LONGEST = 20_000
LONGEST_HOLIDAY = 15
FESTIVALS = ("元旦", "春节", "清明节", "劳动节", "端午节", "中秋节", "国庆节")
WEEKDAYS = "一二三四五六日"

_YEAR = re.compile(r"关于(20\d\d)年部分节假日安排的通知|现将(20\d\d)年元旦")
_ITEM = re.compile(rf"[一二三四五六七八九十]、((?:{'|'.join(FESTIVALS)})(?:[、和](?:{'|'.join(FESTIVALS)}))*)[:：]")
_DATE = r"(?:(20\d\d)年)?(?:(\d{1,2})月)?(\d{1,2})日(?:\(([^()]{0,20})\))?"
_RANGE = re.compile(rf"{_DATE}(?:至{_DATE})?")
_COUNT = re.compile(r"(?:共|放假)(\d{1,3})天")
_WEEKDAY = re.compile(r"(?:周|星期)([一二三四五六日天])")


@dataclass(frozen=True)
class Notice:
    """What a notice says; `passed_over` are its sentences with a date that decide nothing."""

    year: int
    days: Year
    passed_over: tuple[str, ...]


def read_notice(text: str) -> Notice:
    """A pasted notice -> its year. Raises `Invalid("bad-notice")` with the sentence that is wrong or not understood."""
    if len(text) > LONGEST:
        raise _wrong("文字过长，请只粘贴通知正文。")
    plain = re.sub(r"\s+", "", unicodedata.normalize("NFKC", text))
    found = _YEAR.search(plain)
    if found is None:
        raise _wrong("没有找到“关于20XX年部分节假日安排的通知”字样，请连同标题粘贴全文。")
    year = int(found[1] or found[2])
    if not FIRST_YEAR <= year <= LAST_YEAR:
        raise _wrong(f"通知的年份{year}不在可用范围内。")
    rest: dict[date, str] = {}
    work: dict[date, str] = {}
    passed_over: list[str] = []
    named: set[str] = set()
    for title, body in _items(plain):
        names = re.split("[、和]", title)
        named.update(names)
        for sentence in filter(None, body.split("。")):
            _sentence(year, "、".join(names), sentence, rest, work, passed_over)
    _check(year, rest, work, named)
    days = Year(
        notice=f"国务院办公厅关于{year}年部分节假日安排的通知",
        rest=tuple(NamedDay(day=day, name=name) for day, name in sorted(rest.items())),
        work=tuple(NamedDay(day=day, name=f"{name}调休") for day, name in sorted(work.items())),
    )
    return Notice(year, days, tuple(passed_over))


def _items(plain: str) -> list[tuple[str, str]]:
    heads = list(_ITEM.finditer(plain))
    ends = [head.start() for head in heads[1:]] + [len(plain)]
    return [(head[1], plain[head.end() : end]) for head, end in zip(heads, ends, strict=False)]


def _sentence(
    year: int, name: str, sentence: str, rest: dict[date, str], work: dict[date, str], passed_over: list[str]
) -> None:
    ranges = list(_RANGE.finditer(sentence))
    if not ranges:
        return
    if "上班" in sentence and "放假" not in sentence:
        for one in ranges:
            if one[7]:
                raise _wrong(f"上班日应逐日写明：“{sentence}”")
            day = _date(year, one.groups()[:4], None, sentence)
            _put(work, day, name, sentence)
    elif "放假" in sentence and "上班" not in sentence:
        days = [day for one in ranges for day in _span(year, one, sentence)]
        for day in days:
            _put(rest, day, name, sentence)
        if (said := _COUNT.search(sentence)) and int(said[1]) != len(days):
            raise _wrong(f"“{sentence}”写明{said[1]}天，按日期计算是{len(days)}天。")
    elif "放假" in sentence or "上班" in sentence:
        raise _wrong(f"一句话里既有放假又有上班，请在两者之间断句：“{sentence}”")
    else:
        passed_over.append(sentence)


def _span(year: int, found: re.Match[str], sentence: str) -> list[date]:
    first = _date(year, found.groups()[:4], None, sentence)
    if found[7] is None:
        return [first]
    last = _date(year, found.groups()[4:], first, sentence)
    if last < first and first.month == 12 and found[1] is None:
        first = first.replace(year=year - 1)
    if not first <= last <= first + timedelta(days=LONGEST_HOLIDAY - 1):
        raise _wrong(f"放假日期的起止不合理：“{sentence}”")
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]


def _date(year: int, parts: tuple[str | None, ...], after: date | None, sentence: str) -> date:
    """One date; the month may be left out after `至`, the year almost always."""
    said_year, month, day, remark = parts
    if month is None and after is None:
        raise _wrong(f"日期没有写明月份：“{sentence}”")
    where = int(said_year) if said_year else (after.year if after and month is None else year)
    try:
        found = date(where, int(month) if month else after.month if after else 0, int(day or 0))
    except ValueError:
        raise _wrong(f"没有这一天：“{sentence}”") from None
    weekday = _WEEKDAY.search(remark or "")
    if weekday is None:
        return found
    wanted = WEEKDAYS.index(weekday[1].replace("天", "日"))
    candidates = [found] if said_year else [found, found.replace(year=year - 1)] if found.month == 12 else [found]
    for one in candidates:
        if one.weekday() == wanted:
            return one
    raise _wrong(f"{found.month}月{found.day}日不是星期{weekday[1]}：“{sentence}”")


def _put(days: dict[date, str], day: date, name: str, sentence: str) -> None:
    if day in days:
        raise _wrong(f"{day.month}月{day.day}日重复出现：“{sentence}”")
    days[day] = name


def _check(year: int, rest: dict[date, str], work: dict[date, str], named: set[str]) -> None:
    if missing := [name for name in FESTIVALS if name not in named]:
        raise _wrong(f"没有找到{'、'.join(missing)}的安排，请粘贴通知全文。")
    if both := sorted(set(rest) & set(work)):
        raise _wrong(f"{both[0].month}月{both[0].day}日既放假又上班。")
    if weekdays := [day for day in work if day.weekday() < 5]:
        raise _wrong(f"{weekdays[0].month}月{weekdays[0].day}日本来就是工作日，不应列为调休上班。")
    for day, name in anchors(year).items():
        if day not in rest:
            raise _wrong(f"{name}（{day.month}月{day.day}日）不在放假日期之内。")
    if far := [day for day in (*rest, *work) if not date(year - 1, 12, 20) <= day <= date(year, 12, 31)]:
        raise _wrong(f"{far[0].isoformat()}不属于{year}年的安排。")


def _wrong(sentence: str) -> Invalid:
    return Invalid("bad-notice", sentence[:500], fields={"notice": sentence[:500]})
