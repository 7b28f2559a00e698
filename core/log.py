"""Structured logs: one JSON line per event, the call's id everywhere, no personal data."""

import logging
import re
import sys
from collections.abc import Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from typing import Any, TextIO, cast

import structlog

_PERSONAL = re.compile(
    r"\+\d{8,15}(?!\d)"  # any number in international form (E.164)
    r"|(?<![\w-])(?:86)?1[3-9]\d{9}(?!\d)"  # a mobile; a hyphen before it is an id's
    r"|(?<!\d)\d{17}[\dXx](?!\d)"  # an identity number (GB 11643)
    r"|(?<!\d)0\d{2,3}-?\d{7,8}(?!\d)"  # a landline with its area code
)
OURS = ("call", "linkedid", "timestamp", "level", "logger", "role", "event_id")
"""Values that we made ourselves: an id may by chance look like a number."""


def get(name: str) -> structlog.stdlib.BoundLogger:
    """The logger of module `name`."""
    return cast(structlog.stdlib.BoundLogger, structlog.get_logger(name))


def setup(level: str = "INFO", *, json: bool = True, role: str = "", to: TextIO | None = None) -> None:
    """Send everything, also what libraries log, to standard output, or `to`, as one line per event."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        without_personal_data,
    ]
    renderer = structlog.processors.JSONRenderer(ensure_ascii=False) if json else structlog.dev.ConsoleRenderer()
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(to or sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    logging.basicConfig(handlers=[handler], level=level, force=True)
    for name in ("aiohttp.access", "alembic", "procrastinate"):
        logging.getLogger(name).setLevel(logging.WARNING)
    if role:
        structlog.contextvars.bind_contextvars(role=role)


def without_personal_data(logger: Any, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Replace what looks like a phone or identity number; the last line of defence, not the first."""
    for key, value in event.items():
        if key not in OURS:
            event[key] = _without(value)
    return event


def _without(value: Any) -> Any:
    if isinstance(value, str):
        return _PERSONAL.sub("***", value)
    if isinstance(value, Mapping):
        return {key: _without(one) for key, one in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_without(one) for one in value]
    return value


@contextmanager
def call(call_id: object = None, *, linkedid: str | None = None) -> Iterator[None]:
    """Within this context every log line carries the call: its id as `call`, Asterisk's as `linkedid`, if known."""
    known = {"call": None if call_id is None else str(call_id), "linkedid": linkedid}
    with structlog.contextvars.bound_contextvars(**{key: value for key, value in known.items() if value is not None}):
        yield
