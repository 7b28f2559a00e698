"""What flows need to know of the line, in memory: read without a database, kept fresh, and on disk for a start
without one."""

import asyncio
import os
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import TypeAdapter, ValidationError
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from callflow.current import line_policy, menu
from callflow.limits import Limits
from callflow.menu import Does, Menu
from callflow.nuisance import service as nuisance
from callflow.numbers.models import DutyMobile, Number
from callflow.numbers.rules import in_turn
from callflow.queues.models import Queue
from core.clock import now
from core.db import Database
from core.log import get
from core.personal import seal, unseal

log = get(__name__)

EVERY_S = 5.0


@dataclass(frozen=True)
class NumberEntry:
    """A number that citizens dial."""

    number: str
    title: str
    original_hotline: str | None
    queue: str


@dataclass(frozen=True)
class QueueEntry:
    """A queue and where its overflow goes."""

    name: str
    title: str
    overflow: str | None
    max_waiting: int
    strategy: str = "rrmemory"


@dataclass(frozen=True, repr=False)
class Mobile:
    """A duty mobile, E.164."""

    name: str
    phone: str


@dataclass(frozen=True)
class Snapshot:
    """The line's data at one moment; never changed, only replaced."""

    numbers: dict[str, NumberEntry] = field(default_factory=dict)
    queues: dict[str, QueueEntry] = field(default_factory=dict)
    duty: tuple[Mobile, ...] = ()
    """On duty now, in the order of calling."""
    outside: str | None = None
    limits: Limits = field(default_factory=Limits)
    limited: dict[str, Limits] = field(default_factory=dict, repr=False)
    """Callers registered by two people (`callflow.nuisance`), E.164, with what is still taken of them."""
    menu: Menu = field(default_factory=Menu)
    allowed: tuple[str, ...] = ()
    """Patterns of the numbers that agents may dial."""
    keep_after_s: int = 0
    """Who has waited so long may keep the place and hang up; 0: nobody."""
    rates: bool = False
    """Whether callers are asked to rate the agent's service."""

    def limits_of(self, caller: str | None) -> Limits:
        """How often this caller may call."""
        return self.limited.get(caller or "", self.limits)

    @property
    def offer_after_s(self) -> int:
        """When callers hear that they may keep their place; 0: never, there is no key for it."""
        return self.keep_after_s if self.menu.keys_for(Does.KEEP) else 0

    def number(self, dialled: str) -> NumberEntry | None:
        """The entry of a dialled number; of one that is unknown, that of 12345."""
        return self.numbers.get(dialled) or self.numbers.get("12345")

    @property
    def default_queue(self) -> str:
        """The queue of 12345; `hotline` while nothing is known."""
        entry = self.numbers.get("12345")
        return entry.queue if entry else next(iter(self.queues), "hotline")


_JSON = TypeAdapter(Snapshot)


async def load(session: AsyncSession) -> Snapshot:
    """The present data of the line."""
    policy = line_policy()
    numbers = await session.scalars(select(Number).where(Number.active))
    queues = await session.scalars(select(Queue).where(Queue.active).order_by(Queue.name))
    mobiles = await session.scalars(select(DutyMobile).where(DutyMobile.active))
    return Snapshot(
        numbers={n.number: NumberEntry(n.number, n.title, n.original_hotline, n.queue) for n in numbers},
        queues={q.name: QueueEntry(q.name, q.title, q.overflow, q.max_waiting, q.strategy) for q in queues},
        duty=tuple(Mobile(m.name, m.phone) for m in in_turn(mobiles, now())),
        outside=policy.outside_number or None,
        limits=Limits.of(policy),
        limited=await nuisance.limited(session),
        menu=menu(),
        allowed=policy.may_dial,
        keep_after_s=policy.keep_place_after_s,
        rates=policy.rate_after_call,
    )


class SnapshotKeeper:
    """Holds the last good snapshot; `current` never waits and never fails."""

    def __init__(self, db: Database, file: Path) -> None:
        self._db = db
        self._file = file
        self.current = self._read()

    async def refresh(self) -> Snapshot:
        """Load anew; keep the file when something changed. Raises Unavailable, and the old one stays."""
        async with self._db.session() as session:
            fresh = await load(session)
        if fresh != self.current:
            self.current = fresh
            await asyncio.to_thread(self._write, fresh)
        return fresh

    def _read(self) -> Snapshot:
        try:
            return _JSON.validate_json(unseal(self._file.read_text(encoding="utf-8")))
        except FileNotFoundError:
            return Snapshot()
        except (OSError, ValueError, ValidationError):
            log.exception("snapshot.unreadable")
            return Snapshot()

    def _write(self, snapshot: Snapshot) -> None:
        self._file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        draft = self._file.with_name(f".{self._file.name}.{os.getpid()}")
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
            file.write(seal(_JSON.dump_json(snapshot).decode()))
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self._file)
