"""核验与封存: whether what was archived is still what it was, in words; each day's seal for paper; the proof of a
recording or an attachment for whoever asks for it."""

import json
from datetime import date
from typing import Annotated, Literal
from uuid import UUID

from aiohttp import web
from pydantic import Field

from core.ledger import record
from core.permissions import Permission
from crm.installed import installed
from recordings.policy import RecordingPolicy
from recordings.proof import prove as proofs
from recordings.proof.check import standing
from recordings.proof.queries import Days, held, seals, wrong_objects
from recordings.proof.seal import seal_of
from recordings.proof.statement import chinese_day, printed
from web.context import Context
from web.files import headers_of
from web.lists import Column, listing
from web.paging import PAGE
from web.route import Asks, Route

COLUMNS = (
    Column("日期", ("newest", "oldest")),
    Column("份数", css="right"),
    *map(Column, ("封存时间", "最近核验", "结果")),
)
SHOWN = 50
"""Objects with a finding that are named on the page; the command names all."""


class Seals(Asks):
    """Which days, both included, and behind which the page begins."""

    first: date | None = None
    last: date | None = None
    found: Annotated[str, Field(pattern=r"^(wrong)?$")] = ""
    sort: Literal["newest", "oldest"] = "newest"
    after: date | None = None


class OneDay(Asks):
    """A day's seal."""

    day: date


class OneObject(Asks):
    """A recording or an attachment."""

    id: UUID


async def index(ctx: Context, asked: Seals) -> web.Response:
    """How the archive is, what was found, and the seals."""
    wanted = Days(asked.first, asked.last, asked.found == "wrong", asked.sort == "oldest")
    rows = await seals(ctx.session, wanted, asked.after, PAGE + 1)
    now = await standing(ctx.session)
    return await ctx.page(
        "archive.html",
        place="archive",
        list=listing("/archive", COLUMNS, asked, rows, lambda one: one.day.isoformat()),
        asked=asked,
        standing=now,
        wrong=await wrong_objects(ctx.session, SHOWN),
        shown=SHOWN,
        cycle=installed().policy[RecordingPolicy].check_days,
        leads={
            "recording": "/recordings/" if ctx.actor.may(Permission.RECORDING_VIEW) else "",
            "attachment": "/orders/" if ctx.actor.may(Permission.ORDER_VIEW) else "",
        },
    )


async def seal(ctx: Context, asked: OneDay) -> web.Response:
    """A day's seal for print."""
    row = await seal_of(ctx.session, asked.day)
    return await ctx.page(
        "archive_seal.html",
        place="archive",
        seal=row,
        holds=await held(ctx.session, row.day),
        day=chinese_day(row.day),
        text=printed(row),
        title=ctx.parts.title,
    )


async def proof(ctx: Context, asked: OneObject) -> web.Response:
    """Its proof as a file; who took it is in the ledger."""
    async with ctx.parts.database.session() as session:
        row = await proofs.find(session, asked.id)
        said = await proofs.prove(session, row)
        await record(session, ctx.actor, "archive.prove", row.what, row.id)
    content = json.dumps(said, ensure_ascii=False, indent=1).encode()
    return web.Response(body=content, headers=headers_of("application/json", f"{row.called}存在证明-{row.id}.json"))


SEE = (Permission.RETENTION_VIEW, Permission.AUDIT_VIEW)
REFUSED = ("recording-unknown", "not-sealed", "row-altered")
ROUTES = (
    Route("GET", "/archive", SEE, Seals, index, "核验与封存"),
    Route("GET", "/archive/seals/{day}", SEE, OneDay, seal, "封存单", ("not-sealed",)),
    Route("GET", "/recordings/{id}/proof", SEE, OneObject, proof, "录音存在证明", REFUSED, stream=True, watched=True),
    Route("GET", "/attachments/{id}/proof", SEE, OneObject, proof, "附件存在证明", REFUSED, stream=True, watched=True),
)
