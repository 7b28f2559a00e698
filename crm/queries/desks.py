"""The desks' queues as one list: which orders wait there for whom, and by which clock they stand in line."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, SQLColumnExpression, func, literal, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from core.actor import Actor
from core.permissions import Permission as P
from crm.county.categories import Category
from crm.search.filter import OrderFilter
from crm.search.narrow import narrow
from crm.tickets.access import visible_to
from crm.tickets.models import (
    Assignment,
    Dispute,
    Extension,
    IdentityRequest,
    Refusal,
    ReturnRequest,
    Retype,
    SupervisionCandidate,
    Ticket,
)
from crm.tickets.states import Act, By, Stage
from crm.tickets.states import State as S

MOST_COUNTED = 1000
PAGE = 50
NEVER = datetime(9999, 1, 1, tzinfo=UTC)
"""Where an order without a clock stands in line: last."""


@dataclass(frozen=True)
class Queue:
    """One queue. `parts`: it is a unit's own, of its open parts that meet these; else the centre's.

    `due`: the instant that decides the line. `act`: what one key does from the list.
    """

    key: str
    label: str
    needs: tuple[P, ...]
    where: tuple[ColumnElement[bool], ...]
    due: SQLColumnExpression[Any]
    empty: str
    parts: bool = False
    below: bool = False
    """The parts are those of sub-units that answer to the unit's own (第八条(六))."""
    act: Act | None = None


@dataclass(frozen=True)
class Waiting:
    """One order in a queue; `part` is the unit's own where it is a unit's queue."""

    ticket: Ticket
    due: datetime | None
    part: Assignment | None


def _named_in(table: Any, *conditions: ColumnElement[bool]) -> ColumnElement[bool]:
    return Ticket.id.in_(select(table.ticket_id).where(*conditions))


def _first(column: Any, *conditions: ColumnElement[bool]) -> ColumnElement[Any]:
    table = column.class_
    return select(func.min(column)).where(table.ticket_id == Ticket.id, *conditions).scalar_subquery()


def _states(*states: S) -> tuple[ColumnElement[bool], ...]:
    return (Ticket.state.in_(states),)


def _mine(role: By, *stages: Stage) -> tuple[ColumnElement[bool], ...]:
    return (Assignment.role == role, Assignment.stage.in_(stages))


TARGET = Ticket.state_due_at
RETURNED, ASKED = ReturnRequest.state == "open", Extension.state == "open"
UNIT = (P.ORDER_HANDLE,)
HANDLING, SUBMITTED = (By.LEAD, By.SUB), (By.LEAD, By.ASSIST, By.SUB)
QUEUES: tuple[Queue, ...] = (
    Queue(
        "to-sign",
        "待签收",
        UNIT,
        (Assignment.stage == Stage.TO_SIGN,),
        Assignment.sign_due_at,
        "派发到本单位的工单在这里等待签收。",
        parts=True,
        act=Act.SIGN,
    ),
    Queue(
        "handling",
        "办理中",
        UNIT,
        (Assignment.role.in_(HANDLING), Assignment.stage == Stage.HANDLING),
        Assignment.due_at,
        "签收后由本单位主办的工单在这里，剩余工作日少的在前。",
        parts=True,
    ),
    Queue(
        "assist",
        "待协办",
        UNIT,
        _mine(By.ASSIST, Stage.HANDLING),
        Assignment.due_at,
        "签收后由本单位协办的工单在这里。",
        parts=True,
    ),
    Queue(
        "below",
        "下级办理",
        UNIT,
        (Assignment.role == By.SUB,),
        Assignment.due_at,
        "转给下级单位办理的工单在这里；上报后由本单位审核，逾期的在前。",
        parts=True,
        below=True,
    ),
    Queue(
        "returned",
        "退回待审",
        UNIT,
        (Assignment.stage == Stage.RETURNING,),
        Assignment.due_at,
        "本单位申请退回、热线中心尚未决定的工单在这里；办理时限继续计算。",
        parts=True,
    ),
    Queue(
        "submitted",
        "已提交",
        UNIT,
        (Assignment.role.in_(SUBMITTED), Assignment.stage == Stage.SUBMITTED),
        Assignment.due_at,
        "已提交、尚未审核通过的工单在这里。",
        parts=True,
    ),
    Queue(
        "copied",
        "抄送",
        UNIT,
        (Assignment.role == By.COPY, Assignment.read_at.is_(None)),
        Assignment.dispatched_at,
        "抄送本单位的企业工单在这里等待阅知。",
        parts=True,
        act=Act.ACKNOWLEDGE,
    ),
    Queue(
        "shared",
        "知会",
        UNIT,
        (Assignment.role == By.READER, Assignment.read_at.is_(None)),
        Assignment.dispatched_at,
        "知会本单位的表扬、感谢等在这里，阅知即可，无需办理和回复。",
        parts=True,
        act=Act.ACKNOWLEDGE,
    ),
    Queue("drafts", "受理中", (P.ORDER_EDIT,), _states(S.DRAFT), TARGET, "来电接通后形成的工单，确认或派发前在这里。"),
    Queue("dispatch", "待派单", (P.ORDER_DISPATCH,), _states(S.CONFIRMED), TARGET, "确认后或退回后的工单在这里派发。"),
    Queue(
        "refusals",
        "不予受理待复核",
        (P.ORDER_SECOND,),
        (_named_in(Refusal, Refusal.state == "proposed"),),
        TARGET,
        "须第二人复核的不予受理在这里。",
    ),
    Queue(
        "returns",
        "退回审核",
        (P.ORDER_REVIEW,),
        (_named_in(ReturnRequest, RETURNED),),
        _first(ReturnRequest.review_due_at, RETURNED),
        "承办单位申请退回的工单在这里审核。",
    ),
    Queue(
        "extensions",
        "延期审批",
        (P.ORDER_REVIEW,),
        (_named_in(Extension, ASKED),),
        _first(Extension.decide_due_at, ASKED),
        "承办单位申请延期的工单在这里审批。",
    ),
    Queue(
        "retypes",
        "改类待复核",
        (P.ORDER_SECOND,),
        (_named_in(Retype, Retype.state == "proposed"),),
        Ticket.due_at,
        "延长时限的改类在这里等待第二人复核。",
    ),
    Queue(
        "disputes",
        "争议协调",
        (P.ORDER_OVERSEE, P.ORDER_VERIFY),
        (_named_in(Dispute, Dispute.closed_at.is_(None)),),
        TARGET,
        "承办单位有争议的工单在这里召集协调会并作出决定。",
    ),
    Queue("checks", "答复审核", (P.ORDER_CHECK,), _states(S.CHECKING), TARGET, "承办单位提交的答复在这里审核。"),
    Queue(
        "follow-ups",
        "待回访",
        (P.ORDER_FOLLOW_UP,),
        _states(S.ANSWERED, S.CLOSED, S.FOLLOWING),
        TARGET,
        "办结的工单在这里等待回访。",
    ),
    Queue(
        "verifications",
        "责任核实",
        (P.ORDER_VERIFY, P.ORDER_OVERSEE),
        _states(S.VERIFYING),
        TARGET,
        "回访不满意的工单在这里核实责任。",
    ),
    Queue(
        "candidates",
        "督办候选",
        (P.ORDER_OVERSEE,),
        (_named_in(SupervisionCandidate, SupervisionCandidate.state == "open"),),
        Ticket.due_at,
        "可能需要督办的工单在这里由督办员认定。",
    ),
    Queue(
        "identity",
        "身份查看审批",
        (P.ORDER_VERIFY,),
        (_named_in(IdentityRequest, IdentityRequest.state == "open"),),
        _first(IdentityRequest.requested_at, IdentityRequest.state == "open"),
        "承办单位申请查看举报人或要求保密的诉求人身份的工单在这里审批。",
    ),
    Queue(
        "archive",
        "待归档",
        (P.ORDER_ARCHIVE,),
        _states(S.RATED, S.SHARED),
        TARGET,
        "评价完成和已知会单位的工单在这里归档。",
    ),
)

NEEDS = tuple(dict.fromkeys(need for queue in QUEUES for need in queue.needs))
"""Any of these opens a desk."""


def queues(actor: Actor) -> list[Queue]:
    """The queues of this actor's desk, in the order of an order's life."""
    return [
        queue
        for queue in QUEUES
        if any(map(actor.may, queue.needs)) and (actor.unit_id is not None if queue.parts else True)
    ]


@dataclass(frozen=True)
class Narrowing:
    """What a person looks for in a queue; empty: all of it, what is due first at the top."""

    search: str = ""
    category: Category | None = None
    area: str | None = None
    newest: bool = False
    """By intake, the newest first, instead of by the queue's clock."""

    async def conditions(self, actor: Actor) -> tuple[ColumnElement[bool], ...]:
        """Read as the list of orders reads them. Raises Denied("no-phone-search")."""
        if not (self.search or self.category or self.area):
            return ()
        found = await narrow(actor, OrderFilter(search=self.search, category=self.category, area=self.area))
        return found.everything

    def order(self, queue: Queue) -> tuple[Any, Any]:
        """The instant that decides the line, and what parts those of the same instant."""
        line = Ticket.opened_at if self.newest else func.coalesce(queue.due, literal(NEVER))
        return line, Assignment.id if queue.below else Ticket.id  # one order may be with several sub-units


def statement(actor: Actor, queue: Queue) -> Select[Any, Any, Any]:
    """Everything in the queue that the actor may know of."""
    line = func.coalesce(queue.due, literal(NEVER)).label("line")
    if queue.parts:
        wanted = select(Ticket, Assignment, line).join(Assignment, Assignment.ticket_id == Ticket.id)
        wanted = wanted.where(Assignment.closed_at.is_(None), *queue.where)
        if not queue.below:
            return wanted.where(Assignment.unit_id == actor.unit_id)
        above = aliased(Assignment)
        wanted = wanted.join(above, above.id == Assignment.parent_id)
        return wanted.where(above.unit_id == actor.unit_id, above.closed_at.is_(None))
    return select(Ticket, literal(None), line).where(*queue.where, visible_to(actor))


ALL = Narrowing()


async def waiting(
    session: AsyncSession,
    actor: Actor,
    queue: Queue,
    after: tuple[datetime, UUID] | None = None,
    asked: Narrowing = ALL,
) -> tuple[list[Waiting], tuple[datetime, UUID] | None]:
    """A page of the queue, and the key of the next page. Raises Denied("no-phone-search")."""
    wanted = statement(actor, queue).where(*await asked.conditions(actor))
    line, tie = asked.order(queue)
    if after is not None:
        here, last_seen = tuple_(line, tie), tuple_(literal(after[0]), literal(after[1]))
        wanted = wanted.where(here < last_seen if asked.newest else here > last_seen)
    ordered = (line.desc(), tie.desc()) if asked.newest else (line, tie)
    rows = (await session.execute(wanted.order_by(*ordered).limit(PAGE + 1))).all()
    shown = [Waiting(ticket, None if due == NEVER else due, part) for ticket, part, due in rows[:PAGE]]
    if len(rows) <= PAGE:
        return shown, None
    ticket, part, due = rows[PAGE - 1]
    return shown, (ticket.opened_at if asked.newest else due, part.id if queue.below else ticket.id)


async def counts(session: AsyncSession, actor: Actor, wanted: Sequence[Queue]) -> dict[str, int]:
    """How many wait in each, up to `MOST_COUNTED`, in one statement."""
    if not wanted:
        return {}
    columns = [
        select(func.count())
        .select_from(statement(actor, queue).with_only_columns(Ticket.id).limit(MOST_COUNTED).subquery())
        .scalar_subquery()
        .label(queue.key)
        for queue in wanted
    ]
    row = (await session.execute(select(*columns))).one()
    return dict(zip([queue.key for queue in wanted], row, strict=True))
