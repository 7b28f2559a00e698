"""A request on its way: registered, who asks is checked, another person decides, it is carried out, the citizen is
answered. Each act by a named person, in the ledger."""

import hmac
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from callflow.models import Call
from core.actor import Actor
from core.clock import local, midnight, now, today
from core.db import new_id
from core.edits import require_seen
from core.errors import Conflict, Denied, Invalid, NotFound
from core.ledger import record
from core.live import hint
from core.locks import lock
from core.permissions import Permission
from core.phone import is_mobile
from crm.clocks import Rules
from crm.datarequests import rules
from crm.datarequests.held import kept, orders_of
from crm.datarequests.models import DataCorrection, DataPackage, DataRequest, DataRequestStep
from crm.datarequests.rules import Act, Answer, Check, Field, Kind, Standing, State, Verdict, Way
from crm.datarequests_policy import DataRequestsPolicy
from crm.installed import installed
from crm.notices_policy import NoticesPolicy
from crm.policy import SmsPolicy
from crm.sms.service import queue
from crm.tickets.models import Ticket

TOPIC = "data-requests"
WRONG = "填写的内容有误，请按提示修改。"


@dataclass(frozen=True)
class Asked:
    """What is asked, by whom, of which number; `orders`: numbers of the orders that it is about, empty for all."""

    kind: Kind
    way: Way
    name: str
    asked: str
    phone: str | None = None
    call_id: UUID | None = None
    orders: Sequence[str] = ()
    corrections: Mapping[Field, str] = field(default_factory=dict)


def policy() -> DataRequestsPolicy:
    """What the bureau has decided by now."""
    return installed().policy[DataRequestsPolicy]


async def register(session: AsyncSession, actor: Actor, asked: Asked) -> DataRequest:
    """登记: the clock begins. Without a number that of the call is meant. Raises NotFound, Invalid."""
    actor.require(Permission.DATA_REGISTER)
    call = await session.get(Call, asked.call_id) if asked.call_id else None
    if asked.call_id and call is None:
        raise NotFound("no-call", "没有这条通话记录。")
    phone = asked.phone or (call.caller if call else None)
    if phone is None:
        raise Invalid("invalid-input", WRONG, fields={"phone": "请填写申请所涉的电话号码"})
    if (asked.kind is Kind.CORRECT) != bool(asked.corrections):
        wrong = "请填写至少一项正确的内容" if asked.kind is Kind.CORRECT else "只有更正申请填写这一项"
        raise Invalid("invalid-input", WRONG, fields={"correct_name": wrong})
    await _of_the_number(session, phone, asked.orders)
    at, clock = now(), Rules(installed().policy, installed().calendar)
    due_at = clock.due(at, policy().answer_days).at
    row = DataRequest(id=new_id(), number=await _number(session), kind=asked.kind, way=asked.way, phone=phone)
    row.name, row.asked, row.orders, row.call_id = asked.name, asked.asked, list(asked.orders), asked.call_id
    row.registered_at, row.registered_by, row.registered_by_name = at, actor.user_id, actor.name
    row.state, row.version, row.due_at = State.REGISTERED, 0, due_at
    row.warn_at = clock.before(due_at, policy().warn_days)
    session.add(row)
    await session.flush()
    session.add_all(
        DataCorrection(request_id=row.id, field=one, wanted=value) for one, value in asked.corrections.items()
    )
    await note(session, actor, row, Act.REGISTER, kind=row.kind, way=row.way)
    return row


async def _of_the_number(session: AsyncSession, phone: str, orders: Sequence[str]) -> None:
    if not orders:
        return
    known = {one.number for one in await session.scalars(orders_of(phone, orders))}
    if strange := [one for one in orders if one not in known]:
        raise Invalid("invalid-input", WRONG, fields={"orders": f"不是该号码的工单：{'、'.join(strange)}"})


async def _number(session: AsyncSession) -> str:
    """The next one of the year; requests are never deleted."""
    await lock(session, "data-request-number")
    year = local(now()).year
    begins = midnight(today().replace(month=1, day=1))
    counted = select(func.count()).select_from(DataRequest).where(DataRequest.registered_at >= begins)
    return f"个信〔{year}〕{(await session.execute(counted)).scalar_one() + 1}号"


async def confirm(
    session: AsyncSession, actor: Actor, id: UUID, seen: int, check: Check, words: str, order: str = "", code: str = ""
) -> DataRequest:
    """身份核验通过: what was looked at. Number and query code of an order are compared and not kept."""
    actor.require(Permission.DATA_REGISTER)
    row = await locked(session, id, seen, Act.CONFIRM)
    wrong = rules.bad_check(Way(row.way), check, words)
    if check is Check.QUERY_CODE and not wrong:
        wrong, words = await _wrong_code(session, row, order, code), f"工单 {order}"
    if wrong:
        raise Invalid("invalid-input", WRONG, fields=wrong)
    row.checked, row.check_note = check, words
    row.checked_at, row.checked_by_name = now(), actor.name
    row.state = State.CONFIRMED
    await note(session, actor, row, Act.CONFIRM, f"{check.label}；{words}", check=check)
    return row


async def _wrong_code(session: AsyncSession, row: DataRequest, order: str, code: str) -> dict[str, str]:
    call = await session.get(Call, row.call_id) if row.call_id else None
    if call is None or call.caller != row.phone:
        return {"check": "申请不是从该号码来电提出的，请回拨该号码核对"}
    ticket = await session.scalar(select(Ticket).where(Ticket.number == order))
    good = ticket is not None and ticket.caller_phone == row.phone
    if ticket is None or not good or not hmac.compare_digest(ticket.query_code.encode(), code.encode()):
        return {"code": "工单编号与查询码不符，或不是该号码的工单"}
    return {}


async def reject(session: AsyncSession, actor: Actor, id: UUID, seen: int, words: str) -> DataRequest:
    """身份未通过核验: the citizen is told so, and may still prove it."""
    actor.require(Permission.DATA_REGISTER)
    row = await locked(session, id, seen, Act.REJECT)
    row.state, row.checked_at, row.checked_by_name, row.check_note = State.UNVERIFIED, now(), actor.name, words
    await note(session, actor, row, Act.REJECT, words)
    return row


async def decide(
    session: AsyncSession,
    actor: Actor,
    id: UUID,
    seen: int,
    verdict: Verdict,
    reasons: str,
    fields: Collection[Field] = (),
) -> DataRequest:
    """作出决定, by another person than the one who registered it; of a correction `fields` are granted.

    While the data are protected a deletion is refused, with the rule and the last protected day among the reasons.
    """
    actor.require(Permission.DATA_DECIDE)
    row = await locked(session, id, seen, Act.DECIDE)
    if row.registered_by == actor.user_id:
        raise Denied("own-request", "登记人不能自己作出决定，请由另一人决定。")
    kind, ground, why = Kind(row.kind), policy(), ""
    if kind is Kind.DELETE:
        found = await kept(session, row.phone, row.orders)
        row.kept_until, why = found.until, rules.undeletable(found, today(), ground.keeping)
    asked = await corrections_of(session, row.id)
    told = "。".join(filter(None, (why if verdict is Verdict.REFUSE else "", reasons)))
    names = [Field(one.field) for one in asked]
    wrong = rules.bad_decision(kind, verdict, told, kept=why, asked=names, granted=fields)
    if wrong:
        raise Invalid("invalid-input", WRONG, fields=wrong)
    for one in asked:
        one.granted = Field(one.field) in fields
    row.verdict, row.reasons, row.law = verdict, told or "申请符合规定，予以办理", ground.law_of(kind)
    if why and verdict is Verdict.REFUSE:
        row.law = f"{row.law}；{ground.keeping}"
    row.decided_at, row.decided_by, row.decided_by_name = now(), actor.user_id, actor.name
    row.state = rules.leads_to(Act.DECIDE, verdict)
    await note(session, actor, row, Act.DECIDE, f"{verdict.label}：{row.reasons}", verdict=verdict)
    return row


async def reopen(session: AsyncSession, actor: Actor, id: UUID, seen: int, words: str) -> DataRequest:
    """撤销决定 that nobody has carried out or told: it is decided anew."""
    actor.require(Permission.DATA_DECIDE)
    row = await locked(session, id, seen, Act.REOPEN)
    row.state, row.verdict, row.reasons, row.law, row.kept_until = State.CONFIRMED, "", "", "", None
    row.decided_at, row.decided_by, row.decided_by_name = None, None, ""
    for one in await corrections_of(session, row.id):
        one.granted = None
    await note(session, actor, row, Act.REOPEN, words)
    return row


async def answer(session: AsyncSession, actor: Actor, id: UUID, seen: int, ways: Sequence[Answer]) -> DataRequest:
    """答复申请人: the SMS goes out with it, or when the night ends; a letter is printed from the request.

    Raises Conflict, Invalid.
    """
    actor.require(Permission.DATA_DECIDE)
    row = await locked(session, id, seen, Act.ANSWER)
    if not ways:
        raise Invalid("invalid-input", WRONG, fields={"ways": "请选择答复方式"})
    if Answer.SMS in ways and not is_mobile(row.phone):
        raise Invalid("invalid-input", WRONG, fields={"ways": "该号码不能接收短信，请选择其他方式"})
    package = await session.get(DataPackage, row.id)
    if package and package.ready_at is None and package.gone_at is None:
        raise Conflict("package-not-ready", "复制件正在生成，生成后再答复。")
    if Answer.SMS in ways:
        words = f"【{installed().policy[SmsPolicy].signature}】{policy().sms.format(number=row.number)}"
        at = installed().policy[NoticesPolicy].quiet_until(now())
        key, why = f"data-request:{row.id}", "个人信息申请已答复"
        await queue(session, key=key, ticket_id=None, to=row.phone, text=words, why=why, at=at)
    row.state, row.answered_at, row.answers = State.ANSWERED, now(), [one.value for one in ways]
    await note(session, actor, row, Act.ANSWER, "、".join(one.label for one in ways))
    return row


async def close(session: AsyncSession, actor: Actor, id: UUID, seen: int, words: str = "") -> DataRequest:
    """办结: the citizen has the answer; `words` may say by which receipt."""
    actor.require(Permission.DATA_DECIDE)
    row = await locked(session, id, seen, Act.CLOSE)
    row.state = State.CLOSED
    await note(session, actor, row, Act.CLOSE, words)
    return row


async def locked(session: AsyncSession, id: UUID, seen: int, act: Act) -> DataRequest:
    """The request, for an act that must be open now. Raises NotFound, Conflict."""
    row = await session.get(DataRequest, id, with_for_update=True, populate_existing=True)
    if row is None:
        raise NotFound("no-data-request", "没有这项申请。")
    require_seen(row, seen)
    if why := rules.against(act, await standing(session, row)):
        raise Conflict("wrong-step", why)
    return row


async def standing(session: AsyncSession, row: DataRequest) -> Standing:
    """What decides on the acts that are open."""
    package = await session.get(DataPackage, row.id)
    verdict, kind = Verdict(row.verdict) if row.verdict else None, Kind(row.kind)
    done = row.state == State.DONE and verdict is not Verdict.REFUSE
    out = done and (kind in (Kind.CORRECT, Kind.DELETE) or (package is not None and package.taken > 0))
    return Standing(kind, State(row.state), verdict, out)


async def corrections_of(session: AsyncSession, id: UUID) -> Sequence[DataCorrection]:
    """What a request wants to have corrected, in the order of `Field`: the number, by which the rest is found, last."""
    found = await session.scalars(select(DataCorrection).where(DataCorrection.request_id == id))
    return sorted(found, key=lambda one: [*Field].index(Field(one.field)))


async def note(session: AsyncSession, actor: Actor, row: DataRequest, act: Act, words: str = "", **detail: Any) -> None:
    """The act on the request's record and in the ledger; pages hear of it."""
    row.version += 1
    session.add(
        DataRequestStep(request_id=row.id, at=now(), act=act, by_id=actor.user_id, by_name=actor.name, note=words)
    )
    told = {"number": row.number} | {name: str(value) for name, value in detail.items()}
    await record(session, actor, f"data-request.{act}", "data-request", row.id, reason=words or None, **told)
    hint(session, TOPIC, row.id)
