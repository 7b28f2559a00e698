"""When it happened: time expressions as people say them, and the date that they mean."""

import re
from datetime import date, timedelta

import cn2an

from crm.drafts.proposal import Proposal
from crm.drafts.said import Said

_N = r"[0-9零〇一二两三四五六七八九十百半几]+"
_PART = r"(?:凌晨|早上|早晨|上午|中午|下午|傍晚|晚上|夜里|半夜)?"
_CLOCK = rf"(?:{_N}点(?:{_N}分|半|钟|一刻)?(?:左右|多)?)?"
_PATTERNS = re.compile(
    "|".join(
        (
            rf"(?P<full>(?:(?P<year>[0-9零〇一二三四五六七八九]{{4}}|今|去|前)年)?(?P<month>{_N})月(?:份)?"
            rf"(?:(?P<day>{_N})[日号])?{_PART}{_CLOCK})",
            rf"(?P<near>大前天|前天|昨天|今天|昨晚|今早|今晚|昨夜){_PART}{_CLOCK}",
            rf"(?P<ago>(?P<count>{_N})个?(?P<unit>天|日|星期|礼拜|周|月|年|小时)(?:多)?(?:以?前|之前))",
            rf"(?P<week>(?:上个?|这个?|本)(?:周|星期|礼拜)[一二三四五六日天末]?){_PART}{_CLOCK}",
            r"(?P<vague>上个月|这个月|本月|去年|今年|最近|近期|前段时间|前几天|这几天|这两天|每天(?:早上|晚上|夜里|凌晨)?|每晚|天天|长期)",
        )
    )
)
LONGEST_AGO = 100
"""Years: nobody complains of anything longer ago, nor of what comes after next year; such a date was misheard."""
_NEAR = {"今天": 0, "今早": 0, "今晚": 0, "昨天": 1, "昨晚": 1, "昨夜": 1, "前天": 2, "大前天": 3}
_UNIT = {"天": 1, "日": 1, "星期": 7, "礼拜": 7, "周": 7, "月": 30, "年": 365, "小时": 0}
_WEEKDAY = {"一": 0, "二": 1, "三": 2, "四": 3, "五": 4, "六": 5, "日": 6, "天": 6, "末": 5}


def propose(said: Said, called_on: date) -> Proposal | None:
    """The first time that is named, with its date where it means one; `called_on` in Asia/Shanghai."""
    hits = list(_PATTERNS.finditer(said.text))
    if not hits:
        return None
    exact = [hit for hit in hits if not hit["vague"]]
    hit = (exact or hits)[0]
    day = _date(hit, called_on)
    text = hit.group()
    label = f"{text}（{day.year}年{day.month}月{day.day}日）" if day else text
    source = said.source(hit.start(), hit.end())
    return Proposal(label, label, (source,), 0.85 if day else 0.6, f"时间用语“{text}”")


def _date(hit: re.Match[str], called_on: date) -> date | None:
    if hit["near"]:
        return called_on - timedelta(days=_NEAR[hit["near"]])
    if hit["ago"] and (count := _number(hit["count"])) is not None:
        return called_on - timedelta(days=min(count * _UNIT[hit["unit"]], 36_500)) if hit["unit"] in "天日" else None
    if hit["week"]:
        return _weekday(hit["week"], called_on)
    if hit["full"] and hit["day"]:
        return _calendar_day(hit, called_on)
    return None


def _weekday(text: str, called_on: date) -> date | None:
    if text[-1] not in _WEEKDAY:
        return None
    monday = called_on - timedelta(days=called_on.weekday() + (7 if text.startswith("上") else 0))
    return monday + timedelta(days=_WEEKDAY[text[-1]])


def _calendar_day(hit: re.Match[str], called_on: date) -> date | None:
    month, day = _number(hit["month"]), _number(hit["day"])
    if month is None or day is None:
        return None
    try:
        year = _year(hit["year"], called_on)
        if year is not None and not called_on.year - LONGEST_AGO <= year <= called_on.year + 1:
            return None
        found = date(year or called_on.year, month, day)
        return found if year or found <= called_on else date(called_on.year - 1, month, day)
    except ValueError:
        return None


def _year(text: str | None, called_on: date) -> int | None:
    if text is None:
        return None
    if text in ("今", "去", "前"):
        return called_on.year - "今去前".index(text)
    return int(
        "".join(str("零一二三四五六七八九".find("零" if c == "〇" else c)) if not c.isdigit() else c for c in text)
    )


def _number(text: str) -> int | None:
    """`十一` or `11` -> 11; None for 半 and 几."""
    try:
        return int(cn2an.cn2an(text.replace("两", "二"), "smart"))
    except ValueError:
        return None
