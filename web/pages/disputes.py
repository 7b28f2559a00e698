"""协调会记录: who met, what was said and decided, and the signatures; printed and filed (第十二条(三), F12.3-3)."""

from aiohttp import web
from sqlalchemy import select

from core.db import among
from core.errors import NotFound
from core.identity.models import Unit, User
from crm.queries import story_words
from crm.tickets import access, files
from crm.tickets.models import Dispute, DisputeAttendee
from crm.tickets.perform import offers
from crm.tickets.states import Act
from web import act_forms
from web.context import Context
from web.pages.orders import SEE, OneOrder
from web.route import Route

OUTCOMES = {"refuse": "不予受理", "same": "由原单位承办", "dispatch": "再次派发"}


async def show(ctx: Context, asked: OneOrder) -> web.Response:
    """The newest dispute of an order."""
    session = ctx.session
    ticket = await access.get(session, ctx.actor, asked.id)
    newest = select(Dispute).where(Dispute.ticket_id == ticket.id).order_by(Dispute.id.desc()).limit(1)
    dispute = await session.scalar(newest)
    if dispute is None:
        raise NotFound("no-dispute", "本工单没有争议协调。")
    sat = select(DisputeAttendee).where(DisputeAttendee.dispute_id == dispute.id)
    units = {row.id: row.name for row in await session.execute(select(Unit.id, Unit.name))}
    signers = [id for id in (dispute.recorded_by, dispute.closed_by) if id]
    people = await session.execute(select(User.id, User.name).where(among(User.id, signers)))
    names = {row.id: row.name for row in people}
    offered = [one for one in await offers(session, ctx.actor, ticket) if one.act is Act.FILE_MINUTES]
    filing = await act_forms.build(session, ctx.actor, ticket, offered)
    readable = await files.readable(session, ctx.actor, ticket)
    assists = [name for id, name in units.items() if str(id) in dispute.assist_unit_ids]
    return await ctx.page(
        "dispute.html",
        place="orders",
        ticket=ticket,
        dispute=dispute,
        trigger=story_words.TRIGGER[dispute.trigger],
        outcome=OUTCOMES.get(dispute.outcome or "", ""),
        attendees=sorted(await session.scalars(sat), key=lambda one: units.get(one.unit_id, "")),
        units=units,
        assists=assists,
        recorded_by=names.get(dispute.recorded_by, "") if dispute.recorded_by else "",
        scans=[one for one in readable if str(one.id) in dispute.attachments],
        filing=filing.forms,
        signed_by=names.get(dispute.closed_by, "") if dispute.closed_by else "",
    )


ROUTES = (Route("GET", "/orders/{id}/dispute", SEE, OneOrder, show, "协调会记录", ("no-such-order", "no-dispute")),)
