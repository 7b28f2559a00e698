"""Marks on the time line of a recording, beside its player: added and removed in place."""

from typing import Annotated
from uuid import UUID

from aiohttp import web
from pydantic import Field

from recordings.desk import marks
from recordings.desk.models import LONGEST_NOTE
from web.context import Context
from web.listening import Granted, query_of, require_grant
from web.pages.recordings import ERRORS, HEAR
from web.route import Route

Seconds = Annotated[float, Field(ge=0, le=1e6, allow_inf_nan=False)]


class Marked(Granted):
    """A note at a moment, or on a stretch of time, in seconds of the recording."""

    at: Seconds
    end: Seconds | None = None
    note: Annotated[str, Field(min_length=1, max_length=LONGEST_NOTE)]


class Unmarked(Granted):
    """One's own mark."""

    mark: UUID


async def add(ctx: Context, asked: Marked) -> web.Response:
    """Add a mark -> the list of marks."""
    require_grant(ctx, asked)
    await marks.add(ctx.session, ctx.actor, asked.id, asked.note, asked.at, asked.end)
    return await _listed(ctx, asked)


async def remove(ctx: Context, asked: Unmarked) -> web.Response:
    """Remove one's own mark -> the list of marks."""
    require_grant(ctx, asked)
    await marks.remove(ctx.session, ctx.actor, asked.id, asked.mark)
    return await _listed(ctx, asked)


async def _listed(ctx: Context, asked: Granted) -> web.Response:
    found = await marks.marks(ctx.session, ctx.actor, asked.id)
    return ctx.bare("recording_marks.html", recording_id=asked.id, marks=found, grant=query_of(asked))


ROUTES = (
    Route(
        "POST", "/recordings/{id}/marks", HEAR, Marked, add, "添加录音标注",
        (*ERRORS, "bad-mark", "too-many-marks"), watched=True,
    ),
    Route(
        "POST", "/recordings/{id}/marks/remove", HEAR, Unmarked, remove, "移除录音标注",
        (*ERRORS, "no-mark", "not-your-mark"), watched=True,
    ),
)  # fmt: skip
