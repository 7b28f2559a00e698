"""Many rows in one statement, which is the same however many they are: they travel as one JSON document, and the
server reads it by the table's own types."""

import json
from collections.abc import Mapping, Sequence
from datetime import date
from functools import lru_cache
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, Column, Result, Table, TextClause, text
from sqlalchemy.dialects import postgresql
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.types import TypeDecorator

_DIALECT = postgresql.dialect()  # type: ignore[no-untyped-call]
Row = Mapping[str, Any]
"""Values by column; all rows of one call have the same columns."""


async def insert_rows(session: AsyncSession, table: Table, rows: Sequence[Row], *, then: str = "") -> Result[Any]:
    """Insert them, with the defaults of the columns that they leave out; `then`: what follows in SQL, such as
    `RETURNING id`."""
    made = [_defaults(table, row) for row in rows]
    names = tuple(made[0])
    return await session.execute(_inserting(table, names, then), {"rows": _document(table, names, made)})


async def update_rows(session: AsyncSession, table: Table, rows: Sequence[Row]) -> None:
    """Give the rows with these `id`s their new values."""
    names = tuple(rows[0])
    await session.execute(_updating(table, names), {"rows": _document(table, names, rows)})


def _defaults(table: Table, row: Row) -> dict[str, Any]:
    return {name: make(None) for name, make in _made(table) if name not in row} | dict(row)


@lru_cache
def _made(table: Table) -> list[tuple[str, Any]]:
    """What Python gives a new row's columns, by name."""
    found: list[tuple[str, Any]] = [(column.name, column.default) for column in table.columns if column.default]
    return [(name, one.arg if one.is_callable else lambda _, value=one.arg: value) for name, one in found]


@lru_cache
def _inserting(table: Table, names: tuple[str, ...], then: str) -> TextClause:
    columns = ", ".join(_quoted(name) for name in names)
    return text(f"INSERT INTO {table.name} ({columns}) SELECT {columns} FROM {_rows(table)} {then}")


@lru_cache
def _updating(table: Table, names: tuple[str, ...]) -> TextClause:
    new = ", ".join(f"{_quoted(name)} = new.{_quoted(name)}" for name in names if name != "id")
    return text(f"UPDATE {table.name} SET {new} FROM {_rows(table)} AS new WHERE {table.name}.id = new.id")


def _rows(table: Table) -> str:
    return f"json_populate_recordset(NULL::{table.name}, CAST(:rows AS json))"


def _quoted(name: str) -> str:
    return str(_DIALECT.identifier_preparer.quote(name))


def _document(table: Table, names: Sequence[str], rows: Sequence[Row]) -> str:
    stored = [(name, _stored(table.columns[name])) for name in names]
    wanted = [{name: store(row[name]) if store else row[name] for name, store in stored} for row in rows]
    return json.dumps(wanted, default=_plain, ensure_ascii=False)


def _plain(value: object) -> str:
    if isinstance(value, date):  # an instant, too
        return value.isoformat()
    if isinstance(value, UUID):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no form in a row")


@lru_cache
def _stored(column: Column[Any]) -> Any:
    """What makes a value of this column the one that is stored, such as a sealed name; None where it is the same."""
    if isinstance(column.type, TypeDecorator) and not isinstance(column.type.impl_instance, JSON):
        return column.type.dialect_impl(_DIALECT).bind_processor(_DIALECT)
    return None
