"""登记诉求: what reached the desk without a call — a letter, a visitor, 110's transfer, a paper from above (F09-2)."""

from datetime import datetime
from typing import Annotated

from aiohttp import web
from pydantic import Field

from core import phone
from core.accounts.channels import Channel
from core.clock import local, now
from core.errors import Invalid
from core.permissions import Permission as P
from crm.channels import service
from crm.tickets.input import Correction
from web.act_fields import moment
from web.context import Context
from web.route import Asks, Nothing, Route

AT_THE_DESK = tuple(one for one in Channel if one is not Channel.UNIT)
"""Whose demands a person may register; each has a program's way too, save what comes on paper."""


class Registered(Asks):
    """What is known before the order's own form is filled in."""

    channel: Channel
    reference: str = Field("", max_length=64)
    received_at: str = Field("", max_length=30)
    incident_number: str = Field("", max_length=40)
    incident_at: str = Field("", max_length=30)
    incident_operator: str = Field("", max_length=40)
    caller_name: str = Field("", max_length=40)
    caller_phone: str = Field("", max_length=32)
    title: Annotated[str, Field(min_length=1, max_length=60)]
    content: Annotated[str, Field(min_length=1, max_length=4000)]


async def form(ctx: Context, asked: Nothing) -> web.Response:
    """The form."""
    return await ctx.page(
        "registration.html",
        place="orders",
        channels=[(one.value, one.label) for one in AT_THE_DESK],
        today=f"{local(now()):%Y-%m-%dT%H:%M}",
    )


async def register(ctx: Context, asked: Registered) -> web.Response:
    """Open the draft, and go on in its form."""
    handover = service.Handover(
        reference=asked.reference,
        given=Correction(title=asked.title, content=asked.content, caller_name=asked.caller_name or None),
        phone=_phone(asked.caller_phone),
        received_at=_moment("received_at", asked.received_at),
        incident_number=asked.incident_number or None,
        incident_at=_moment("incident_at", asked.incident_at),
        incident_operator=asked.incident_operator,
    )
    ticket = await service.register(ctx.session, ctx.actor, asked.channel, handover)
    return ctx.redirect(
        f"/orders/{ticket.id}", f"已登记{asked.channel.label}诉求 {ticket.number}，请核对后派发或办理。"
    )


def _moment(name: str, text: str) -> datetime | None:
    return moment(name, text) if text else None


def _phone(written: str) -> str | None:
    try:
        return phone.normalise(written) if written else None
    except Invalid as error:
        raise Invalid(error.id, error.message, fields={"caller_phone": error.fields["phone"]}) from None


ROUTES = (
    Route("GET", "/registration", P.ORDER_EDIT, Nothing, form, "登记诉求"),
    Route("POST", "/registration", P.ORDER_EDIT, Registered, register, "登记诉求", ("reference-taken", "bad-phone")),
)
