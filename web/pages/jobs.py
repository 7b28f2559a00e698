"""Background work that gave up: what it was, and one more try by a person who says why."""

from typing import Annotated, Literal

from aiohttp import web
from pydantic import Field

from core.clock import today
from core.permissions import Permission
from core.replay import FailedJob, Sought, Wanted, failed_jobs, replay
from crm.search.export import searched
from crm.search.filter import LONGEST_SEARCH
from crm.search.taking import MOST_ROWS, Taking, take
from web.context import Context
from web.files import send_sheet
from web.lists import Column, listing
from web.paging import PAGE
from web.render import exact
from web.route import Asks, Route

WORDS = {
    "crm.open-draft": "通话接通后形成工单草稿",
    "crm.emergency-words": "从工单文字识别突发事件",
    "crm.alarms-of-event": "向承办单位发出应急通知（事件）",
    "crm.alarms-of-order": "向承办单位发出应急通知（工单）",
    "crm.alarm-called": "登记应急通知电话的结果",
    "crm.contact-tested": "登记值班电话试拨的结果",
    "crm.refresh-draft": "按通话文字填写工单草稿",
    "crm.final-draft": "通话结束后完成工单草稿",
    "crm.find-ended": "通话结束后更新录音检索",
    "crm.message-draft": "按留言形成工单草稿",
    "crm.recount-orders": "日历更新后找出期限须重新核算的工单",
    "crm.recount": "按新日历重新核算工单期限",
    "crm.dossier-of-act": "工单归档后成卷（工单办理）",
    "crm.dossier-of-recording": "归档后补充录音的补卷",
    "crm.dossier-of-words": "归档后补充通话文字的补卷",
    "crm.dossier-of-correction": "归档后更正通话文字的补卷",
    "crm.close-dossier": "档案包成卷、补卷",
    "crm.pack-dossier": "导出档案包",
    "crm.check-dossier": "核验档案包",
    "crm.notify-of-act": "工单办理后通知有关人员",
    "crm.notify-of-timer": "预警和逾期后通知有关人员",
    "crm.dispose": "执行销毁清单",
    "crm.data-package": "生成个人信息复制件",
    "crm.data-package-end": "销毁到期的个人信息复制件",
    "crm.forget-said": "录音依法销毁后清除工单中的通话原话",
    "crm.hold-restricted": "冻结限制处理的录音",
    "crm.release-restricted": "解除限制处理的冻结",
    "sms.submit": "向短信网关提交短信",
}
"""What each job does, as staff read it."""

COLUMNS = (
    Column("编号", ("newest", "oldest")),
    *map(Column, ("失败时间", "任务")),
    Column("已执行", css="right"),
    Column("处理"),
)
HEADS = (("编号", 12), ("失败时间", 22), ("任务", 44), ("已执行（次）", 14))
Number = Annotated[int, Field(ge=1, le=2**63 - 1)]


class Filter(Asks):
    """`search`: a job's number, and words of what it does; `task`: the name of a kind of job."""

    search: Annotated[str, Field(max_length=LONGEST_SEARCH)] = ""
    task: Annotated[str, Field(max_length=60, pattern=r"^[a-z.-]*$")] = ""
    sort: Literal["newest", "oldest"] = "newest"

    @property
    def wanted(self) -> Wanted:
        """The filter as the list takes it."""
        return Wanted([_sought(word) for word in self.search.split()], self.task, self.sort == "oldest")


class JobList(Filter):
    """The filter, and the number behind which the page begins."""

    after: Annotated[str, Field(pattern=r"^\d{0,18}$")] = ""


class JobExport(Filter):
    """The jobs of the filter that are taken along, and why."""

    reason: Annotated[str, Field(max_length=200)] = ""


class Replay(Asks):
    """One more try of a failed job."""

    id: Number
    reason: Annotated[str, Field(min_length=2, max_length=200)]


async def index(ctx: Context, asked: JobList) -> web.Response:
    """A page of the failed jobs."""
    after = int(asked.after) if asked.after else None
    rows = await failed_jobs(ctx.session, asked.wanted, after=after, limit=PAGE + 1)
    return await ctx.page(
        "jobs.html",
        place="jobs",
        list=listing("/jobs", COLUMNS, asked, rows, lambda one: str(one.id)),
        asked=asked,
        about=about,
        tasks=list(WORDS.items()),
        may_replay=ctx.actor.may(Permission.SYSTEM_ADMIN),
    )


async def export(ctx: Context, asked: JobExport) -> web.StreamResponse:
    """The failed jobs of the filter as a workbook; not whom they are about."""
    told = searched(asked.search) | ({"task": WORDS.get(asked.task, asked.task)} if asked.task else {})
    async with ctx.parts.database.session() as session:
        rows = [_cells(one) for one in await failed_jobs(session, asked.wanted, limit=MOST_ROWS + 1)]
        what = Taking("失败的后台任务", "RW", "job.export", HEADS, rows, told)
        done = await take(session, ctx.actor, what, asked.reason, title=ctx.parts.title)
    return await send_sheet(ctx.request, done.content, f"失败的后台任务{today():%Y%m%d}-{done.number}")


def _cells(job: FailedJob) -> list[str]:
    return [str(job.id), exact(job.failed_at), about(job), str(job.attempts)]


def _sought(word: str) -> Sought:
    number = int(word) if word.isascii() and word.isdecimal() and len(word) < 19 else None
    return Sought(number, [name for name, said in WORDS.items() if word in said])


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
    Route(
        "POST", "/jobs/export", Permission.SYSTEM_VIEW, JobExport, export, "导出失败的后台任务",
        ("no-reason", "too-many-rows", "nothing-to-export"), stream=True,
    ),
    Route("POST", "/jobs/{id}/replay", Permission.SYSTEM_ADMIN, Replay, again, "重新执行任务", ("job-not-failed",)),
)  # fmt: skip
