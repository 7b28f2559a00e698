"""How each part is, and what would mend it."""

from dataclasses import replace

from aiohttp import web
from sqlalchemy import select

from core import board
from core.health import Health
from core.permissions import Permission
from recordings.models import SpeechStatus
from web.context import Context
from web.route import Nothing, Route

PROCESSES = {"line": "线路", "web": "网页", "worker": "后台任务", "speech": "语音转写"}


async def show(ctx: Context, asked: Nothing) -> web.Response:
    """Every part's last word, and what speech to text says of itself."""
    parts = [in_words(part) for part in await board.read(ctx.session, ctx.parts.expected)]
    speech = (await ctx.session.scalars(select(SpeechStatus).order_by(SpeechStatus.process))).all()
    return await ctx.page("system.html", place="health", parts=parts, speech=speech)


def in_words(health: Health) -> Health:
    """`line@node1：短信网关` -> `线路进程 node1：短信网关`; a process of several roles is named by all."""
    process, colon, part = health.part.partition("：")
    roles, _, node = process.partition("@")
    named = "、".join(PROCESSES.get(role, role) for role in roles.split("+"))
    return replace(health, part=f"{named}进程 {node}".rstrip() + colon + part)


ROUTES = (Route("GET", "/system", Permission.SYSTEM_VIEW, Nothing, show, "系统状态"),)
