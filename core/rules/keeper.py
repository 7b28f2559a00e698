"""Keeps a process's rules as the bureau decided them: told by a hint, found by looking, in force to the second."""

from collections.abc import Callable, Mapping
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from core.calendar.document import parse as parse_calendar
from core.calendar.seed import seed as calendar_seed
from core.clock import now
from core.db import Database
from core.health import Health
from core.log import get
from core.policy import parse, parse_stored
from core.rules.book import Enacted, Listed, Rulebook
from core.rules.kinds import LISTS, Kind, Standing
from core.rules.models import RuleVersion
from core.rules.service import TOPIC, confirmed, seed
from core.woken import WokenLoop

log = get(__name__)
LOOK_EVERY_S = 5.0


async def load(session: AsyncSession, file_text: str, lists: Mapping[Kind, str] | None = None) -> Rulebook:
    """All rules of this instance; what has no first version yet gets one, the policy's and the lists' from the
    county's files."""
    first = parse(file_text)
    await seed(session, Kind.POLICY, file_text, first.issued_at, first.title)
    await seed(session, Kind.CALENDAR, calendar_seed(), first.issued_at, "国务院办公厅历年节假日安排的通知")
    for kind, text in (lists or {}).items():
        await seed(session, kind, text, first.issued_at, f"县{kind.label}文件")
    await session.flush()
    return await read(session, file_text)


async def read(session: AsyncSession, file_text: str) -> Rulebook:
    """What was decided so far; without a policy or a calendar where nothing was ever stored."""
    policies = [
        Enacted(row.since, parse_stored(row.text, file_text))
        for row in await confirmed(session, Kind.POLICY)
        if row.since is not None
    ]
    calendars = [parse_calendar(row.text) for row in await confirmed(session, Kind.CALENDAR)]
    lists = {kind: await _newest(session, kind) for kind in LISTS}
    return Rulebook(tuple(policies), tuple(calendars), {kind: one for kind, one in lists.items() if one is not None})


async def _newest(session: AsyncSession, kind: Kind) -> Listed | None:
    decided = select(RuleVersion).where(RuleVersion.kind == kind, RuleVersion.state == Standing.CONFIRMED)
    row = await session.scalar(decided.order_by(RuleVersion.since.desc(), RuleVersion.id.desc()).limit(1))
    return Listed(row.version, row.text, row.since) if row is not None and row.since is not None else None


class RulesKeeper:
    """A service of every role. `apply` is called with the present rules when they changed or came into force."""

    name = "运行规则"

    def __init__(
        self,
        db: Database,
        file_text: str,
        apply: Callable[[Rulebook], None],
        *,
        must_load: bool,
        lists: Mapping[Kind, str] | None = None,
    ) -> None:
        self._db = db
        self._file_text = file_text
        self._lists = lists
        self._apply = apply
        self._must_load = must_load
        """Whether the role is of no use before it knows the rules; the line is, by its snapshot."""
        self._book: Rulebook | None = None
        self._seen: tuple[int, datetime | None] | None = None
        self._in_force = ""
        self._loop = WokenLoop(self.name, LOOK_EVERY_S, self.look, db.dsn, TOPIC)

    async def start(self) -> None:
        """Load, where the role cannot do without. Raises Unavailable while the database is away."""
        if self._must_load:
            await self.look()
        await self._loop.start()

    async def stop(self) -> None:
        """End the looking."""
        await self._loop.stop()

    async def health(self) -> Health:
        """Well while it can look."""
        return await self._loop.health()

    async def look(self) -> None:
        """Read what was decided since the last look, and put into force what is due."""
        async with self._db.session() as session:
            row = await session.execute(select(func.count(), func.max(RuleVersion.settled_at)).where(_SETTLED))
            seen = (int((found := row.one())[0]), found[1])
            if self._book is None or seen != self._seen:
                self._book = await load(session, self._file_text, self._lists)
                self._seen, self._in_force = seen, ""
        lists = " ".join(one.version for one in self._book.lists.values())
        present = f"{self._book.present(now()).version} {self._book.calendar.version} {lists}"
        if present != self._in_force:
            self._apply(self._book)
            self._in_force = present
            log.info("rules.in-force", policy=self._book.present(now()).version, calendar=self._book.calendar.version)


_SETTLED = RuleVersion.state != Standing.PROPOSED
