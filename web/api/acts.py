"""`/api/v1/orders/{id}/<act>`: what a unit's own system may do, one route for each act that the table gives to units.

Nothing is written here about any act: its model is the one that the desks fill in, and `perform` decides.
"""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any

from pydantic import ConfigDict, Field, create_model

from core.permissions import SCOPES
from crm.channels import queries
from crm.tickets.perform import perform
from crm.tickets.states import Act
from crm.tickets.table import BY_ACT
from web.api.orders import OneOrder, Order, shown
from web.context import Context
from web.route import Route


class Acting(OneOrder):
    """An act on the order as the program saw it."""

    version: Annotated[int, Field(title="工单版本", ge=0, le=2**31)]
    """`version` as it was read; an older one is refused with `order-changed`."""


class Given(Acting):
    """Base of what is made here and stands in no source that could be read for docstrings."""

    model_config = ConfigDict(use_attribute_docstrings=False)


def asks_of(act: Act) -> type[Acting]:
    """The act's own model, with the order and its version."""
    given = BY_ACT[act][0].effect.given
    if clash := set(given.model_fields) & set(Acting.model_fields):
        raise ValueError(f"{act} is given {clash}, which the API uses itself")
    fields: dict[str, Any] = {name: (field.annotation, field) for name, field in given.model_fields.items()}
    name = "".join(word.capitalize() for word in act.value.split("-"))
    return create_model(name, __base__=Given, __doc__=given.__doc__, __module__=__name__, **fields)


def handler_of(act: Act) -> Callable[[Context, Any], Awaitable[Order]]:
    """Does the act, answers with the order as it is then."""

    async def handle(ctx: Context, asked: Acting) -> Order:
        given = {name: getattr(asked, name) for name in asked.model_fields_set - set(Acting.model_fields)}
        await perform(ctx.session, ctx.actor, asked.id, asked.version, act, given, origin="api")
        return Order(**shown(await queries.one(ctx.session, ctx.actor, asked.id)))

    handle.__name__ = act.value.replace("-", "_")
    handle.__doc__ = f"{act.label}."
    return handle


def route_of(act: Act) -> Route[Any]:
    """The act as a route; any of its lines' permissions opens it, `perform` asks for the right one."""
    needed = tuple(dict.fromkeys(line.permission for line in BY_ACT[act] if line.permission in SCOPES))
    errors = ("no-such-order", "order-changed", "wrong-state", "wrong-stage", "not-your-part")
    path = f"/api/v1/orders/{{id}}/{act.value}"
    return Route("POST", path, needed, asks_of(act), handler_of(act), act.label, errors, answers=Order)


ROUTES = tuple(route_of(act) for act, lines in BY_ACT.items() if any(line.permission in SCOPES for line in lines))
