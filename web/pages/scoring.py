"""话务质检: draws and their calls for who scores, one call with player, words and form, and an agent's own scores."""

from collections.abc import Sequence
from datetime import date
from typing import Annotated
from uuid import UUID

from aiohttp import web
from pydantic import Field
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from callflow.models import Call
from core.clock import today
from core.permissions import Permission as P
from crm.draws import WantedDraws
from crm.sampling import Period, newest
from crm.scoring import draws, service, sheet
from crm.scoring.models import Sample
from crm.scoring.rules import COUNTS, Marks, State, Step, may_not
from crm.tickets.access import visible_to
from crm.tickets.models import Ticket
from recordings.models import Recording, RecordingState
from web.context import Context
from web.draws import DrawExport, DrawList
from web.files import send_sheet
from web.listening import open_player
from web.lists import shown
from web.pages import draw_list
from web.route import Asks, Route
from web.words import words

LISTENING = "话务质检"
"""The reason that stands in the ledger."""
PERIODS_OFFERED = 8
SHOWN_DRAWS = 8
TONES = {State.DRAWN: "", State.SECOND: "warn", State.TOLD: "good", State.OBJECTED: "bad", State.FINAL: "good"}
Words = Annotated[str, Field(max_length=1000)]


class Shown(Asks):
    """Which draw; the newest unless another is asked for."""

    draw: UUID | None = None


class ToDraw(Asks):
    """The first day of the period to draw."""

    first: date = Field(ge=date(2020, 1, 1), le=date(2100, 1, 1))


class Export(Asks):
    """A draw that is taken along, and why."""

    draw: UUID
    reason: str = Field("", max_length=200)


class OneSample(Asks):
    """A call that was drawn."""

    id: UUID


class Given(OneSample):
    """Marks: points in the order of the criteria."""

    points: list[Annotated[int, Field(ge=0, le=100)]] = Field([], max_length=20)
    fatal: list[Annotated[str, Field(max_length=40)]] = Field([], max_length=20)
    comment: Words = ""

    @property
    def marks(self) -> Marks:
        """As the rules read them."""
        return Marks(tuple(self.points), tuple(self.fatal))


class Again(Given):
    """A second look or a decision: `same` keeps the marks as they are."""

    same: bool = False

    @property
    def new(self) -> Marks | None:
        """Other marks; None: the same."""
        return None if self.same else self.marks


class Objecting(OneSample):
    """What the agent has against a score."""

    words: Annotated[str, Field(min_length=5, max_length=1000)]


def _average(samples: Sequence[tuple[Sample, Call]]) -> str:
    totals = [one.total for one, _ in samples if one.total is not None and one.told_at is not None]
    return f"{sum(totals) / len(totals):.1f}" if totals else "—"


async def index(ctx: Context, asked: Shown) -> web.Response:
    """The draws, and the calls of one."""
    found = await draws.draws(ctx.session, ctx.actor, WantedDraws(), None, SHOWN_DRAWS + 1)
    listed, more = shown(found, SHOWN_DRAWS)
    chosen = await service.draw_of(ctx.session, asked.draw)
    samples = await service.samples_of(ctx.session, ctx.actor, chosen.id) if chosen else []
    agents = {one.agent_id: one.agent_name for one, _ in samples}
    rules = service.policy()
    return await ctx.page(
        "scoring.html",
        place="scoring",
        draws=listed,
        more=more,
        chosen=chosen,
        period=Period(chosen.first, chosen.last) if chosen else None,
        policy=service.rules_of(chosen) if chosen else None,
        same=_as_drawn(samples, service.again(chosen)) if chosen else True,
        drawn_from=sum(map(len, chosen.population.values())) if chosen else 0,
        samples=samples,
        averages=[
            (agent, name, _average(of), len(of))
            for agent, name in agents.items()
            if (of := [row for row in samples if row[0].agent_id == agent])
        ],
        rules=rules,
        offered=await _offered(ctx.session, rules.period),
        may_draw=ctx.actor.may(P.QUALITY_SCORE),
        may_export=ctx.actor.may(P.QUALITY_DECIDE),
        states=State,
        tones=TONES,
        counts=COUNTS,
        me=ctx.actor.user_id,
    )


def _as_drawn(samples: Sequence[tuple[Sample, Call]], again: dict[str, list[str]]) -> bool:
    """Whether the seed gives the same calls once more."""
    return {str(one.call_id) for one, _ in samples} == {call for calls in again.values() for call in calls}


async def _offered(session: AsyncSession, kind: str) -> list[tuple[str, str]]:
    """The newest periods that are over and have no draw."""
    over = newest(today(), kind, PERIODS_OFFERED)
    drawn = await service.drawn(session, over)
    return [(one.first.isoformat(), one.label) for one in over if one not in drawn]


async def draw(ctx: Context, asked: ToDraw) -> web.Response:
    """Draw a period's sample."""
    made = await service.make_draw(ctx.session, ctx.actor, asked.first)
    calls = sum(map(len, service.again(made).values()))
    return ctx.redirect(f"/scoring?draw={made.id}", f"已抽取 {calls} 通，种子 {made.seed}。")


async def export(ctx: Context, asked: Export) -> web.StreamResponse:
    """A draw's scores as a workbook."""
    async with ctx.parts.database.session() as session:
        taken = await sheet.export(session, ctx.actor, asked.draw, asked.reason, title=ctx.parts.title)
    return await send_sheet(ctx.request, taken.content, f"话务质检-{taken.number}")


async def show(ctx: Context, asked: OneSample) -> web.Response:
    """One call with the form of the step that it waits for."""
    return await _page(ctx, asked.id)


async def listen(ctx: Context, asked: OneSample) -> web.Response:
    """The same with its recordings opened; on record in the ledger."""
    await service.whole(ctx.session, ctx.actor, asked.id)
    ctx.actor.require(P.RECORDING_LISTEN)
    return await _page(ctx, asked.id, listening=True)


async def _page(ctx: Context, sample_id: UUID, *, listening: bool = False) -> web.Response:
    one = await service.whole(ctx.session, ctx.actor, sample_id)
    await service.see(ctx.session, ctx.actor, one)
    sample, actor = one.sample, ctx.actor
    call = await ctx.session.get_one(Call, sample.call_id)
    kept = (RecordingState.STORED, RecordingState.PARTIAL)
    wanted = select(Recording).where(Recording.call_id == call.id, Recording.state.in_(kept))
    recordings = (await ctx.session.scalars(wanted.order_by(Recording.started_at))).all()
    played = [(row, await open_player(ctx, row.id, LISTENING)) for row in recordings] if listening else []
    step = {State.DRAWN: Step.FIRST, State.SECOND: Step.SECOND, State.OBJECTED: Step.DECISION}.get(State(sample.state))
    needed = P.QUALITY_DECIDE if step is Step.DECISION else P.QUALITY_SCORE
    against = may_not(step, actor.user_id, sample.agent_id, [made.by_id for made in one.marks]) if step else ""
    own = sample.agent_id == actor.user_id
    return await ctx.page(
        "scoring_call.html",
        place="my-scores" if own else "scoring",
        at=f"/scoring/{sample.id}" if listening else "",
        one=one,
        sample=sample,
        call=call,
        own=own,
        state=State(sample.state),
        tones=TONES,
        steps=Step,
        step=step if step and actor.may(needed) else None,
        against=against,
        recordings=recordings,
        played=played,
        may_listen=actor.may(P.RECORDING_LISTEN),
        talk=await words(ctx.session, call),
        ticket=await ctx.session.scalar(select(Ticket).where(Ticket.call_id == call.id, visible_to(actor))),
        may_object=own and one.may_object,
    )


async def mark(ctx: Context, asked: Given) -> web.Response:
    """评分."""
    sample = await service.score(ctx.session, ctx.actor, asked.id, asked.marks, asked.comment)
    note = "低分或一票否决，由另一人复核后告知话务员。" if sample.state == State.SECOND else "已告知话务员。"
    return ctx.redirect(f"/scoring/{asked.id}", f"评分 {sample.total} 分。{note}")


async def look_again(ctx: Context, asked: Again) -> web.Response:
    """复核."""
    sample = await service.look_again(ctx.session, ctx.actor, asked.id, asked.new, asked.comment)
    return ctx.redirect(f"/scoring/{asked.id}", f"复核为 {sample.total} 分，已告知话务员。")


async def object_to(ctx: Context, asked: Objecting) -> web.Response:
    """异议."""
    await service.object_to(ctx.session, ctx.actor, asked.id, asked.words)
    return ctx.redirect(f"/scoring/{asked.id}", "异议已提交，由班长裁定。")


async def decide(ctx: Context, asked: Again) -> web.Response:
    """裁定."""
    sample = await service.decide(ctx.session, ctx.actor, asked.id, asked.new, asked.comment)
    return ctx.redirect(f"/scoring/{asked.id}", f"已裁定为 {sample.total} 分。")


SEE = (P.QUALITY_SCORE, P.QUALITY_DECIDE, P.LINE_AGENT)
STEP = ("no-sample", "wrong-step", "not-impartial", "bad-marks", "no-comment")
ROUTES = (
    Route("GET", "/scoring", service.SEES_ALL, Shown, index, "话务质检"),
    Route(
        "POST", "/scoring/draw", P.QUALITY_SCORE, ToDraw, draw, "抽取质检样本",
        ("no-period", "period-runs", "already-drawn", "nothing-to-draw"),
    ),
    Route("POST", "/scoring/export", P.QUALITY_DECIDE, Export, export, "导出质检成绩", ("no-draw", "no-reason"),
          stream=True),
    Route("GET", "/scoring/draws", service.SEES_ALL, DrawList, draw_list.index, "历次抽样"),
    Route(
        "POST", "/scoring/draws/export", P.QUALITY_DECIDE, DrawExport, draw_list.export, "导出历次抽样",
        ("no-reason", "too-many-rows", "nothing-to-export"), stream=True,
    ),
    Route("GET", "/scoring/{id}", SEE, OneSample, show, "质检样本", ("no-sample",)),
    Route("POST", "/scoring/{id}/listen", P.RECORDING_LISTEN, OneSample, listen, "质检调听", ("no-sample",)),
    Route("POST", "/scoring/{id}/marks", P.QUALITY_SCORE, Given, mark, "质检评分", STEP),
    Route("POST", "/scoring/{id}/second", P.QUALITY_SCORE, Again, look_again, "质检复核", STEP),
    Route(
        "POST", "/scoring/{id}/objection", P.LINE_AGENT, Objecting, object_to, "质检异议",
        ("no-sample", "wrong-step", "not-yours", "objected-before", "too-late-to-object"),
    ),
    Route("POST", "/scoring/{id}/decision", P.QUALITY_DECIDE, Again, decide, "裁定质检异议", STEP),
)  # fmt: skip
