"""The health board: every process writes how its parts are, anybody reads how the whole is."""

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from core import clock
from core.board.models import PartHealth
from core.health import Health
from core.live import hint

TOPIC = "health"
STALE_AFTER = timedelta(seconds=20)


async def write(session: AsyncSession, process: str, parts: list[Health]) -> None:
    """Replace what this process said before. Pages are told each time: nobody else would tell them that another process
    fell silent, or that a light turned red with the hours."""
    at = clock.now()
    for part in parts:
        values = {"ok": part.ok, "detail": part.detail, "mend": part.mend, "at": at}
        await session.execute(
            insert(PartHealth)
            .values(process=process, part=part.part, **values)
            .on_conflict_do_update(index_elements=["process", "part"], set_=values)
        )
    hint(session, TOPIC)


async def troubled(session: AsyncSession, part: str) -> bool | None:
    """Whether any process says that this part is not well; None where none has spoken of it lately."""
    fresh = select(PartHealth.ok).where(PartHealth.part == part, PartHealth.at > clock.now() - STALE_AFTER)
    said = (await session.scalars(fresh)).all()
    return not all(said) if said else None


async def spoke(session: AsyncSession, node: str, since: datetime) -> set[str]:
    """Roles of this node whose process has written since then: `line`, `web` …"""
    found = await session.scalars(select(PartHealth.process).where(PartHealth.at >= since).distinct())
    names = [process.partition("@") for process in found]
    return {role for roles, _, at in names if at == node for role in roles.split("+")}


async def read(session: AsyncSession, expected: frozenset[str] = frozenset()) -> list[Health]:
    """Every part's health; a process that fell silent, or was expected and never spoke, is not well."""
    rows = (await session.scalars(select(PartHealth).order_by(PartHealth.process, PartHealth.part))).all()
    found = []
    for row in rows:
        silent = clock.now() - row.at > STALE_AFTER
        detail = "该进程已停止报告" if silent else row.detail
        found.append(Health(f"{row.process}：{row.part}", row.ok and not silent, detail, row.mend))
    missing = expected - {row.process for row in rows}
    return found + [
        Health(name, False, "该进程没有运行", "运行 hotline run，或查看其日志。") for name in sorted(missing)
    ]
