"""The words of a recording in their layers: corrected line by line, heard again, and two layers beside each other."""

from typing import Annotated
from uuid import UUID

from aiohttp import web
from pydantic import Field

from callflow.models import Call
from callflow.phones import voices
from core.errors import NotFound
from core.permissions import Permission as P
from recordings import queries
from recordings.layers import again, corrections
from recordings.layers.models import Scope
from recordings.layers.reading import comparison, layers
from recordings.models import TranscriptRun
from web.context import Context
from web.route import Asks, Route
from web.words import who


class OneRecording(Asks):
    """A recording."""

    id: UUID


class Correction(OneRecording):
    """A line, what it reads on the page, and what it shall read."""

    segment: UUID
    seen: Annotated[str, Field(max_length=4000)]
    text: Annotated[str, Field(max_length=corrections.LONGEST)] = ""


class TakingBack(OneRecording):
    """The line whose newest correction is taken back."""

    segment: UUID


class Again(OneRecording):
    """Why it is to be heard again."""

    reason: Annotated[str, Field(max_length=200)] = ""


class OneRun(OneRecording):
    """One run over a recording."""

    run: UUID


async def show(ctx: Context, asked: OneRecording) -> web.Response:
    """Each line with what lies beneath it, and the runs."""
    found = await layers(ctx.session, ctx.actor, asked.id)
    row = await queries.recording(ctx.session, ctx.actor, asked.id)
    call = await ctx.session.get(Call, row.call_id) if row.call_id else None
    of = await voices.of_call(ctx.session, call) if call else voices.Voices()
    return await ctx.page(
        "transcript.html",
        place="recordings",
        recording=row,
        call=call,
        lines=found.lines,
        runs=found.runs,
        names=of,
        who_said=lambda line: (
            (who(of, call, line, row.part) if call else "") or (of.first if line.side == "citizen" else of.second)
        ),
        over=call is None or call.ended_at is not None,
        may_correct=ctx.actor.may(P.TRANSCRIPT_CORRECT),
        may_again=ctx.actor.may(P.TRANSCRIPT_AGAIN),
        longest=corrections.LONGEST,
    )


async def correct(ctx: Context, asked: Correction) -> web.Response:
    """Put a person's text in the place of a line."""
    await corrections.correct(ctx.session, ctx.actor, asked.segment, asked.text, asked.seen)
    return ctx.redirect(f"/recordings/{asked.id}/words#line-{asked.segment}", "已更正，机器原文保留，可以撤回。")


async def take_back(ctx: Context, asked: TakingBack) -> web.Response:
    """What stood before stands again."""
    await corrections.take_back(ctx.session, ctx.actor, asked.segment)
    return ctx.redirect(f"/recordings/{asked.id}/words", "已撤回更正。")


async def hear_again(ctx: Context, asked: Again) -> web.Response:
    """Have this recording heard by the present model."""
    await again.ask(ctx.session, ctx.actor, Scope.ONE, asked.reason, recording_id=asked.id)
    return ctx.redirect(f"/recordings/{asked.id}/words", "已排队，线路空闲时重新转写；原来的文字保留。")


async def compare(ctx: Context, asked: OneRun) -> web.Response:
    """What a run heard beside what it replaced."""
    run = await ctx.session.get(TranscriptRun, asked.run)
    if run is None or run.recording_id != asked.id:
        raise NotFound("no-such-run", "没有这次转写。")
    row = await queries.recording(ctx.session, ctx.actor, asked.id)
    return await ctx.page(
        "transcript_compared.html",
        place="recordings",
        recording=row,
        run=run,
        stretches=await comparison(ctx.session, ctx.actor, asked.run),
    )


WORDS = "/recordings/{id}/words"
ROUTES = (
    Route("GET", WORDS, P.CALL_VIEW, OneRecording, show, "录音的文字及其更正", ("recording-unknown",), watched=True),
    Route(
        "POST", WORDS, P.TRANSCRIPT_CORRECT, Correction, correct, "更正一句通话文字",
        ("no-such-line", "line-changed", "call-goes-on", "nothing-corrected"), watched=True,
    ),
    Route(
        "POST", f"{WORDS}/take-back", P.TRANSCRIPT_CORRECT, TakingBack, take_back, "撤回更正",
        ("no-such-line", "not-corrected"),
    ),
    Route(
        "POST", f"{WORDS}/again", P.TRANSCRIPT_AGAIN, Again, hear_again, "重新转写一份录音",
        ("no-reason", "nothing-to-transcribe"),
    ),
    Route(
        "GET", f"{WORDS}/runs/{{run}}", P.CALL_VIEW, OneRun, compare, "对比两次转写",
        ("no-such-run", "recording-unknown"), watched=True,
    ),
)  # fmt: skip
