"""重新转写: what people have heard again with a newer model, and how far it is."""

from datetime import date
from typing import Annotated, Literal
from uuid import UUID

from aiohttp import web
from pydantic import Field

from core.permissions import Permission as P
from recordings.layers import again
from recordings.layers.models import Outcome, Scope
from recordings.queries import speech_status
from web.context import Context
from web.route import Asks, Nothing, Route


class NewJob(Asks):
    """Which recordings, and why."""

    scope: Literal[Scope.PERIOD, Scope.OLDER] = Scope.OLDER
    first: date | None = None
    last: date | None = None
    reason: Annotated[str, Field(max_length=200)] = ""


class OneJob(Asks):
    """A job."""

    id: UUID


async def index(ctx: Context, asked: Nothing) -> web.Response:
    """The newest jobs, and the form for another."""
    speech = await speech_status(ctx.session)
    return await ctx.page(
        "retranscriptions.html",
        place="retranscriptions",
        jobs=await again.jobs(ctx.session, ctx.actor),
        models=sorted({one.model for one in speech if one.model}),
        scopes=[(one.value, one.label) for one in (Scope.OLDER, Scope.PERIOD)],
        outcomes=list(Outcome),
        most=again.MOST,
    )


async def ask(ctx: Context, asked: NewJob) -> web.Response:
    """Make the list of what is heard again."""
    job = await again.ask(ctx.session, ctx.actor, asked.scope, asked.reason, first=asked.first, last=asked.last)
    return ctx.redirect("/retranscriptions", f"已排队 {job.total} 份录音，线路空闲时逐份重新转写。")


async def stop(ctx: Context, asked: OneJob) -> web.Response:
    """Hear no more of it."""
    await again.stop(ctx.session, ctx.actor, asked.id)
    return ctx.redirect("/retranscriptions", "已停止，已重新转写的保留。")


ROUTES = (
    Route("GET", "/retranscriptions", P.TRANSCRIPT_AGAIN, Nothing, index, "重新转写"),
    Route(
        "POST", "/retranscriptions", P.TRANSCRIPT_AGAIN, NewJob, ask, "提出重新转写",
        ("no-reason", "no-period", "too-many-recordings", "nothing-to-transcribe", "no-model"),
    ),
    Route(
        "POST", "/retranscriptions/{id}/stop", P.TRANSCRIPT_AGAIN, OneJob, stop, "停止重新转写",
        ("no-such-job", "job-over"),
    ),
)  # fmt: skip
