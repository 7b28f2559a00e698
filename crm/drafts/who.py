"""Who calls, as far as the citizen says it: a name, a number to call back, the wish to stay unnamed."""

import re

from core import phone
from core.errors import Invalid
from crm.drafts.proposal import Proposal
from crm.drafts.said import Said

_NAME = re.compile(
    r"(?:我叫|我的名字(?:是|叫)|本人叫)(?P<full>[\u4e00-\u9fff]{2,3})|(?:我姓|免贵姓)(?P<family>[\u4e00-\u9fff])"
)
_NOT_NAMES = ("什么", "你们", "他们", "他的", "我们", "做", "不", "个")
_DIGITS = str.maketrans("零〇幺一二两三四五六七八九", "0011223456789")
_MOBILE = re.compile(r"1[3-9]\d{9}")
_UNNAMED = re.compile(
    r"匿名|不(?:想|愿意?|要)(?:透露|留|公开|说)(?:我的)?(?:姓名|名字|身份|信息|电话)|替我保密|为我保密|给我保密|要求保密"
)

_INTRODUCTION = re.compile(r"(?:(?:我|本人)的?(?:手机|电话|联系电话)(?:号码)?(?:是|为)?)?1[3-9]\d{9}")


def without_people(text: str) -> str:
    """The same text, as long, with the caller's name and number turned into commas: for titles."""
    spoken = text.translate(_DIGITS)
    for pattern, where in ((_NAME, text), (_INTRODUCTION, spoken)):
        for hit in pattern.finditer(where):
            text = text[: hit.start()] + "，" * len(hit.group()) + text[hit.end() :]
    return text


def name(said: Said) -> Proposal | None:
    """`我叫王小明` or `我姓王`."""
    for hit in _NAME.finditer(said.text):
        value = hit["full"] or hit["family"]
        if not value.startswith(_NOT_NAMES):
            group = "full" if hit["full"] else "family"
            label = value if hit["full"] else f"{value}（只报了姓）"
            source = said.source(hit.start(group), hit.end(group))
            return Proposal(value, label, (source,), 0.6 if hit["full"] else 0.7, "来电人自报姓名")
    return None


def contact(said: Said) -> Proposal | None:
    """A mobile number that the citizen dictates."""
    spoken = said.text.translate(_DIGITS)
    for hit in _MOBILE.finditer(spoken):
        try:
            number = phone.normalise(hit.group())
        except Invalid:
            continue
        source = said.source(hit.start(), hit.end())
        return Proposal(number, phone.show(number), (source,), 0.8, "来电人自报电话")
    return None


def secrecy(said: Said) -> Proposal | None:
    """The wish to stay unnamed (第二十二条)."""
    if hit := _UNNAMED.search(said.text):
        return Proposal("true", "要求保密", (said.source(hit.start(), hit.end()),), 0.8, f"来电人说“{hit.group()}”")
    return None
