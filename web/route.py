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
    PUBLIC = "anybody, without a cookie; as often as an address may ask"
    MACHINE = "loopback, or the metrics token"


Who = Permission | Door | tuple[Permission, ...]
"""One permission, any of several, or a door."""


class Asks(BaseModel):
    """Base of request models: path, query and body in one flat model; an unknown name is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True, str_max_length=4000)


class Answers(BaseModel):
    """Base of response models: what the API answers, and what its document says of it."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)


@dataclass(frozen=True)
class Upload:
    """A file as a browser sent it: `name` without its folders; nothing is known of the content but its size."""

    name: str
    content: bytes


class Nothing(Asks):
    """A request that asks nothing besides its address."""


A = TypeVar("A", bound=Asks)


@dataclass(frozen=True)
class Route(Generic[A]):
    """One method on one path.

    `errors` are the ids that its handler may answer with besides the general ones; `stream` says that the
    answer outlives a command: it gets no session of the database and opens its own. `answers` makes it a route of the
    API: it takes a bearer token and never a cookie, its handler returns that model, and `status` goes with it.
    """

    method: str
    path: str
    who: Who
    asks: type[A]
    handler: "Callable[[Context, A], Awaitable[web.StreamResponse | Answers]]"
    summary: str
    errors: tuple[str, ...] = ()
    stream: bool = False
    answers: type[Answers] | None = None
    status: int = 200
    takes: int = 0
    """The most bytes of the file, or of all files together, that its form may carry as `file`; 0: it takes none."""
    watched: bool = False
    """Whether who was refused here is in the ledger as well (`web.watch`)."""

    @property
    def once(self) -> bool:
        """Whether a program must name its act by an idempotency key, so that it happens once."""
        return self.answers is not None and self.method == "POST" and not isinstance(self.who, Door)


Table = tuple[Route[Any], ...]
