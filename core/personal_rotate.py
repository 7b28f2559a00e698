"""Writing every personal value anew with the present key, while people work or, for the index, while nobody does."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, MetaData, Table, Text, func, or_, select, text, tuple_, type_coerce
from sqlalchemy.ext.asyncio import AsyncSession

from core.db import Database
from core.personal import Personal, present, seal, unseal

BATCH = 500
"""Rows that are written anew in one transaction."""


@dataclass(frozen=True)
class Place:
    """A table and its columns of personal data, read and written as they are stored."""

    table: Table
    columns: tuple[Column[Any], ...]

    @property
    def key(self) -> tuple[Column[Any], ...]:
        """Its primary key."""
        return tuple(self.table.primary_key.columns)


def places(metadata: MetaData) -> Iterator[Place]:
    """Every table that holds personal data."""
    for table in metadata.sorted_tables:
        columns = tuple(column for column in table.columns if isinstance(column.type, Personal))
        if columns:
            yield Place(table, columns)


async def rotate(db: Database, metadata: MetaData, told: Callable[[int], object]) -> int:
    """Write anew what another key than the present one encrypted -> how many rows; a second run finds what a process
    wrote meanwhile that had not seen the key yet.

    A row is locked for the moment of its writing; one that somebody holds is left for the next pass.
    """
    done = 0
    for place in places(metadata):
        while True:
            async with db.session() as session:
                count = await _batch(session, place, _old(place), skip_locked=True)
            done += count
            if count:
                told(done)
            elif not await remaining(db, place):
                break
    return done


async def reindex(db: Database, metadata: MetaData) -> int:
    """Write every value anew, with the present keys and index, in one transaction: all of it or nothing -> rows.

    For a database in which nobody works: values under two indexes are not found by one another.
    """
    done = 0
    async with db.session() as session:
        for place in places(metadata):
            after: Sequence[Any] | None = None
            while rows := await _rows(session, place, _any(place), after):
                await _write(session, place, rows)
                after, done = rows[-1][: len(place.key)], done + len(rows)
    return done


async def remaining(db: Database, place: Place) -> int:
    """Rows with a value of another key."""
    async with db.session() as session:
        return await session.scalar(select(func.count()).select_from(place.table).where(_old(place))) or 0


async def _batch(session: AsyncSession, place: Place, wanted: Any, *, skip_locked: bool) -> int:
    rows = await _rows(session, place, wanted, None, skip_locked=skip_locked)
    await _write(session, place, rows)
    return len(rows)


async def _rows(
    session: AsyncSession, place: Place, wanted: Any, after: Sequence[Any] | None, *, skip_locked: bool = False
) -> Sequence[Any]:
    stored = [type_coerce(column, Text) for column in place.columns]
    query = select(*place.key, *stored).where(wanted).order_by(*place.key).limit(BATCH)
    if after is not None:
        query = query.where(tuple_(*place.key) > tuple_(*after))
    return (await session.execute(query.with_for_update(skip_locked=skip_locked))).all()


async def _write(session: AsyncSession, place: Place, rows: Sequence[Any]) -> None:
    """In plain SQL: nothing else of a row changes, neither its version nor when it was changed last."""
    if not rows:
        return
    quoted, width = session.get_bind().dialect.identifier_preparer.quote, len(place.key)
    new = ", ".join(f"{quoted(column.name)} = :new{at}" for at, column in enumerate(place.columns))
    where = " AND ".join(f"{quoted(column.name)} = :key{at}" for at, column in enumerate(place.key))
    statement = text(f"UPDATE {quoted(place.table.name)} SET {new} WHERE {where}")
    values = [
        {f"key{at}": value for at, value in enumerate(row[:width])}
        | {f"new{at}": _again(value) for at, value in enumerate(row[width:])}
        for row in rows
    ]
    await session.execute(statement, values)


def _again(stored: str | None) -> str | None:
    return None if stored is None else seal(unseal(stored))


def _old(place: Place) -> Any:
    prefix = f"v{present()}:"
    return or_(*(func.left(type_coerce(column, Text), len(prefix)) != prefix for column in place.columns))


def _any(place: Place) -> Any:
    return or_(*(column.is_not(None) for column in place.columns))
