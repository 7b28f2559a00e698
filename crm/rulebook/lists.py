"""Importing the dispatch catalogue and the power list: a file becomes a proposal, a second person confirms."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import IO, Literal

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from core import ledger
from core.actor import Actor
from core.clock import local, now
from core.db import Database
from core.errors import Unavailable
from core.identity.models import Unit
from core.rules import service
from core.rules.kinds import Kind
from core.rules.models import RuleVersion
from crm.county import lists
from crm.county.data import EVERYWHERE
from crm.county.route import Cell
from crm.county.sounds import syllables
from crm.installed import installed
from crm.rulebook import list_forms
from crm.rulebook.list_forms import CATALOGUE_COLUMNS, POWER_COLUMNS, Units
from crm.sheets import sheet
from crm.sheets.sheet import Row
from crm.sheets.table import Column
from crm.sheets.workbook import Sheet, write

COLUMNS: dict[Kind, tuple[Column, ...]] = {Kind.CATALOGUE: CATALOGUE_COLUMNS, Kind.POWERS: POWER_COLUMNS}
KEYS = {Kind.CATALOGUE: (0, 2), Kind.POWERS: (0,)}
"""Which columns say that two rows are the same line."""
UNIT = 3
"""Which column names the unit that answers, in both."""
Table = list[tuple[str, ...]]
Order = Literal["code", "unit"]
"""By the code of the matter, or by the sound of the unit's name."""


@dataclass(frozen=True)
class Wanted:
    """Which lines of the list in force, in which order; each of `words` stands somewhere in the line."""

    words: Sequence[str] = ()
    order: Order = "code"


@dataclass(frozen=True)
class Difference:
    """One line before and after; None where there is none."""

    before: tuple[str, ...] | None
    after: tuple[str, ...] | None

    @property
    def what(self) -> str:
        """In a word."""
        return "新增" if self.before is None else "删去" if self.after is None else "修改"


async def read_file(name: str, content: bytes) -> list[Row]:
    """The file's rows, read off the event loop. Raises Invalid("bad-file")."""
    return await asyncio.to_thread(sheet.rows, name, content)


async def propose(
    session: AsyncSession, actor: Actor, kind: Kind, rows: list[Row], *, document: str, note: str
) -> RuleVersion:
    """The table as a proposal; it replaces the whole list once another person confirms it.

    Raises Invalid with each wrong row, or when it changes nothing; Conflict when something else was confirmed.
    """
    actor.require(kind.duties.propose)
    here, units = installed(), await units_of(session)
    base = await newest(session, kind)
    if kind is Kind.CATALOGUE:
        text = lists.write(list_forms.read_catalogue(rows, here.county, units, here.powers), units.names)
    else:
        cited = {line.power for line in here.catalogue.lines if line.power}
        text = lists.write(list_forms.read_powers(rows, units, cited), units.names)
    return await service.propose(session, actor, kind, text, based_on=base.id, document=document, note=note)


async def newest(session: AsyncSession, kind: Kind) -> RuleVersion:
    """The version in force. Raises Unavailable before the first one is stored."""
    chain = await service.confirmed(session, kind)
    if not chain:
        raise Unavailable("rules-not-loaded", f"{kind.label}正在载入，请稍后再试。")
    return chain[-1]


async def units_of(session: AsyncSession) -> Units:
    """Member units in use."""
    rows = await session.execute(select(Unit.code, Unit.name).where(Unit.active))
    return Units.of(((row.code, row.name) for row in rows), installed().county)


def table(kind: Kind, text: str | None = None) -> Table:
    """A stored list, or the one in force, as rows."""
    here = installed()
    if kind is Kind.CATALOGUE:
        catalogue = lists.read_catalogue(here.county, text) if text is not None else here.catalogue
        return [list_forms.catalogue_row(here.county, catalogue, line) for line in catalogue.lines]
    powers = lists.read_powers(here.county, text) if text is not None else here.powers
    return [list_forms.power_row(powers, power) for power in powers.powers]


def lines_of(kind: Kind, wanted: Wanted) -> list[tuple[str, tuple[str, ...]]]:
    """The lines of the list in force, each behind the key by which it stands in its order."""
    words = [word.casefold() for word in wanted.words]
    rows = [row for row in table(kind) if all(word in " ".join(row).casefold() for word in words)]
    return sorted((_key(kind, row, wanted.order), row) for row in rows)


def _key(kind: Kind, row: tuple[str, ...], order: Order) -> str:
    first = [" ".join(syllables(row[UNIT]))] if order == "unit" else []
    everywhere = list_forms.WORDS[EVERYWHERE]
    return "~".join([*first, *("" if row[at] == everywhere else row[at] for at in KEYS[kind])])


def differences(kind: Kind, before: str, after: str) -> list[Difference]:
    """What a version changes, line by line."""
    was, will = ({tuple(row[at] for at in KEYS[kind]): row for row in table(kind, text)} for text in (before, after))
    found = [Difference(was.get(key), row) for key, row in will.items() if was.get(key) != row]
    return found + [Difference(row, None) for key, row in was.items() if key not in will]


async def completeness(session: AsyncSession) -> list[Cell]:
    """A12.2-1: the catalogue's answer for every matter at every place, by the units that are in use now."""
    return installed().catalogue.cells((await units_of(session)).names)


async def export(db: Database, actor: Actor, kind: Kind) -> IO[bytes]:
    """The list in force as a workbook that can be edited and imported again."""
    actor.require(kind.duties.propose)
    at = local(now())
    async with db.session() as session:
        rows = table(kind)
        await ledger.record(session, actor, f"{kind}.export", kind, at.isoformat(), count=len(rows))
    heads = [(column.title, column.width) for column in COLUMNS[kind]]
    return await asyncio.to_thread(write, Sheet(kind.label, "", heads, rows))
