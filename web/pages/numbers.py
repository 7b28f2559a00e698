"""Numbers 接入号码 and queues 队列: what citizens may dial, which hotline it was, and who answers."""

from datetime import date
from typing import Annotated, Literal
from uuid import UUID

from aiohttp import web
from pydantic import Field
from sqlalchemy import select

from callflow.numbers import edit
from callflow.numbers.edit import NumberFields, QueueFields, save_number, save_queue
from callflow.numbers.models import Merger, Number
from callflow.numbers.rules import MAIN
from callflow.queues.models import Queue
from core.clock import today
from core.errors import NotFound
from core.identity.models import Unit
from core.permissions import Permission
from web.context import Context
from web.ledger_words import ACTIONS, changes
from web.route import Asks, Route


class NumberList(Asks):
    """Which form stands beside the lists: a number's or a queue's, filled or empty."""

    number: str = Field("", max_length=20)
    queue: str = Field("", max_length=40)
    new: Literal["number", "queue"] = "number"


class NumberForm(Asks):
    """The form of a number."""

    title: Annotated[str, Field(min_length=2, max_length=80)]
    original_hotline: str = Field("", max_length=80)
    queue: Annotated[str, Field(min_length=1, max_length=40)]
    active: bool = False
    mode: Merger | None = None
    owner_unit_id: UUID | None = None
    cut_over_on: date | None = Field(None, ge=date(2000, 1, 1), le=date(2100, 1, 1))
    document: str = Field("", max_length=120)

    @property
    def fields(self) -> NumberFields:
        """The form's values as the command takes them."""
        return NumberFields(
            self.title,
            self.queue,
            self.original_hotline,
            self.active,
            self.mode,
            self.owner_unit_id,
            self.cut_over_on,
            self.document,
        )


class NewNumber(NumberForm):
    """A number to be."""

    number: Annotated[str, Field(pattern=r"^[0-9]{3,15}$")]


class EditedNumber(NewNumber):
    """A number as edited."""

    version: int = Field(ge=0, le=2**31)


class QueueForm(Asks):
    """The form of a queue."""

    title: Annotated[str, Field(min_length=2, max_length=40)]
    overflow: str = Field("", max_length=40)
    max_waiting: int = Field(0, ge=0, le=10_000)

    @property
    def fields(self) -> QueueFields:
        """The form's values as the command takes them."""
        return QueueFields(self.title, self.overflow, self.max_waiting)


class NewQueue(QueueForm):
    """A queue to be."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,39}$")]


class EditedQueue(NewQueue):
    """A queue as edited."""

    version: int = Field(ge=0, le=2**31)


async def index(ctx: Context, asked: NumberList) -> web.Response:
    """Numbers and queues, and the form."""
    numbers = (
        await ctx.session.scalars(select(Number).order_by(Number.number != MAIN, Number.active.desc(), Number.number))
    ).all()
    queues = (await ctx.session.scalars(select(Queue).order_by(Queue.name))).all()
    number = next((one for one in numbers if one.number == asked.number), None)
    queue = next((one for one in queues if one.name == asked.queue), None)
    if (asked.number and number is None) or (asked.queue and queue is None):
        raise NotFound("no-number", "没有这个号码或队列。")
    return await ctx.page(
        "numbers.html",
        place="numbers",
        numbers=numbers,
        queues=queues,
        titles={one.name: one.title for one in queues},
        number=number,
        queue=queue,
        mergers=[(one.value, one.label) for one in Merger],
        units=[
            (row[0], row[1])
            for row in await ctx.session.execute(select(Unit.id, Unit.name).where(Unit.active).order_by(Unit.name))
        ],
        today=today(),
        history=[
            (one, ACTIONS.get(one.action, one.action), changes(one.detail))
            for one in (await edit.history(ctx.session, number.number) if number else [])
        ],
        form="queue" if queue or (asked.new == "queue" and not number) else "number",
    )


async def add_number(ctx: Context, asked: NewNumber) -> web.Response:
    """A further number."""
    await save_number(ctx.session, ctx.actor, asked.number, asked.fields)
    return ctx.redirect("/numbers", f"已登记号码 {asked.number}，数秒内生效。")


async def edit_number(ctx: Context, asked: EditedNumber) -> web.Response:
    """Change a number."""
    await save_number(ctx.session, ctx.actor, asked.number, asked.fields, asked.version)
    return ctx.redirect("/numbers", f"号码 {asked.number} 已保存，数秒内生效。")


async def add_queue(ctx: Context, asked: NewQueue) -> web.Response:
    """A further queue."""
    await save_queue(ctx.session, ctx.actor, asked.name, asked.fields)
    return ctx.redirect("/numbers", f"已新增队列：{asked.title}。")


async def edit_queue(ctx: Context, asked: EditedQueue) -> web.Response:
    """Change a queue."""
    await save_queue(ctx.session, ctx.actor, asked.name, asked.fields, asked.version)
    return ctx.redirect("/numbers", f"队列已保存：{asked.title}。")


P = Permission.LINE_ADMIN
NUMBER = ("emergency-number", "no-queue", "main-number", "number-taken", "no-number", "changed-meanwhile")
MERGER = ("not-merged", "no-unit", "own-queue")
QUEUE = ("overflows-itself", "no-queue", "queue-taken", "bad-line-value", "changed-meanwhile")
ROUTES = (
    Route("GET", "/numbers", P, NumberList, index, "接入号码与队列", ("no-number",)),
    Route("POST", "/numbers", P, NewNumber, add_number, "登记接入号码", (*NUMBER, *MERGER)),
    Route("POST", "/numbers/{number}", P, EditedNumber, edit_number, "修改接入号码", (*NUMBER, *MERGER)),
    Route("POST", "/queues", P, NewQueue, add_queue, "新增队列", QUEUE),
    Route("POST", "/queues/{name}", P, EditedQueue, edit_queue, "修改队列", QUEUE),
)
