"""What a database holds, as figures that a copy of it can be compared with: rows and a digest for each table.

A table's digest is the sum of its rows' digests, so that it does not depend on the order in which rows lie.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

from psycopg import AsyncConnection, sql

from hotline.backup.programs import KEYS

_TABLES = """
SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = 'public' AND c.relkind = 'r' AND c.relpersistence = 'p' ORDER BY c.relname
"""
_OF_TABLE = """
SELECT count(*), coalesce(sum(('x' || substr(md5(t::text), 1, 16))::bit(64)::bigint::numeric), 0)::text FROM {} AS t
"""
_AS_EVERYWHERE = "SET timezone = 'UTC'; SET datestyle = 'ISO'; SET extra_float_digits = 1; SET statement_timeout = 0"


@dataclass(frozen=True)
class Held:
    """Of one table: how many rows, and the sum of the first 64 bits of their MD5 (it finds mistakes, not forgers)."""

    rows: int
    digest: str


@dataclass(frozen=True)
class Snapshot:
    """One moment of a database: `id` is what pg_dump takes, `tables` what it holds then."""

    id: str
    tables: Mapping[str, Held]
    revision: str
    masters: tuple[str, ...]
    """Ids of the archive's master keys that wrap a data key then."""


@asynccontextmanager
async def moment(dsn: str, *, keys_only: bool = False) -> AsyncIterator[Snapshot]:
    """This moment of the database, for as long as the block lasts; nobody has to stop for it."""
    async with await AsyncConnection.connect(dsn, autocommit=True) as connection:
        await connection.execute(_AS_EVERYWHERE)
        await connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        id = await _one(connection, "SELECT pg_export_snapshot()")
        revision = await _one(connection, "SELECT version_num FROM alembic_version")
        tables = await _held(connection, keys_only=keys_only)
        yield Snapshot(id, tables, revision, await _masters(connection))


async def held(dsn: str, *, keys_only: bool = False) -> Mapping[str, Held]:
    """What the database holds now."""
    async with await AsyncConnection.connect(dsn, autocommit=True) as connection:
        await connection.execute(_AS_EVERYWHERE)
        return await _held(connection, keys_only=keys_only)


async def is_empty(dsn: str) -> bool:
    """Whether the database has no table at all."""
    async with await AsyncConnection.connect(dsn, autocommit=True) as connection:
        return not await (await connection.execute(_TABLES)).fetchone()


def differences(wanted: Mapping[str, Held], found: Mapping[str, Held]) -> list[str]:
    """What is not as it was, in Chinese; a line for each table."""
    said = []
    for name in sorted(wanted.keys() | found.keys()):
        was, now = wanted.get(name), found.get(name)
        if was is None or now is None:
            said.append(f"数据表 {name} {'备份中没有' if was is None else '没有恢复'}")
        elif was.rows != now.rows:
            said.append(f"数据表 {name} 应有 {was.rows} 行，实有 {now.rows} 行")
        elif was != now:
            said.append(f"数据表 {name} 的内容与备份时不同")
    return said


async def _held(connection: AsyncConnection, *, keys_only: bool) -> dict[str, Held]:
    names = [row[0] for row in await (await connection.execute(_TABLES)).fetchall() if (row[0] == KEYS) == keys_only]
    found = {}
    for name in names:
        row = await (await connection.execute(sql.SQL(_OF_TABLE).format(sql.Identifier(name)))).fetchone()
        if row:
            found[name] = Held(row[0], row[1])
    return found


async def _masters(connection: AsyncConnection) -> tuple[str, ...]:
    used = sql.SQL("SELECT DISTINCT master_id FROM {} ORDER BY master_id").format(sql.Identifier(KEYS))
    return tuple(row[0] for row in await (await connection.execute(used)).fetchall())


async def _one(connection: AsyncConnection, query: str) -> str:
    row = await (await connection.execute(query)).fetchone()
    return str(row[0]) if row else ""
