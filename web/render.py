"""Templates: how times, numbers, people and durations are written, and the environment that renders them."""

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import jinja2
from aiohttp import web
from markupsafe import Markup

from core import clock, phone
from core.permissions import LABELS, Role
from core.personal import mask_name
from core.rates import per_cent
from crm.tickets.masking import mask_address, mask_numbers
from web.bundle import Bundle

TEMPLATES = Path(__file__).parent / "templates"
WEEKDAYS = "一二三四五六日"


def when(at: datetime | None, empty: str = "—") -> str:
    """`2026年11月23日 14:05`."""
    if at is None:
        return empty
    there = clock.local(at)
    return f"{there.year}年{there.month}月{there.day}日 {there:%H:%M}"


def short_when(at: datetime | None, empty: str = "—") -> str:
    """`今天 14:05`, `11月22日 09:10`, with the year where it is another one."""
    if at is None:
        return empty
    there, today = clock.local(at), clock.today()
    if there.date() == today:
        return f"今天 {there:%H:%M}"
    year = "" if there.year == today.year else f"{there.year}年"
    return f"{year}{there.month}月{there.day}日 {there:%H:%M}"


def until(at: datetime) -> str:
    """An exclusive end as people say it: `3月16日（周一）24:00`."""
    there = clock.local(at - timedelta(microseconds=1))
    ends = clock.local(at)
    hour = "24:00" if (ends.hour, ends.minute) == (0, 0) else f"{ends:%H:%M}"
    return f"{there.month}月{there.day}日（{weekday(there.date())}）{hour}"


def exact(at: datetime | None, empty: str = "—") -> str:
    """`2026年11月23日 14:05:09`, where seconds matter."""
    return empty if at is None else f"{when(at)}:{clock.local(at):%S}"


def day(on: date | datetime | None, empty: str = "—") -> str:
    """`2026年11月23日`."""
    if on is None:
        return empty
    there = clock.local(on).date() if isinstance(on, datetime) else on
    return f"{there.year}年{there.month}月{there.day}日"


def hour(at: datetime) -> str:
    """`08:00`."""
    return f"{clock.local(at):%H:%M}"


def exact_hour(at: datetime) -> str:
    """`08:00:05`."""
    return f"{clock.local(at):%H:%M:%S}"


def weekday(on: date) -> str:
    """`周四`."""
    return f"周{WEEKDAYS[on.weekday()]}"


def iso(at: datetime) -> str:
    """For machines."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def duration(seconds: float | None, empty: str = "—") -> str:
    """`3:05`, `1:02:09`."""
    if seconds is None:
        return empty
    whole = max(0, round(seconds))
    hours, rest = divmod(whole, 3600)
    return f"{hours}:{rest // 60:02}:{rest % 60:02}" if hours else f"{rest // 60}:{rest % 60:02}"


def masked(number: str | None, empty: str = "未显示号码") -> str:
    """`138****5678`."""
    return phone.mask(number) if number else empty


def roles(values: list[str]) -> str:
    """Roles as people call them."""
    return "、".join(LABELS[Role(value)] for value in values)


BROWSERS = (("Edg/", "Edge"), ("Firefox/", "Firefox"), ("Chrome/", "Chrome"), ("Safari/", "Safari"))
SYSTEMS = (("Windows", "Windows"), ("Android", "Android"), ("Mac OS", "macOS"), ("Linux", "Linux"))


def browser(agent: str) -> str:
    """`Edge（Windows）` from a User-Agent header."""
    name = next((shown for mark, shown in BROWSERS if mark in agent), "其他浏览器")
    system = next((shown for mark, shown in SYSTEMS if mark in agent), "")
    return f"{name}（{system}）" if system else name


def as_json(value: Any) -> Markup:
    """For data attributes."""
    return Markup.escape(json.dumps(value, ensure_ascii=False))


def size(bytes: int) -> str:
    """`109 B`, `15 KB`, `3.2 MB`."""
    if bytes < 1024:
        return f"{bytes} B"
    return f"{bytes / 1024:.0f} KB" if bytes < 1024 * 1024 else f"{bytes / 1024 / 1024:.1f} MB"


class Renderer:
    """The environment of all templates: escaping always on, an undefined name is an error."""

    def __init__(self, bundle: Bundle, title: str) -> None:
        self._environment = jinja2.Environment(
            loader=jinja2.FileSystemLoader(TEMPLATES),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.filters |= {
            "when": when,
            "short_when": short_when,
            "until": until,
            "exact": exact,
            "day": day,
            "hour": hour,
            "exact_hour": exact_hour,
            "weekday": weekday,
            "iso": iso,
            "duration": duration,
            "masked": masked,
            "per_cent": per_cent,
            "mask_name": lambda name: mask_name(name) if name else "未留姓名",
            "mask_address": mask_address,
            "mask_numbers": mask_numbers,
            "shown_phone": lambda number: phone.show(number) if number else "未显示号码",
            "roles": roles,
            "as_json": as_json,
            "browser": browser,
            "bytes": size,
        }
        self._environment.globals |= {"asset": bundle.url, "product": title, "now": clock.now}

    def render(self, template: str, **values: Any) -> str:
        """The template's text."""
        return self._environment.get_template(template).render(**values)


RENDERER: web.AppKey[Renderer] = web.AppKey("renderer", Renderer)
