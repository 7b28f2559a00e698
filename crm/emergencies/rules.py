"""How an event stands, by when its orders must be dispatched and signed for, and which place a text names. Pure."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from core.permissions import Permission, holders
from crm.county.categories import Category
from crm.county.emergencies import Level
from crm.county.load import County
from crm.county.locate import answering
from crm.county.places import Gazetteer
from crm.emergencies_policy import EmergencyPolicy
from crm.tickets.states import OPEN, WITH_UNITS, State

WIDE = ("county", "river")
NAMED = re.compile(
    r"[\u4e00-\u9fffA-Za-z]{2,12}?(?:小区|花园|家园|花苑|公寓|新村|社区|村|大道|路|街|广场|市场|学校|小学|中学|医院|工业园)"
)


class Standing(StrEnum):
    """How an event stands."""

    SUGGESTED = "suggested"
    OPEN = "open"
    CLOSED = "closed"
    DISMISSED = "dismissed"

    @property
    def label(self) -> str:
        """As the board says it."""
        return {"suggested": "待确认", "open": "处置中", "closed": "已办结", "dismissed": "不是突发事件"}[self]

    @property
    def tone(self) -> str:
        """The colour of its word."""
        return {"suggested": "warn", "open": "bad", "closed": "good", "dismissed": ""}[self]


GOING = (Standing.SUGGESTED, Standing.OPEN)


@dataclass(frozen=True)
class Spot:
    """A place by the name that calls are counted by, and the code of the area that answers for it."""

    name: str
    area: str | None


def spot(address: str, words: str, area: str | None, gazetteer: Gazetteer, county: County) -> Spot | None:
    """The most specific place of the address, else of the words; else the area alone; None where nothing is known."""
    for text in (address, words):
        found = [one for one in gazetteer.find(text) if one.place.kind not in WIDE] if text else []
        if found:
            best = max(found, key=lambda one: one.rank)
            decides = answering(found)
            return Spot(best.place.name, (decides.place.area if decides else None) or best.place.area or area)
    if named := NAMED.search(address):
        return Spot(named.group(), area)
    unit = county.units.get(area or "")
    return Spot(unit.name, area) if unit else None


CATEGORIES = (Category.HELP, Category.REPORT)
"""D30: 求助、举报类诉求 (第十四条); the first is what an agent most often means."""


def other_category(category: str | None) -> str:
    """`尚未选择类别`, `类别为投诉`, of an order that 第十四条 does not speak of; empty for one of `CATEGORIES`."""
    if category is None:
        return "尚未选择类别"
    return "" if category in CATEGORIES else f"类别为{Category(category).label}"


def category_stays(category: str | None, state: State) -> str:
    """Why an order keeps a category that 第十四条 does not name, though it is an emergency; empty where it does not."""
    other = other_category(category)
    if not other or state in OPEN:
        return ""
    if state in WITH_UNITS:
        return f"工单{other}，现{state.label}，类别不变；须改类的，由{holders(Permission.ORDER_REVIEW)}按第十三条办理"
    return f"工单{other}，现{state.label}，类别不再变更"


@dataclass(frozen=True)
class Targets:
    """D30: by when an order of an emergency that came at `opened_at` is dispatched, and signed for after it."""

    dispatch_by: datetime
    sign_minutes: int

    def sign_by(self, dispatched_at: datetime) -> datetime:
        """In natural time, nights and holidays included."""
        return dispatched_at + timedelta(minutes=self.sign_minutes)


def targets(policy: EmergencyPolicy, level: Level, opened_at: datetime) -> Targets:
    """What the bureau decided for this level."""
    minutes = policy.sign_life_minutes if level is Level.LIFE else policy.sign_utility_minutes
    return Targets(opened_at + timedelta(minutes=policy.dispatch_minutes), minutes)
