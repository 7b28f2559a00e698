"""A list that somebody takes along as a workbook: who, when, why and under which number stands on it and in the ledger
before the first byte leaves."""

import asyncio
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import IO, Any

from sqlalchemy.ext.asyncio import AsyncSession

from core.actor import Actor
from core.clock import local, now
from core.errors import Invalid
from core.ledger import record
from crm.sheets.workbook import Sheet, write

MOST_ROWS = 20_000
"""What a spreadsheet on an office machine opens quickly; more is a report, not a list."""


@dataclass(frozen=True)
class Taking:
    """`name` of the list, `prefix` of its numbers, `action` in the ledger, and its rows, at most one above
    `MOST_ROWS`; `asked`: the filter as the ledger keeps it; `foot`: rows below them that are not counted."""

    name: str
    prefix: str
    action: str
    heads: Sequence[tuple[str, int]]
    rows: Sequence[Sequence[str]]
    asked: Mapping[str, Any] = field(default_factory=dict)
    foot: Sequence[Sequence[str]] = ()
    notes: Sequence[str] = ()
    write: Callable[[Sheet], IO[bytes]] = write
    """As a workbook, unless it is read as a document."""


@dataclass(frozen=True)
class Taken:
    """The file, at its beginning, to be closed by who reads it."""

    number: str
    count: int
    content: IO[bytes]


async def take(session: AsyncSession, actor: Actor, what: Taking, reason: str, *, title: str) -> Taken:
    """Raises Invalid("no-reason"), Invalid("too-many-rows"), Invalid("nothing-to-export")."""
    if len(reason.strip()) < 2:
        raise Invalid("no-reason", "请填写导出原因。", fields={"reason": "请填写导出原因"})
    if len(what.rows) > MOST_ROWS:
        raise Invalid("too-many-rows", f"符合条件的超过 {MOST_ROWS} 条，请缩小范围后再导出。")
    if not what.rows:
        raise Invalid("nothing-to-export", "没有符合条件的内容可以导出。")
    number, told = number_of(what.prefix), {"count": len(what.rows), "filter": dict(what.asked)}
    await record(session, actor, what.action, "export", number, reason=reason.strip(), **told)
    mark = mark_of(title, what.name, actor, number)
    sheet = Sheet(what.name, mark, what.heads, [*what.rows, *what.foot], what.notes)
    content = await asyncio.to_thread(what.write, sheet)
    return Taken(number, len(what.rows), content)


def number_of(prefix: str) -> str:
    """`DC20261128-1F2E3D4C`: what the sheet and the ledger know it by."""
    return f"{prefix}{local(now()):%Y%m%d}-{secrets.token_hex(4).upper()}"


def mark_of(title: str, name: str, actor: Actor, number: str) -> str:
    """What stands on every page of it: whose system, which list, who took it, when, under which number."""
    at = local(now())
    when = f"{at.year}年{at.month}月{at.day}日 {at:%H:%M}"
    return f"{title} {name} · 导出人 {actor.name} · {when} · 编号 {number} · 内部资料，不得外传"
