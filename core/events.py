"""Events: what happened, told to every subscriber by a job, in the transaction that made it happen."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, ClassVar, TypeVar

from pydantic import BaseModel, ConfigDict
from sqlalchemy.ext.asyncio import AsyncSession

from core.errors import Unavailable
from core.jobs import Job, JobContext, Retry, defer, job
from core.log import get

log = get(__name__)
LOGGED_AS = {"call_id": "call"}
"""A call's id has one name in every log line."""


class Event(BaseModel):
    """Base of all events; a subclass gives its `name` (`call.connected`) and its JSON-able facts.

    Facts are ids and states: they are logged, and nothing may be among them that a log must not hold.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)
    name: ClassVar[str]


E = TypeVar("E", bound=Event)
Handler = Callable[[AsyncSession, Sequence[E]], Awaitable[None]]

SUBSCRIBERS: dict[str, list[Job]] = {}


def subscriber(
    event: type[E], name: str, *, queue: str = "default", retry: Retry | None = None
) -> Callable[[Handler[E]], Handler[E]]:
    """Call `async def handler(session, events)` with the events that one transaction published, in one of its own.

    It may be called twice for one event, and at once by two workers: be idempotent by a unique key of the row that
    it writes. Where one of many events fails, each is tried again by itself.
    """

    def decorate(handler: Handler[E]) -> Handler[E]:
        async def run(ctx: JobContext, events: list[dict[str, Any]]) -> None:
            try:
                async with ctx.db.session() as session:
                    await handler(session, [event.model_validate(one) for one in events])
            except Unavailable:
                raise
            except Exception:
                if len(events) == 1:
                    raise
                log.exception("events.apart", subscriber=name, count=len(events))
                async with ctx.db.session() as session:
                    for one in events:
                        await defer(session, listener, events=[one])

        listener = job(name, queue=queue, retry=retry)(run)
        SUBSCRIBERS.setdefault(event.name, []).append(listener)
        return handler

    return decorate


async def publish(session: AsyncSession, *events: Event) -> None:
    """Queue one job per subscriber and kind of event, in this transaction.

    The log tells of it before the transaction commits: an event that is told twice happened once.
    """
    by_name: dict[str, list[dict[str, Any]]] = {}
    for event in events:
        payload = event.model_dump(mode="json")
        log.info(event.name, **{LOGGED_AS.get(key, key): value for key, value in payload.items()})
        by_name.setdefault(event.name, []).append(payload)
    for name, payloads in by_name.items():
        for listener in SUBSCRIBERS.get(name, []):
            await defer(session, listener, events=payloads)
