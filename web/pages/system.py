"""The operations dashboard 系统状态 (F06-3): how each part is, backups, what waits for the city, SMS; what would mend
it, who sees to it, and the runbook."""

from dataclasses import dataclass, replace
from typing import Annotated

from aiohttp import web
from pydantic import Field
from sqlalchemy import select

from core import board
from core.errors import NotFound
from core.health import Health
from core.permissions import Permission
from crm.installed import installed
from crm.operations import service
from crm.operations_policy import OperationsPolicy, Owner
from recordings.models import SpeechStatus
from web.context import Context
from web.route import Asks, Nothing, Route
from web.runbook import Runbook, runbooks, topic_of

PROCESSES = {"line": "线路", "web": "网页", "worker": "后台任务", "speech": "语音转写"}


class OneRunbook(Asks):
    """A runbook, by its topic."""

    topic: Annotated[str, Field(max_length=40)]


@dataclass(frozen=True)
class Light:
    """A row: the part's state, and who sees to it by which runbook."""

    health: Health
    topic: str
    runbook: Runbook
    owner: Owner


async def show(ctx: Context, asked: Nothing) -> web.Response:
    """Every light, what became of the SMS, and what speech to text says of itself; counts and ages, nobody's data."""
    policy = installed().policy[OperationsPolicy]
    day, week = await service.deliveries(ctx.session)
    parts = await board.read(ctx.session, ctx.parts.expected)
    lights = [light(one, policy) for one in await service.lights(ctx.session, policy, (day, week))]
    lights += [light(one, policy) for one in parts]
    speech = (await ctx.session.scalars(select(SpeechStatus).order_by(SpeechStatus.process))).all()
    sms = (("近24小时", day), ("近7天", week))
    return await ctx.page("system.html", place="health", lights=lights, sms=sms, speech=speech)


def light(health: Health, policy: OperationsPolicy) -> Light:
    """The row of a part or of a light beside them."""
    topic = topic_of(health.part)
    return Light(in_words(health), topic, runbooks()[topic], policy.owner(topic))


def in_words(health: Health) -> Health:
    """`line@node1：短信网关` -> `线路进程 node1：短信网关`; a process of several roles is named by all. What belongs
    to no process keeps its name."""
    process, colon, part = health.part.partition("：")
    roles, _, node = process.partition("@")
    if not all(role in PROCESSES for role in roles.split("+")):
        return health
    named = "、".join(PROCESSES[role] for role in roles.split("+"))
    return replace(health, part=f"{named}进程 {node}".rstrip() + colon + part)


async def runbook(ctx: Context, asked: OneRunbook) -> web.Response:
    """What to do when a light of this topic is red (A06-3). Raises NotFound."""
    found = runbooks().get(asked.topic)
    if found is None:
        raise NotFound("no-such-runbook", "没有这本处置手册。")
    owner = installed().policy[OperationsPolicy].owner(asked.topic)
    return await ctx.page("runbook.html", place="health", runbook=found, owner=owner, all=runbooks(), topic=asked.topic)


ROUTES = (
    Route("GET", "/system", Permission.SYSTEM_VIEW, Nothing, show, "系统状态"),
    Route(
        "GET", "/system/runbooks/{topic}", Permission.SYSTEM_VIEW, OneRunbook, runbook, "处置手册", ("no-such-runbook",)
    ),
)  # fmt: skip
