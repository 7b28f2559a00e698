"""Who is on duty now. Pure."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from callflow.numbers.models import DutyMobile
from core.clock import local

MAIN = "12345"
"""The number that is never switched off."""
EMERGENCY = frozenset({"110", "119", "120", "122"})
"""Never merged into the hotline (第十六条)."""


def on_duty(mobile: DutyMobile, at: datetime) -> bool:
    """Whether this mobile's duty covers the instant, in Asia/Shanghai; a duty past midnight belongs to the day on
    which it began."""
    if not mobile.active:
        return False
    here = local(at)
    clock, today, yesterday = here.time(), here.isoweekday(), (here - timedelta(days=1)).isoweekday()
    if mobile.from_time < mobile.to_time:
        return today in mobile.weekdays and mobile.from_time <= clock < mobile.to_time
    begun_today = today in mobile.weekdays and clock >= mobile.from_time
    return begun_today or (yesterday in mobile.weekdays and clock < mobile.to_time)


def in_turn(mobiles: Iterable[DutyMobile], at: datetime) -> list[DutyMobile]:
    """The mobiles on duty at `at`, in the order of calling."""
    return sorted((one for one in mobiles if on_duty(one, at)), key=lambda one: (one.position, one.name))
