"""How each part is, and what would mend it."""

from aiohttp import web
from sqlalchemy import select

from core import board
from core.permissions import Permission
from recordings.models import SpeechStatus
from web.context import Context
from web.route import Nothing, Route


async def show(ctx: Context, asked: Nothing) -> web.Response:
    """Every part's last word, and what speech to text says of itself."""
    parts = await board.read(ctx.session, ctx.parts.expected)
    speech = (await ctx.session.scalars(select(SpeechStatus).order_by(SpeechStatus.process))).all()
    return await ctx.page("system.html", place="health", parts=parts, speech=speech)


ROUTES = (Route("GET", "/system", Permission.SYSTEM_VIEW, Nothing, show, "系统状态"),)
