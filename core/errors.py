"""The errors that people and programs may see: a stable id, a Chinese sentence, an HTTP status."""

from collections.abc import Mapping
from typing import ClassVar


class HotlineError(Exception):
    """Base of every expected error.

    `id` is kebab-case and never changes its meaning; `message` is one Chinese sentence for the person who
    acts; `fields` maps a field's name to what is wrong with it.
    """

    status: ClassVar[int] = 500

    def __init__(self, id: str, message: str, *, fields: Mapping[str, str] | None = None) -> None:
        super().__init__(f"{id}: {message}")
        self.id = id
        self.message = message
        self.fields = dict(fields or {})


class Invalid(HotlineError):
    """The input is wrong; nothing was changed."""

    status = 422


class Denied(HotlineError):
    """The actor may not do this."""

    status = 403


class NotFound(HotlineError):
    """There is no such thing, or the actor may not know of it."""

    status = 404


class Gone(HotlineError):
    """It was there and lawfully ended; it does not come back."""

    status = 410


class Conflict(HotlineError):
    """Somebody else acted first; fetch again and decide anew."""

    status = 409


class Unavailable(HotlineError):
    """A part is down for the moment; the same act may succeed later. The only error that jobs retry."""

    status = 503
