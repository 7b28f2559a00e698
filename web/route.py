"""The typed route: who may come, what is asked, who answers; the table of them is the whole surface."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from aiohttp import web
from pydantic import BaseModel, ConfigDict

from core.permissions import Permission

if TYPE_CHECKING:
    from web.context import Context


class Door(Enum):
    """Routes that no permission guards, and why each may be so."""

    OPEN = "before sign-in"
    STEP = "while signing in: the password was right, a further step is due"
    MACHINE = "loopback, or the metrics token"


Who = Permission | Door | tuple[Permission, ...]
"""One permission, any of several, or a door."""


class Asks(BaseModel):
    """Base of request models: path, query and body in one flat model; an unknown name is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True, str_max_length=4000)


class Nothing(Asks):
    """A request that asks nothing besides its address."""


A = TypeVar("A", bound=Asks)


@dataclass(frozen=True)
class Route(Generic[A]):
    """One method on one path.

    `errors` are the ids that its handler may answer with besides the general ones; `stream` says that the
    answer outlives a command: it gets no session of the database and opens its own.
    """

    method: str
    path: str
    who: Who
    asks: type[A]
    handler: "Callable[[Context, A], Awaitable[web.StreamResponse]]"
    summary: str
    errors: tuple[str, ...] = ()
    stream: bool = False


Table = tuple[Route[Any], ...]
