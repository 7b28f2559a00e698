"""Background work that gave up: what it was, and one more try by a person who says why."""

from typing import Annotated

from aiohttp import web
from pydantic import Field

from core.permissions import Permission
from core.replay import FailedJob, failed_jobs, replay
from web.context import Context
from web.paging import PAGE
from web.route import Asks, Route

WORDS = {
    "crm.open-draft": "通话接通后形成工单草稿",
    "crm.refresh-draft": "按通话文字填写工单草稿",
    "crm.final-draft": "通话结束后完成工单草稿",
    "crm.message-draft": "按留言形成工单草稿",
    "crm.recount-orders": "日历更新后找出期限须重新核算的工单",
    "crm.recount": "按新日历重新核算工单期限",
    "crm.notify-of-act": "工单办理后通知有关人员",
    "crm.notify-of-timer": "预警和逾期后通知有关人员",
    "sms.submit": "向短信网关提交短信",
}
"""What each job does, as staff read it."""

Number = Annotated[int, Field(ge=1, le=2**63 - 1)]


class JobList(Asks):
    """A page of the list: jobs with a number below this."""

    before: Number | None = None


class Replay(Asks):
    """One more try of a failed job."""

    id: Number
    reason: Annotated[str, Field(min_length=2, max_length=200)]


async def index(ctx: Context, asked: JobList) -> web.Response:
    """Failed jobs, the newest first."""
    rows = await failed_jobs(ctx.session, before=asked.before, limit=PAGE)
    older = f"/jobs?before={rows[-1].id}" if len(rows) == PAGE else ""
    may = ctx.actor.may(Permission.SYSTEM_ADMIN)
    return await ctx.page("jobs.html", place="jobs", jobs=rows, asked=asked, older=older, about=about, may_replay=may)


def about(job: FailedJob) -> str:
    """What the job does, and for how many at once."""
    several = len(job.args.get("events", ()))
    return WORDS.get(job.name, job.name) + (f"（{several} 项）" if several > 1 else "")


async def again(ctx: Context, asked: Replay) -> web.Response:
    """Queue it once more."""
    await replay(ctx.session, ctx.actor, asked.id, asked.reason)
    return ctx.redirect("/jobs", "任务已重新排队，几秒内执行。")


ROUTES = (
    Route("GET", "/jobs", Permission.SYSTEM_VIEW, JobList, index, "失败的后台任务"),
    Route("POST", "/jobs/{id}/replay", Permission.SYSTEM_ADMIN, Replay, again, "重新执行任务", ("job-not-failed",)),
)
