"""Statutory holidays of a year whose notice is not out (D4): 《全国年节及纪念日放假办法》, as revised on 2024-11-08.

A forecast knows the days that the regulation names and the days off in lieu of those that fall on a weekend
(第七条: 适逢周六、周日，应当在工作日补假). It cannot know which weekends will be worked.
"""

import tomllib
from collections.abc import Mapping
from datetime import date, timedelta
from functools import cache
from importlib.resources import files

FIXED = (("元旦", 1, (1,)), ("劳动节", 5, (1, 2)), ("国庆节", 10, (1, 2, 3)))


@cache
def _festivals() -> dict[str, dict[str, date]]:
    return tomllib.loads(files("core.calendar").joinpath("festivals.toml").read_text(encoding="utf-8"))


def _named(year: int) -> list[tuple[date, str]]:
    fixed = [
        (1, 1, "元旦"),
        (5, 1, "劳动节"),
        (5, 2, "劳动节"),
        (10, 1, "国庆节"),
        (10, 2, "国庆节"),
        (10, 3, "国庆节"),
    ]
    found = [(date(year, month, day), name) for month, day, name in fixed]
    moving = _festivals().get(str(year))
    if moving:
        spring = moving["spring"]
        found += [(spring + timedelta(days=n), "除夕" if n < 0 else "春节") for n in range(-1, 3)]
        found += [(moving["qingming"], "清明节"), (moving["dragon_boat"], "端午节"), (moving["mid_autumn"], "中秋节")]
    return sorted(found)


def anchors(year: int) -> dict[date, str]:
    """The day of each festival itself, as far as the table knows it; no notice can leave one of them out."""
    moving = _festivals().get(str(year))
    found = {date(year, 1, 1): "元旦", date(year, 5, 1): "劳动节", date(year, 10, 1): "国庆节"}
    if moving:
        names = {"spring": "春节", "qingming": "清明节", "dragon_boat": "端午节", "mid_autumn": "中秋节"}
        found |= {moving[key]: name for key, name in names.items()}
    return found


@cache
def statutory(year: int) -> Mapping[date, str]:
    """The year's statutory days off besides ordinary weekends -> their names. Years whose festivals the table does
    not hold have only the fixed dates."""
    named = _named(year)
    found = dict(named)
    for day, name in named:
        if day.weekday() >= 5:
            instead = day
            while instead.weekday() >= 5 or instead in found:
                instead += timedelta(days=1)
            found[instead] = f"{name}补假"
    return found
