"""All tables of this package."""

__all__ = [
    *("channels", "citizens", "city", "members", "notices", "regulations", "search", "sms", "tickets", "timers"),
]
