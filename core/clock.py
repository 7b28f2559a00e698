"""The project's clock: every part reads the time here, so that tests can set it."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

SHANGHAI = ZoneInfo("Asia/Shanghai")

_frozen: ContextVar[datetime | None] = ContextVar("frozen_clock", default=None)


def now() -> datetime:
    """The present instant, aware, in UTC."""
    return _frozen.get() or datetime.now(UTC)


def local(at: datetime) -> datetime:
    """`at` in Asia/Shanghai, where everything is decided and shown (D1). Raises ValueError when naive."""
    if at.tzinfo is None:
        raise ValueError("an instant without a zone has no meaning here")
    return at.astimezone(SHANGHAI)


def today() -> date:
    """The present date in Asia/Shanghai."""
    return local(now()).date()


def midnight(day: date) -> datetime:
    """When `day` begins in Asia/Shanghai."""
    return datetime(day.year, day.month, day.day, tzinfo=SHANGHAI)


@contextmanager
def frozen(at: datetime) -> Iterator[None]:
    """Stop the clock at `at` within this context (tests)."""
    token = _frozen.set(at.astimezone(UTC))
    try:
        yield
    finally:
        _frozen.reset(token)
