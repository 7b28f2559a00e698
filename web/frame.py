"""The frame around every page: the rail by permission with what waits, and the agent's state."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from callflow.board.models import DeskNote
from callflow.board.service import unread_notes
from core.permissions import Permission as P
from core.replay import count_failed
from crm.knowledge.queries import waiting as knowledge_waiting
from crm.linkages.queries import owed_by
from crm.notices.service import unread
from crm.queries import desks
from crm.retention.queries import waiting as disposals_waiting
from recordings.desk.requests import unseen as unseen_answers
from web import counts
from web.agent_bar import AgentBar
from web.agent_bar import show as show_agent

if TYPE_CHECKING:
    from web.context import Context


@dataclass(frozen=True)
class Place:
    """One entry of the rail. `tone` colours a count above zero: `waits` for work, `alarm` for trouble."""

    group: str
    key: str
    path: str
    label: str
    needs: tuple[P, ...]
    count: counts.Count | None = None
    tone: str = ""
    mine: counts.Mine | None = None
    """Counts what waits for this person alone."""


_LOG = (P.LINE_LEAD, P.ORDER_VERIFY, P.ORDER_OVERSEE)
_SCOPE, _REFER = (P.ORDER_EDIT, P.SCOPE_DECIDE), (P.LINE_AGENT, P.ORDER_EDIT, P.REFERRAL_EDIT, P.ORDER_FOLLOW_UP)
_DATA = (P.DATA_REGISTER, P.DATA_DECIDE)
PLACES = (
    Place("话务", "live", "/live-calls", "实时话务", (P.LINE_VIEW,), counts.calls),
    Place("话务", "calls", "/calls", "通话记录", (P.CALL_VIEW,)),
    Place("话务", "my-day", "/my-day", "我的今日", (P.LINE_AGENT,)),
    Place("话务", "my-scores", "/my-scores", "我的质检", (P.LINE_AGENT,), mine=counts.own_scores, tone="waits"),
    Place("话务", "callbacks", "/callbacks", "回拨任务", (P.CALLBACK_HANDLE,), counts.callbacks, "waits"),
    Place("话务", "dial", "/dial", "外呼", (P.LINE_AGENT,)),
    Place("话务", "headset", "/headset", "耳机与麦克风", (P.LINE_AGENT,)),
    Place("话务", "knowledge", "/knowledge", "知识库", (P.KNOWLEDGE_VIEW,), mine=knowledge_waiting, tone="waits"),
    Place("话务", "accuracy", "/knowledge/accuracy", "知识库准确率", (P.KNOWLEDGE_PUBLISH,), counts.accuracy, "waits"),
    Place("工单", "orders", "/orders", "工单", (P.ORDER_VIEW, P.ORDER_VIEW_UNIT)),
    Place("工单", "intake-days", "/intake-days", "受理核对", (P.CALL_VIEW,)),
    Place("工单", "refusals", "/refusals", "不予受理", (P.ORDER_VIEW,)),
    Place("工单", "emergencies", "/emergencies", "突发事件", (P.ORDER_VIEW,), counts.emergencies, "alarm"),
    Place("工单", "duty-contacts", "/duty-contacts", "值班联系人", (P.ORDER_VIEW, P.CONTACT_EDIT)),
    Place("工单", "linkages", "/linkages", "联动登记", (P.ORDER_VIEW,), mine=owed_by, tone="waits"),
    Place("工单", "escalations", "/escalations", "逐级汇报", _SCOPE, counts.escalations, "waits"),
    Place("工单", "data-requests", "/data-requests", "个人信息申请", _DATA, counts.data_requests, "waits"),
    Place("工单", "referrals", "/referrals", "转接去向", _REFER),
    Place("工单", "watched", "/watched", "主管事项", (P.ORDER_VIEW_UNIT,)),
    Place("工单", "enterprises", "/enterprises", "企业逾期月报", (P.ORDER_OVERSEE, P.ORDER_VERIFY)),
    Place("工单", "city", "/city", "市级工单", (P.CITY_EXCHANGE,), counts.city, "waits"),
    Place("工单", "dispatch-quality", "/dispatch-quality", "派单质量", (P.ORDER_REVIEW, P.ORDER_OVERSEE)),
    Place("工单", "sms", "/sms", "短信日志", (P.SMS_VIEW,), counts.unknown_sms, "alarm"),
    Place("工单", "notices", "/notices", "通知", (P.ORDER_VIEW, P.ORDER_VIEW_UNIT), mine=unread, tone="waits"),
    Place("统计", "closings", "/closings", "办结方式", (P.ORDER_OVERSEE, P.ORDER_VERIFY, P.ORDER_CHECK)),
    Place("统计", "publication", "/publication", "公开答复", (P.ORDER_OVERSEE, P.ORDER_VERIFY)),
    Place("统计", "hotlines", "/hotlines", "原热线", _LOG),
    Place("统计", "statistics", "/statistics/returns", "退回与延期", (P.ORDER_VIEW, P.ORDER_VIEW_UNIT)),
    Place("工单", "own-unit", "/unit", "本单位", (P.ORDER_VIEW_UNIT,)),
    Place("档案", "recordings", "/recordings", "录音", (P.RECORDING_VIEW,)),
    Place(
        "档案",
        "listening",
        "/listening-requests",
        "调听审批",
        (P.RECORDING_DECIDE,),
        counts.listening_requests,
        "waits",
    ),
    Place(
        "档案",
        "exports",
        "/recording-exports",
        "录音导出",
        (P.RECORDING_TAKE, P.RECORDING_DECIDE),
        counts.asked_exports,
        "waits",
    ),
    Place(
        "档案", "my-listening", "/my-listening", "我的调听申请", (P.RECORDING_ASK,), mine=unseen_answers, tone="waits"
    ),
    Place("档案", "dossiers", "/dossiers", "档案包", (P.ORDER_ARCHIVE, P.ORDER_OVERSEE)),
    Place("档案", "retention", "/retention", "保管与销毁", (P.RETENTION_VIEW,), mine=disposals_waiting, tone="waits"),
    Place("档案", "holds", "/retention/holds", "档案冻结", (P.RETENTION_VIEW,)),
    Place("档案", "retranscriptions", "/retranscriptions", "重新转写", (P.TRANSCRIPT_AGAIN,)),
    Place("值守", "incidents", "/incidents", "值守事件", (P.INCIDENT_VIEW,), counts.incidents, "alarm"),
    Place("值守", "board", "/board", "班长看板", (P.LINE_LEAD,), counts.help_requests, "alarm"),
    Place("值守", "wallboard", "/wallboard", "大屏", (P.WALLBOARD_VIEW,)),
    Place(
        "值守",
        "handovers",
        "/handovers",
        "交接班",
        (P.LINE_LEAD, P.ORDER_VERIFY, P.ORDER_OVERSEE),
        counts.matters,
        "waits",
    ),
    Place("值守", "nuisance", "/nuisance", "恶意骚扰登记", _LOG, counts.nuisance_proposals, "waits"),
    Place("值守", "scoring", "/scoring", "话务质检", (P.QUALITY_SCORE, P.QUALITY_DECIDE), counts.to_score, "waits"),
    Place("值守", "scorecards", "/scorecards", "话务员考核", (P.LINE_LEAD,)),
    Place("值守", "team-day", "/team-day", "全班今日", (P.LINE_LEAD,)),
    Place("值守", "roster", "/roster", "班表", (P.LINE_AGENT, P.ROSTER_EDIT)),
    Place("线路", "numbers", "/numbers", "号码与队列", (P.LINE_ADMIN,)),
    Place("线路", "seats", "/seats", "坐席", (P.LINE_ADMIN,)),
    Place("线路", "duty", "/duty", "值班手机", (P.LINE_ADMIN,)),
    Place("管理", "users", "/users", "用户", (P.USER_ADMIN,)),
    Place("管理", "units", "/units", "单位", (P.UNIT_ADMIN, P.USER_ADMIN)),
    Place("管理", "programs", "/programs", "接口程序", (P.USER_ADMIN,)),
    Place("管理", "ledger", "/ledger", "审计日志", (P.AUDIT_VIEW,)),
    Place(
        "档案", "archive", "/archive", "核验与封存", (P.RETENTION_VIEW, P.AUDIT_VIEW), counts.archive_findings, "alarm"
    ),
    Place("管理", "jobs", "/jobs", "失败任务", (P.SYSTEM_VIEW,), count_failed, "alarm"),
    Place("管理", "health", "/system", "系统状态", (P.SYSTEM_VIEW,)),
    Place("规则", "regulations", "/regulations", "依据库", (P.ORDER_VIEW, P.ORDER_VIEW_UNIT, P.POLICY_VIEW)),
    Place("规则", "policy", "/policy", "运行规则", (P.POLICY_VIEW,), counts.policy_proposals, "waits"),
    Place("规则", "limits", "/limits", "特别时限", (P.POLICY_VIEW, P.ORDER_REVIEW), counts.limit_proposals, "waits"),
    Place("规则", "calendar", "/calendar", "工作日历", (P.POLICY_VIEW,), counts.calendar_proposals, "waits"),
    Place("规则", "catalogue", "/catalogue", "派单目录", (P.POLICY_VIEW,), counts.catalogue_proposals, "waits"),
    Place("规则", "powers", "/powers", "权责清单", (P.POLICY_VIEW,), counts.power_proposals, "waits"),
)


@dataclass(frozen=True)
class Entry:
    """A place as this person sees it; `count` is None where nothing is counted."""

    place: Place
    count: int | None


@dataclass(frozen=True)
class Frame:
    """Rail groups in order, and the agent's bar where the person is an agent."""

    groups: dict[str, list[Entry]]
    agent: AgentBar | None
    notes: Sequence[DeskNote] = ()
    """What the lead tells the desks and this agent has yet to read."""


def places(ctx: "Context") -> list[Place]:
    """Where this person may begin, best first: at the line who belongs to it, else at the desk with what waits."""
    line = ctx.actor.may(P.LINE_VIEW)
    desk = [] if line or not desks.queues(ctx.actor) else [Place("待办", "desk", "/desk", "工作台", desks.NEEDS)]
    return desk + [place for place in PLACES if any(map(ctx.actor.may, place.needs))]


def queue_place(queue: desks.Queue) -> Place:
    """A queue of the desk as an entry of the rail."""
    return Place("待办", f"desk-{queue.key}", f"/desk?queue={queue.key}", queue.label, queue.needs, tone="waits")


async def show(ctx: "Context") -> Frame:
    """The frame as it is now."""
    groups: dict[str, list[Entry]] = {}
    mine = desks.queues(ctx.actor)
    waiting = await desks.counts(ctx.session, ctx.actor, mine)
    for queue in mine:
        groups.setdefault("待办", []).append(Entry(queue_place(queue), waiting[queue.key]))
    for place in PLACES:
        if not any(map(ctx.actor.may, place.needs)):
            continue
        count = await place.count(ctx.session) if place.count else None
        if place.mine:
            count = await place.mine(ctx.session, ctx.signed_in.user.id)
        groups.setdefault(place.group, []).append(Entry(place, count))
    unseen = await unread_notes(ctx.session, ctx.signed_in.user.id) if ctx.actor.may(P.LINE_AGENT) else ()
    return Frame(groups, await show_agent(ctx), unseen)
