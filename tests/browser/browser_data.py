"""A lively hotline for the browser: people, queues, calls with words, call-backs, incidents, recordings."""

from datetime import date, timedelta
from uuid import UUID

from member_units import PROFILE
from sqlalchemy.ext.asyncio import AsyncSession

from callflow.agents.models import Agent, AgentQueue, Presence
from callflow.callbacks.models import CallbackTask
from callflow.incidents.models import Incident
from callflow.models import Call
from callflow.queues.models import Queue
from core import board, clock
from core.actor import SYSTEM
from core.db import Database
from core.health import Health
from core.identity import service as identity
from core.identity.models import Unit
from core.permissions import Role
from crm.contacts import service as contacts
from crm.installed import installed
from crm.referrals import service as referrals
from crm.tickets import service
from recordings.models import (
    Kind,
    LivePartial,
    Recording,
    RecordingState,
    Side,
    Source,
    SpeechStatus,
    Transcript,
    TranscriptSegment,
    TranscriptState,
)

PASSWORD = "Yiyang-12345-A"
PEOPLE = [
    ("wangli", "王丽", {Role.AGENT}),
    ("zhangqiang", "张强", {Role.AGENT}),
    ("liujing", "刘静", {Role.AGENT}),
    ("lijianguo", "李建国", {Role.AGENT, Role.SHIFT_LEAD}),
    ("zhou.an", "周安", {Role.SHIFT_LEAD}),
]
WORDS = [
    (Side.OTHER, 0.4, "您好，弋阳12345热线，请讲。"),
    (Side.CITIZEN, 2.9, "你好，我要投诉小区门口占道经营，每天早上都有人摆摊。"),
    (Side.OTHER, 9.2, "请问具体在什么位置？"),
    (Side.CITIZEN, 11.5, "方志敏大道龟峰花园小区东门，晚上七点以后也有烧烤摊，油烟很大。"),
]


async def fill(db: Database) -> UUID:
    """Everything; the call in which two people talk now is returned."""
    at = clock.now()
    async with db.session() as session:
        users = {}
        for login, name, roles in PEOPLE:
            made, _ = await identity.create_user(
                session, SYSTEM, login=login, name=name, roles=frozenset(roles), password=PASSWORD
            )
            users[login] = made.id
        session.add(Queue(name="first", title="一线坐席"))
        session.add(Queue(name="second", title="二线专家"))
        for unit in installed().county.units.values():
            session.add(Unit(code=unit.code, name=unit.name, kind=unit.kind, **PROFILE))
        await referrals.seed(session, installed().county.referrals)
        await contacts.seed(session)
        await session.flush()
        for number, (login, name, _) in enumerate(PEOPLE[:4], 1001):
            agent = Agent(user_id=users[login], extension=str(number), name=name, sip_secret="x")
            agent.logged_in_at = at - timedelta(hours=2)
            if login == "liujing":
                agent.paused_at, agent.pause_reason = at - timedelta(minutes=12), "meal"
            session.add(agent)
            await session.flush()
            session.add(AgentQueue(user_id=users[login], queue="first"))
            seen = {"device": "idle", "paused": False, "in_call": False, "calls_taken": 9, "seen_at": at}
            session.add(Presence(node="node1", queue="first", extension=str(number), **seen))
        talking = _call("1.1", at - timedelta(minutes=2), users["wangli"], "王丽", connected=True)
        session.add_all([talking, _call("1.2", at - timedelta(seconds=40)), _call("1.3", at - timedelta(seconds=12))])
        for n, outcome in enumerate(["answered"] * 9 + ["abandoned", "message", "interrupted", "self-service"]):
            past = _call(f"2.{n}", at - timedelta(minutes=9 * n + 15), users["zhangqiang"], "张强", connected=n < 9)
            past.ended_at, past.outcome = past.arrived_at + timedelta(minutes=3, seconds=7 * n), outcome
            past.original_hotline = "12315 消费者投诉" if n % 4 == 2 else None
            session.add(past)
            await session.flush()
            if outcome in {"abandoned", "message", "interrupted"}:
                task = CallbackTask(call_id=past.id, phone=past.caller, reason=outcome, call_ended_at=past.ended_at)
                session.add(task)
            if n < 9:
                session.add(_recording(past))
        await session.flush()
        for side, start, text in WORDS:
            session.add(
                TranscriptSegment(
                    call_id=talking.id,
                    side=side,
                    start_s=start,
                    end_s=start + 2,
                    text=text,
                    words=[],
                    source=Source.LIVE,
                )
            )
        await _draft(session, talking, users["wangli"])
        session.add(Transcript(call_id=talking.id, state=TranscriptState.LIVE))
        session.add(LivePartial(call_id=talking.id, side=Side.CITIZEN, text="希望城管部门能来管一", at=at))
        session.add(
            Incident(
                opened_at=at - timedelta(hours=9),
                last_minute_at=at - timedelta(hours=8, minutes=48),
                minutes=12,
                waiting=2,
                duty_covered=True,
                closed_at=at - timedelta(hours=8, minutes=47),
                note="夜班交接脱岗，已通报",
            )
        )
        session.add(
            SpeechStatus(
                process="speech",
                model="vosk-model-small-cn-0.22",
                detail="运行正常",
                capacity=8,
                streams=2,
                lag_s=0.3,
                realtime_factor=0.21,
                at=at,
            )
        )
        parts = [
            Health("接入服务", True, "3 路来电"),
            Health("短信网关", False, "网关连接中断", "检查网关地址和专线。"),
        ]
        await board.write(session, "line", parts)
        return talking.id


def _call(
    linkedid: str, at: object, agent: UUID | None = None, name: str | None = None, connected: bool = False
) -> Call:
    from datetime import datetime

    assert isinstance(at, datetime)
    tail = int(linkedid.replace(".", "")) * 7919 % 10_000
    call = Call(node="node1", linkedid=linkedid, caller=f"+8613000{tail:06d}", dialled="12345", queue="first")
    call.arrived_at, call.answered_at, call.queued_at = at, at, at + timedelta(seconds=8)
    if connected:
        call.connected_at, call.agent_id, call.agent_name = at + timedelta(seconds=15), agent, name
    return call


async def _draft(session: AsyncSession, call: Call, agent: UUID) -> None:
    """The order of the call, as far as the machine has filled it."""
    opening = service.Opening("phone", call.id, call.caller, "12315 消费者投诉", agent)
    ticket = await service.open_draft(session, opening)
    words = {
        "category": ("complaint", "我要投诉", "说了“投诉”"),
        "title": ("小区门口占道经营", "小区门口占道经营", "采用诉求的首句"),
        "content": ("小区门口占道经营，每天早上都有人摆摊。", "小区门口占道经营，每天早上都有人摆摊", "采用市民原话"),
        "address": ("方志敏大道龟峰花园小区东门", "方志敏大道龟峰花园小区东门", "与地名库一致"),
    }
    proposals = {
        field: {"value": value, "label": value, "sources": [{"text": said}], "confidence": 0.86, "reason": why}
        for field, (value, said, why) in words.items()
    }
    await service.propose(session, ticket, proposals)


def _recording(call: Call) -> Recording:
    return Recording(
        call_id=call.id,
        node=call.node,
        linkedid=call.linkedid,
        kind=Kind.TALK,
        part=1,
        started_at=call.connected_at or call.arrived_at,
        seconds=152.0,
        channels=2,
        digest="ab" * 32,
        store_key=f"2026/11/23/{call.linkedid}.flac",
        size=812_000,
        protected_until=date(2029, 11, 23),
        state=RecordingState.STORED,
    )
