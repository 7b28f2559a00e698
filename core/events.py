"""Events: what happened, told to every subscriber by one job each, in the transaction that made it happen."""

from collections.abc import Awaitable, Callable
from typing import Any, ClassVar, TypeVar

from pydantic import BaseModel, ConfigDict
from sqlalchemy.ext.asyncio import AsyncSession

from core.jobs import Job, JobContext, Retry, defer, job
from core.log import get

log = get(__name__)
LOGGED_AS = {"call_id": "call"}
"""A call's id has one name in every log line."""


class Event(BaseModel):
    """Base of all events; a subclass gives its `name` (`call.connected`) and its JSON-able facts.

    Facts are ids and states: they are logged, and nothing may be among them that a log must not hold.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    name: ClassVar[str]


E = TypeVar("E", bound=Event)
Handler = Callable[[AsyncSession, E], Awaitable[None]]

SUBSCRIBERS: dict[str, list[Job]] = {}


def subscriber(
    event: type[E], name: str, *, queue: str = "default", retry: Retry | None = None, priority: int = 0
) -> Callable[[Handler[E]], Handler[E]]:
    """Call `async def handler(session, event)` for every such event, in a transaction of its own.

    It may be called twice for one event: be idempotent by a unique key of the row that it writes.
    """

    def decorate(handler: Handler[E]) -> Handler[E]:
        async def run(ctx: JobContext, **payload: Any) -> None:
            async with ctx.db.session() as session:
                await handler(session, event.model_validate(payload))

        SUBSCRIBERS.setdefault(event.name, []).append(job(f"{name}", queue=queue, retry=retry)(run))
        return handler

    return decorate


async def publish(session: AsyncSession, event: Event, *, lock: str | None = None) -> None:
    """Queue one job per subscriber; with `lock`, the jobs of one subject keep their order.

    The log tells of it before the transaction commits: an event that is told twice happened once.
    """
    payload = event.model_dump(mode="json")
    log.info(event.name, **{LOGGED_AS.get(key, key): value for key, value in payload.items()})
    for listener in SUBSCRIBERS.get(event.name, []):
        await defer(session, listener, lock=f"{listener.name}:{lock}" if lock else None, **payload)
