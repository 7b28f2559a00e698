"""What another person decides 审批: who asked has no say in it, it is decided once, and every step is on record. Shared
by listening requests and exports."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from uuid import UUID

from sqlalchemy import ColumnElement, and_, select
from sqlalchemy.ext.asyncio import AsyncSession

from core.actor import Actor
from core.clock import now
from core.db import among
from core.errors import Conflict, Denied, Invalid, NotFound
from core.ledger import record
from core.live import hint
from core.permissions import Permission
from recordings.desk.models import Asked
from recordings.desk.policy import ListeningPolicy
from recordings.models import Recording, RecordingState

TOPIC = "listening"
A = TypeVar("A", bound=Asked)


@dataclass(frozen=True)
class Matter(Generic[A]):
    """One kind of what is asked for. `word`: what the ids of its errors call it, `said`: their sentences (`这次导出`);
    `waits`: the state before the decision; `asker`: the column of who asked; `subject` and `known_by`: what the ledger
    knows it by."""

    kind: type[A]
    word: str
    said: str
    waits: str
    asker: str
    subject: str
    known_by: str = "id"

    async def locked(self, session: AsyncSession, id: UUID) -> A:
        """One of them, for a change. Raises `NotFound`."""
        one = await session.get(self.kind, id, with_for_update=True)
        if one is None:
            raise self.unknown()
        return one

    async def to_decide(self, session: AsyncSession, actor: Actor, id: UUID) -> A:
        """One that waits, for an officer who is not its asker. Raises `NotFound`, `Denied("own-…")`,
        `Conflict("decided-already")`."""
        actor.require(Permission.RECORDING_DECIDE)
        one = await self.locked(session, id)
        if self.asked_by(one, actor):
            raise Denied(f"own-{self.word}", f"不能审批自己的{self.said[2:]}，由另一名有权人员办理。")
        if one.state != self.waits:
            raise self.decided_already()
        return one

    def asked_by(self, one: A, actor: Actor) -> bool:
        """Whether this person asked for it."""
        return bool(getattr(one, self.asker) == actor.user_id)

    def unknown(self) -> NotFound:
        """It is not there, or not for this person."""
        return NotFound(f"no-{self.word}", f"没有{self.said}。")

    def decided_already(self) -> Conflict:
        """Somebody was quicker."""
        return Conflict("decided-already", f"{self.said}已经办理，请刷新页面。")

    async def noted(
        self, session: AsyncSession, actor: Actor, action: str, one: A, *, reason: str | None = None, **told: Any
    ) -> None:
        """A step, in the ledger and on the pages."""
        known = getattr(one, self.known_by)
        await record(session, actor, action, self.subject, known, reason=reason, about=one.about, **told)
        hint(session, TOPIC, one.id)


def decide(one: Asked, actor: Actor, state: str, words: str) -> None:
    """This person decides, and says so."""
    one.state, one.decision = state, words.strip()
    one.decided_by_id, one.decided_by_name, one.decided_at = actor.user_id, actor.name, now()


def why(words: str) -> str:
    """What a refusal must say. Raises `Invalid("no-reason")`."""
    if len(words.strip()) < 2:
        raise Invalid("no-reason", "请填写理由。", fields={"words": "请填写理由"})
    return words


def require_purpose(policy: ListeningPolicy, purpose: str, act: str) -> None:
    """Raise `Invalid("no-such-purpose")` for what the bureau does not list."""
    if purpose not in policy.purposes:
        raise Invalid("no-such-purpose", f"请选择{act}用途。", fields={"purpose": "请选择列出的用途"})


def audible() -> ColumnElement[bool]:
    """Recordings that have sound, and still have it."""
    return and_(Recording.state != RecordingState.EMPTY, Recording.destroyed_at.is_(None))


async def audible_of(session: AsyncSession, ids: Collection[UUID]) -> set[UUID]:
    """Those of these recordings that can be heard."""
    return set(await session.scalars(select(Recording.id).where(audible(), among(Recording.id, ids))))
