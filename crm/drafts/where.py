"""Where it is: places of the county's gazetteer, house numbers after them, and whose duty the place is."""

import re

from crm.county.load import County
from crm.county.locate import answering
from crm.county.places import Found, Gazetteer
from crm.drafts.proposal import Proposal
from crm.drafts.said import Said

_AFTER = re.compile(
    r"(?:[0-9零〇一二三四五六七八九十百]+(?:号楼|号院|号|栋|幢|单元|楼|室|弄|组|巷)){1,4}|(?:门口|对面|旁边|附近|路口|交叉口|后面|里面)"
)
_SUFFIXES = (
    "小区",
    "花园",
    "家园",
    "花苑",
    "公寓",
    "村",
    "路",
    "街",
    "大道",
    "广场",
    "市场",
    "学校",
    "小学",
    "中学",
    "医院",
)
_GENERIC = re.compile(rf"[\u4e00-\u9fffA-Za-z0-9]{{2,8}}?(?:{'|'.join(_SUFFIXES)})")
_NO_NAME = re.compile(
    r"[我你他她们要想有在是的了这那个到从去来被和跟把叫说]|投诉|举报|咨询|反映|建议|希望|今天|昨天|现在|附近"
)
_JOINED = ("river", "county")
GENERIC_CONFIDENCE = 0.4
SURE = 0.5
"""From here on a place may stand in the title."""


def propose(said: Said, gazetteer: Gazetteer, county: County) -> tuple[Proposal | None, Proposal | None]:
    """The address and the area (unit code of the township or street)."""
    found = gazetteer.find(said.text)
    specific = sorted((one for one in found if one.place.kind != "county"), key=lambda one: one.rank, reverse=True)
    if not specific:
        return _generic(said), None
    best = specific[0]
    area_of = answering(specific) or best
    area = area_of.place.area
    parts = [one for one in sorted(specific, key=lambda one: one.rank) if _belongs(one, best, area)]
    tail = _AFTER.match(said.text, best.end)
    label = "".join(dict.fromkeys(one.place.name for one in [*parts[-3:-1], best])) + (tail.group() if tail else "")
    sources = tuple(said.source(one.start, one.end) for one in parts[-3:] or [best])
    heard = "" if said.text[best.start : best.end] == best.name else f"（听写为“{said.text[best.start : best.end]}”）"
    address = Proposal(label, label, sources, best.confidence, f"{best.how}“{best.name}”{heard}")
    if area is None or area not in county.units:
        return address, None
    unit = county.units[area].name
    why = f"“{area_of.place.name}”属{unit}"
    return address, Proposal(area, unit, (said.source(area_of.start, area_of.end),), area_of.confidence, why)


def _belongs(one: Found, best: Found, area: str | None) -> bool:
    if one is best:
        return True
    if one.place.kind in _JOINED or one.place.name == best.place.name:
        return False
    return one.place.area in (None, area)


def _generic(said: Said) -> Proposal | None:
    """A name that the gazetteer does not know but that ends like one."""
    for hit in _GENERIC.finditer(said.text):
        value = _NO_NAME.split(hit.group())[-1]
        if len(value) >= 3 and not value.startswith(_SUFFIXES):
            start = hit.end() - len(value)
            reason = "地名库中没有，按地名用字推测"
            return Proposal(value, value, (said.source(start, hit.end()),), GENERIC_CONFIDENCE, reason)
    return None
