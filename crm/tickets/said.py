"""Instants as refusals say them."""

from datetime import datetime, timedelta

from core.clock import local


def said(at: datetime) -> str:
    """`3月16日24:00` for the midnight after it, else `3月16日10:30`."""
    here = local(at)
    if (here.hour, here.minute, here.second) == (0, 0, 0):
        day = here - timedelta(days=1)
        return f"{day.month}月{day.day}日24:00"
    return f"{here.month}月{here.day}日{here:%H:%M}"
