"""The database: one engine per process, one session per command."""

import secrets
import time
from collections.abc import AsyncIterator, Collection, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from typing import Annotated, Any, TypeVar
from uuid import UUID

from psycopg.errors import UniqueViolation
from sqlalchemy import ColumnElement, DateTime, Dialect, MetaData, Select, any_, event, literal, tuple_
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.exc import DBAPIError, DisconnectionError, IntegrityError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, mapped_column
from sqlalchemy.types import TypeDecorator

from core import live
from core.errors import Conflict, Unavailable

CONNECT_TIMEOUT_S = 5
STATEMENT_TIMEOUT_MS = 60_000
FRESH_S = 1.0
"""A connection used within this time is given out without asking the server whether it is there."""
_USED_AT = "used at"
S = TypeVar("S", bound=Select[*tuple[Any, ...]])


def new_id() -> UUID:
    """A UUID version 7 (RFC 9562): unique, and ordered by the millisecond of its making."""
    milliseconds = time.time_ns() // 1_000_000
    drawn = secrets.randbits(74)
    value = milliseconds << 80 | 0x7 << 76 | (drawn >> 62) << 64 | 0b10 << 62 | drawn & (1 << 62) - 1
    return UUID(int=value)


class UtcDateTime(TypeDecorator[datetime]):
    """An instant: aware in Python, `timestamptz` in PostgreSQL. Naive values raise ValueError."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is not None and value.tzinfo is None:
            raise ValueError("an instant without a zone cannot be stored")
        return value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return value.astimezone(UTC) if value is not None else None


Id = Annotated[UUID, mapped_column(primary_key=True, default=new_id)]
Instant = Annotated[datetime, mapped_column(UtcDateTime)]
Json = Annotated[dict[str, Any], mapped_column(JSONB)]


class Base(DeclarativeBase):
    """All tables of all packages; relationships never cross packages."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(column_0_N_label)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {datetime: UtcDateTime, dict[str, Any]: JSONB, list[Any]: JSONB}


def among(column: Any, values: Collection[Any]) -> ColumnElement[bool]:
    """`column` equals one of `values`; one array, so that the statement is the same however many there are and is
    read and planned once (`IN` makes another one for every count)."""
    return column == any_(literal(list(values), ARRAY(column.type)))  # type: ignore[no-any-return]


def paged(query: S, at: Any, id: Any, after: tuple[Any, UUID] | None, *, oldest_first: bool) -> S:
    """`query` in the order of an instant and then the id, from behind the row `after` on."""
    key = tuple_(at, id)
    ordered = query.order_by(at, id) if oldest_first else query.order_by(at.desc(), id.desc())
    if after is None:
        return ordered
    return ordered.where(key > tuple_(*after) if oldest_first else key < tuple_(*after))


def is_outage(error: BaseException) -> bool:
    """Whether `error` says that the database is away, rather than that the command was wrong."""
    return isinstance(error, OperationalError | PoolTimeout) or (
        isinstance(error, DBAPIError) and error.connection_invalidated
    )


@contextmanager
def outage_told() -> Iterator[None]:
    """What says that the database is away raises `Unavailable`."""
    try:
        yield
    except (PoolTimeout, DBAPIError) as error:
        if is_outage(error):
            raise Unavailable("database-unavailable", "数据库暂时不可用，请稍后再试。") from error
        raise


class Database:
    """A pool of connections to one PostgreSQL.

    `url` is a libpq or SQLAlchemy URL; `async with db.session()` gives one session that commits at its end
    and rolls back on any error. An outage raises `Unavailable`.
    """

    def __init__(self, url: str, *, pool_size: int = 10) -> None:
        self.url = url
        self.engine = create_async_engine(
            sqlalchemy_url(url),
            pool_size=pool_size,
            max_overflow=pool_size,
            pool_timeout=CONNECT_TIMEOUT_S,
            pool_use_lifo=True,  # the one just used is known to be there, and has its statements prepared
            hide_parameters=True,  # an error's text reaches the log; values may be a citizen's
            connect_args={
                "connect_timeout": CONNECT_TIMEOUT_S,
                "prepare_threshold": 5,
                "options": f"-c timezone=UTC -c statement_timeout={STATEMENT_TIMEOUT_MS}",
            },
        )
        event.listen(self.engine.sync_engine, "connect", _without_autocommit)
        event.listen(self.engine.sync_engine, "checkin", _note_use)
        event.listen(self.engine.sync_engine, "checkout", self._try_if_stale)
        self._sessions = async_sessionmaker(self.engine, expire_on_commit=False)

    @property
    def dsn(self) -> str:
        """The same database as a libpq URL, for LISTEN and for the job queue."""
        return libpq_url(self.url)

    @asynccontextmanager
    async def session(self) -> AsyncIterator[AsyncSession]:
        """One command's session. Raises `Unavailable` when the database is away, `Conflict` where somebody else made
        the same thing at the same moment."""
        with outage_told():
            try:
                async with self._sessions() as session, session.begin():
                    yield session
                    await live.tell(session)
            except IntegrityError as error:
                if isinstance(error.orig, UniqueViolation):
                    raise _made_at_once(error.orig) from error
                raise

    def _try_if_stale(self, connection: Any, record: Any, proxy: Any) -> None:
        """A connection that rested may be dead: it is tried, and one that fails is replaced by the pool."""
        if time.monotonic() - record.info.get(_USED_AT, 0.0) < FRESH_S:
            return
        try:
            self.engine.sync_engine.dialect.do_ping(connection)
        except Exception as error:
            raise DisconnectionError("the connection is gone") from error

    async def close(self) -> None:
        """Give all connections back."""
        await self.engine.dispose()


def _made_at_once(error: UniqueViolation) -> Conflict:
    """What the command looked for and did not find is there now; the key's own column is the field that it is about."""
    name, table = error.diag.constraint_name or "", error.diag.table_name or ""
    sentence = "其他人员刚刚登记了相同的内容，本次没有保存，请刷新后再办理。"
    column = name.removeprefix(f"uq_{table}_").removesuffix("_lower")
    return Conflict("made-at-once", sentence, fields={column: "刚刚已由其他人员登记"} if column != name else None)


def _without_autocommit(connection: Any, record: Any) -> None:
    connection.autocommit = False
    _note_use(connection, record)


def _note_use(connection: Any, record: Any) -> None:
    record.info[_USED_AT] = time.monotonic()


def sqlalchemy_url(url: str) -> str:
    """`postgresql://…` as SQLAlchemy wants it for psycopg 3."""
    scheme, rest = url.split("://", 1)
    return f"postgresql+psycopg://{rest}" if scheme.split("+")[0] in {"postgresql", "postgres"} else url


def libpq_url(url: str) -> str:
    """`postgresql+psycopg://…` as libpq wants it."""
    return "postgresql://" + url.split("://", 1)[1]
