"""One 个人信息申请 with its acts, the copy that is handed over, and the letter for print."""

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

from aiohttp import web
from pydantic import Field as Given

from core.clock import today
from core.forms import Clean
from core.ledger import record
from core.permissions import Permission as P
from core.phone import is_mobile
from crm.datarequests import doing, queries, rules, service
from crm.datarequests.held import kept
from crm.datarequests.letter import letter
from crm.datarequests.models import DataRequest
from crm.datarequests.queries import NEEDS, Whole
from crm.datarequests.rules import CHECKS, Act, Answer, Check, Field, Kind, State, Verdict, Way
from web.context import Context
from web.files import stream
from web.pages.data_requests import TONES
from web.pages.orders import clock_of
from web.route import Asks, Route

Words = Annotated[str, Given(min_length=2, max_length=200), Clean]
Remark = Annotated[str, Given(max_length=1000), Clean]
ZIP = "application/zip"


class OneRequest(Asks):
    """A request."""

    id: UUID


class Acting(OneRequest):
    """An act on it as the person saw it."""

    version: int = Given(ge=1, le=2**31 - 1)


class Checked(Acting):
    """How it was checked who asks; number and code of an order are compared and not kept."""

    check: Check
    note: Annotated[str, Given(max_length=200), Clean] = ""
    order: Annotated[str, Given(max_length=40)] = ""
    code: Annotated[str, Given(max_length=20)] = ""


class Said(Acting):
    """An act with its reason."""

    words: Words


class Decided(Acting):
    """What is decided; of a correction `fields` are granted."""

    verdict: Verdict
    reasons: Annotated[str, Given(max_length=600), Clean] = ""
    fields: Annotated[list[Field], Given(max_length=3)] = []


class Done(Acting):
    """What was done, or is explained."""

    words: Remark = ""


class Answered(Acting):
    """By which ways the citizen is answered."""

    ways: Annotated[list[Answer], Given(max_length=3)] = []


class Asking(OneRequest):
    """Why the applicant must be seen in full."""

    reason: Annotated[str, Given(min_length=2, max_length=200)]


async def show(ctx: Context, asked: OneRequest) -> web.Response:
    """One request with its acts."""
    return await _page(ctx, asked.id)


async def reveal(ctx: Context, asked: Asking) -> web.Response:
    """The same with the applicant in full, once; who looked and why is in the ledger."""
    await record(ctx.session, ctx.actor, "personal.unmask", "data-request", asked.id, reason=asked.reason)
    return await _page(ctx, asked.id, in_full=True)


async def _page(ctx: Context, id: UUID, *, in_full: bool = False) -> web.Response:
    one = await queries.whole(ctx.session, ctx.actor, id)
    row = one.row
    standing = await service.standing(ctx.session, row)
    ground, kind, why = service.policy(), Kind(row.kind), await _kept(ctx, row)
    return await ctx.page(
        "data_request.html",
        place="data-requests",
        at=f"/data-requests/{id}" if in_full else "",
        one=one,
        row=row,
        in_full=in_full,
        kind=kind,
        state=State(row.state),
        tones=TONES,
        way_of=Way,
        check_of=Check,
        verdict_of=Verdict,
        field_of=Field,
        act_of=Act,
        answer_of=Answer,
        acts=_open(ctx, one, standing),
        light=queries.light_of(row),
        clock=clock_of(row.due_at, []),
        checks=[(check.value, check.label) for check in CHECKS[Way(row.way)]],
        verdicts=_verdicts(kind, why),
        kept=why,
        fields=[(found.field, Field(found.field).label) for found in one.corrections],
        answers=[(way.value, way.label) for way in Answer if way is not Answer.SMS or is_mobile(row.phone)],
        law=ground.law_of(row.kind),
        days=ground.package_days,
        sound=ground.package_sound,
        own=row.registered_by == ctx.actor.user_id,
        may_decide=ctx.actor.may(P.DATA_DECIDE),
        prints=bool(row.verdict) or row.state == State.UNVERIFIED,
    )


async def _kept(ctx: Context, row: DataRequest) -> str:
    """Why it cannot be deleted now; empty where that is not asked."""
    if row.kind != Kind.DELETE or row.state != State.CONFIRMED:
        return ""
    found = await kept(ctx.session, row.phone, row.orders)
    return rules.undeletable(found, today(), service.policy().keeping)


def _verdicts(kind: Kind, kept: str) -> list[tuple[str, str]]:
    offered = [Verdict.REFUSE] if kept else [*Verdict]
    if kind in (Kind.RESTRICT, Kind.EXPLAIN):
        offered = [one for one in offered if one is not Verdict.PART]
    return [(one.value, one.label) for one in offered]


def _open(ctx: Context, one: Whole, standing: rules.Standing) -> Sequence[Act]:
    registers = (Act.CONFIRM, Act.REJECT, Act.WITHDRAW)
    may = {act: ctx.actor.may(P.DATA_REGISTER if act in registers else P.DATA_DECIDE) for act in rules.STEPS}
    return [act for act in rules.STEPS if may[act] and not rules.against(act, standing)]


def _back(ctx: Context, row: DataRequest, said: str) -> web.Response:
    return ctx.redirect(f"/data-requests/{row.id}", said)


async def confirm(ctx: Context, asked: Checked) -> web.Response:
    """身份核验通过."""
    row = await service.confirm(
        ctx.session, ctx.actor, asked.id, asked.version, asked.check, asked.note, asked.order, asked.code
    )
    return _back(ctx, row, "身份核验已登记，等待登记人以外的人员作出决定。")


async def reject(ctx: Context, asked: Said) -> web.Response:
    """身份未通过核验."""
    return _back(ctx, await service.reject(ctx.session, ctx.actor, asked.id, asked.version, asked.words), "已登记。")


async def decide(ctx: Context, asked: Decided) -> web.Response:
    """作出决定."""
    row = await service.decide(
        ctx.session, ctx.actor, asked.id, asked.version, asked.verdict, asked.reasons, asked.fields
    )
    return _back(ctx, row, f"决定已登记：{asked.verdict.label}。")


async def reopen(ctx: Context, asked: Said) -> web.Response:
    """撤销决定."""
    row = await service.reopen(ctx.session, ctx.actor, asked.id, asked.version, asked.words)
    return _back(ctx, row, "决定已撤销，请重新决定。")


async def carry_out(ctx: Context, asked: Done) -> web.Response:
    """执行."""
    row = await doing.carry_out(ctx.session, ctx.actor, asked.id, asked.version, asked.words)
    return _back(ctx, row, "已执行，请答复申请人。")


async def answer(ctx: Context, asked: Answered) -> web.Response:
    """答复申请人."""
    row = await service.answer(ctx.session, ctx.actor, asked.id, asked.version, asked.ways)
    return _back(ctx, row, "答复已登记。")


async def close(ctx: Context, asked: Done) -> web.Response:
    """办结."""
    row = await service.close(ctx.session, ctx.actor, asked.id, asked.version, asked.words)
    return _back(ctx, row, "申请已办结。")


async def withdraw(ctx: Context, asked: Said) -> web.Response:
    """撤回申请."""
    row = await doing.withdraw(ctx.session, ctx.actor, asked.id, asked.version, asked.words)
    return _back(ctx, row, "申请已撤回。")


async def lift(ctx: Context, asked: Said) -> web.Response:
    """解除限制处理."""
    return _back(
        ctx, await doing.lift(ctx.session, ctx.actor, asked.id, asked.version, asked.words), "限制处理已解除。"
    )


async def package(ctx: Context, asked: OneRequest) -> web.StreamResponse:
    """The copy; who takes it is on record before the first byte."""
    async with ctx.parts.database.session() as session:
        row, made = await doing.take(session, ctx.actor, asked.id)
    await ctx.parts.store.stat(made.store_key)  # before the answer begins: what is away is told as such
    blocks = ctx.parts.store.read(made.store_key)
    return await stream(ctx.request, blocks, ZIP, f"个人信息复制件-{row.number}.zip", made.size)


async def print_letter(ctx: Context, asked: OneRequest) -> web.Response:
    """决定书 for print."""
    one = await queries.whole(ctx.session, ctx.actor, asked.id)
    text = letter(one.row, one.corrections)
    await record(ctx.session, ctx.actor, "data-request.letter", "data-request", asked.id, number=one.row.number)
    return await ctx.page("data_request_letter.html", place="data-requests", row=one.row, paragraphs=text.split("\n"))


GONE = ("no-data-request",)
STEP = (*GONE, "changed-meanwhile", "wrong-step")
REGISTERS, DECIDES, ONE = P.DATA_REGISTER, P.DATA_DECIDE, "/data-requests/{id}"
ROUTES = (
    Route("GET", ONE, NEEDS, OneRequest, show, "个人信息申请详情", GONE),
    Route("POST", f"{ONE}/citizen", NEEDS, Asking, reveal, "查看申请人", (*GONE, "no-reason")),
    Route("POST", f"{ONE}/confirm", REGISTERS, Checked, confirm, "身份核验通过", STEP),
    Route("POST", f"{ONE}/reject", REGISTERS, Said, reject, "身份未通过核验", STEP),
    Route("POST", f"{ONE}/decide", DECIDES, Decided, decide, "决定个人信息申请", (*STEP, "own-request")),
    Route("POST", f"{ONE}/reopen", DECIDES, Said, reopen, "撤销决定", STEP),
    Route("POST", f"{ONE}/carry-out", DECIDES, Done, carry_out, "执行决定", STEP),
    Route("POST", f"{ONE}/answer", DECIDES, Answered, answer, "答复申请人", (*STEP, "package-not-ready")),
    Route("POST", f"{ONE}/close", DECIDES, Done, close, "办结个人信息申请", STEP),
    Route("POST", f"{ONE}/withdraw", REGISTERS, Said, withdraw, "撤回个人信息申请", STEP),
    Route("POST", f"{ONE}/lift", DECIDES, Said, lift, "解除限制处理", (*GONE, "changed-meanwhile", "not-restricted")),
    Route(
        "POST", f"{ONE}/package", DECIDES, OneRequest, package, "下载复制件",
        (*GONE, "package-not-ready", "package-gone"), stream=True,
    ),
    Route("GET", f"{ONE}/letter", NEEDS, OneRequest, print_letter, "个人信息申请决定书", (*GONE, "not-decided")),
)  # fmt: skip
