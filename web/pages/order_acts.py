"""Acts on an order from its page: one route for each act of the table, its form made from the act's own model."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any
from uuid import UUID

from aiohttp import web
from pydantic import Field

from core.errors import Conflict, Invalid
from crm import papers
from crm.drafts import typed
from crm.tickets import files
from crm.tickets.perform import Done, perform
from crm.tickets.rules import Heard
from crm.tickets.states import Act
from crm.tickets.table import BY_ACT
from web import act_fields
from web.act_forms import OWN_FORMS, order_named
from web.context import Context
from web.reading import FILE_FIELD
from web.route import Asks, Route

MOST_BYTES = 3 * papers.LARGEST
"""All files of one act together."""
ORDERS = ("master_id", "earlier_id")
BACK = r"^(/desk(\?queue=[a-z-]{1,30})?|/orders/[0-9a-f-]{36}/dispute|/calls/[0-9a-f-]{36})?$"


class Acting(Asks):
    """An act on the order as the person saw it; `back`: the worklist or the record from which it was done."""

    id: UUID
    version: int = Field(ge=0, le=2**31)
    back: Annotated[str, Field(max_length=60, pattern=BACK)] = ""


def handler_of(act: Act) -> Callable[[Context, Any], Awaitable[web.Response]]:
    """Does the act, with the files that came with it; shows the order as it is then."""
    given = BY_ACT[act][0].effect.given

    async def handle(ctx: Context, asked: Acting) -> web.Response:
        values = act_fields.given_of(act, given, asked)
        for name in ORDERS:
            if name in values:
                found = await order_named(ctx.session, ctx.actor, values[name])
                if found is None:
                    wrong = {name: "没有这个编号的工单。"}
                    raise Invalid("invalid-input", "填写的内容有误，请按提示修改。", fields=wrong)
                values[name] = found
        try:
            done = await with_files(ctx, asked, act, values)
        except Invalid as error:
            fields = {act_fields.SENT_AS.get(name, name): what for name, what in error.fields.items()}
            raise Invalid(error.id, error.message, fields=fields) from None
        await typed.forget(ctx.session, ctx.actor, asked.id)
        said = f"“{act.label}”已登记。" if done.changed else "此前已登记，没有变化。"
        if isinstance(done.result, Heard):
            said += done.result.say
        return ctx.redirect(asked.back or f"/orders/{asked.id}", f"{done.ticket.number} {said}")

    handle.__name__ = act.value.replace("-", "_")
    handle.__doc__ = f"{act.label}."
    return handle


async def with_files(ctx: Context, asked: Acting, act: Act, values: dict[str, Any]) -> Done:
    """Files and act in one transaction: where the act is refused no file stays, neither its row nor its bytes."""
    uploads = [(one.name, one.content) for one in getattr(asked, FILE_FIELD, ())]
    if not uploads:
        return await perform(ctx.session, ctx.actor, asked.id, asked.version, act, values)
    good = papers.all_checked(uploads)
    async with ctx.parts.database.session() as session:
        await files.open_order(session, ctx.actor, asked.id)
    kept = await files.keep(ctx.parts.store, ctx.actor, asked.id, good)
    try:
        await files.add(ctx.session, ctx.actor, asked.id, kept)
        values[act_fields.FILES] = [one.id for one in kept]
        done = await perform(ctx.session, ctx.actor, asked.id, asked.version, act, values)
        if not done.changed:
            raise Conflict("order-changed", "此前已登记，本次附件没有保存。")
    except BaseException:
        await files.discard(ctx.parts.store, kept)
        raise
    return done


def route_of(act: Act) -> Route[Any]:
    """The act as a route; any of its lines' permissions opens it, `perform` asks for the right one."""
    lines = BY_ACT[act]
    needed = tuple(dict.fromkeys(line.permission for line in lines))
    given = lines[0].effect.given
    asks = act_fields.asks(act, given, Acting)
    errors = ("no-such-order", "order-changed", "wrong-state", "wrong-stage", "not-your-part", "order-incomplete")
    takes = MOST_BYTES if act_fields.FILES in given.model_fields else 0
    path = f"/orders/{{id}}/acts/{act.value}"
    return Route("POST", path, needed, asks, handler_of(act), act.label, errors, takes=takes)


ROUTES = tuple(route_of(act) for act in BY_ACT if act not in OWN_FORMS)
