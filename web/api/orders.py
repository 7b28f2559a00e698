"""`/api/v1/orders`: a channel opens an order and follows it; a unit's system follows what was dispatched to it."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import AwareDatetime, ConfigDict, Field

from core import phone
from core.errors import Invalid
from core.permissions import Permission as P
from crm.channels import queries, service
from crm.channels.queries import Seen
from crm.county.categories import Category
from crm.tickets.input import Correction
from crm.tickets.models import Assignment
from crm.tickets.perform import offers
from crm.tickets.states import Act, By, Stage, State
from web.context import Context
from web.route import Answers, Asks, Route

MAX_ATTACHMENTS = 20
PART_WORDS = ("title", "content", "address", "occurred", "subject", "demand", "area", "matter")
WRITTEN = ("category", *PART_WORDS, "caller_name", "confidential")


class ApiAsks(Asks):
    """A request model whose attribute docstrings are its description in the API's document."""

    model_config = ConfigDict(use_attribute_docstrings=True)


class Attachment(ApiAsks):
    """A file that the channel keeps; its digest lets the centre prove later which file it was."""

    name: Annotated[str, Field(title="文件名", min_length=1, max_length=120)]
    media_type: Annotated[str, Field(title="类型", pattern=r"^[a-z]+/[A-Za-z0-9.+-]{1,80}$")]
    size: Annotated[int, Field(title="字节数", ge=0, le=2**40)]
    sha256: Annotated[str, Field(title="摘要", pattern=r"^[0-9a-f]{64}$")]


class NewOrder(ApiAsks):
    """A demand that a citizen brought to the channel."""

    reference: Annotated[str, Field(title="渠道编号", pattern=r"^[A-Za-z0-9][A-Za-z0-9._/-]{0,63}$")]
    """The order's number at the channel; one account never opens two orders under one."""
    title: Annotated[str, Field(title="标题", min_length=1, max_length=60)]
    """One line that says what it is about."""
    content: Annotated[str, Field(title="诉求内容", min_length=1, max_length=4000)]
    """What happened and what is asked, in the citizen's words."""
    category: Annotated[Category | None, Field(title="诉求类别")] = None
    """As far as the channel knows; an agent decides."""
    matter: Annotated[str | None, Field(title="诉求事项代码", max_length=40)] = None
    """A code of the county's list of matters."""
    area: Annotated[str | None, Field(title="乡镇（街道）代码", max_length=40)] = None
    """A unit code of the township or street where it happened."""
    address: Annotated[str, Field(title="地址", max_length=200)] = ""
    occurred: Annotated[str, Field(title="发生时间", max_length=100)] = ""
    """As the citizen tells it."""
    subject: Annotated[str, Field(title="对象", max_length=100)] = ""
    """Whom or what it is about."""
    demand: Annotated[str, Field(title="具体诉求", max_length=500)] = ""
    """What the citizen asks to be done, where `content` tells only what happened."""
    caller_name: Annotated[str | None, Field(title="诉求人姓名", max_length=40)] = None
    caller_phone: Annotated[str | None, Field(title="诉求人电话", max_length=32)] = None
    """Mobile, or fixed line with its area code; without one the order is anonymous and nobody gets an SMS."""
    confidential: Annotated[bool, Field(title="要求保密")] = False
    """The citizen asks that the handling unit does not learn who reported."""
    received_at: Annotated[AwareDatetime | None, Field(title="渠道收到时间")] = None
    """ISO 8601 with an offset."""
    incident_number: Annotated[str | None, Field(title="警情编号", max_length=40)] = None
    """Demanded of the channel `police-110`, refused from others."""
    incident_at: Annotated[AwareDatetime | None, Field(title="报警时间")] = None
    """Likewise."""
    incident_operator: Annotated[str, Field(title="转办人", max_length=40)] = ""
    """Who there handed it over, by name or number; only of `police-110`. It stands in the linkage register."""
    attachments: Annotated[list[Attachment], Field(title="附件清单", max_length=MAX_ATTACHMENTS)] = []


class OneOrder(ApiAsks):
    """An order by its id."""

    id: Annotated[UUID, Field(title="工单标识")]


class OrderList(ApiAsks):
    """Filters and the key of the page."""

    state: Annotated[State | None, Field(title="状态")] = None
    reference: Annotated[str | None, Field(title="渠道编号", max_length=64)] = None
    after: Annotated[str | None, Field(title="翻页键", max_length=100)] = None
    """`next` of the page before."""
    limit: Annotated[int, Field(title="每页条数", ge=1, le=100)] = 50


class Order(Answers):
    """An order as a program sees it: where it stands, nobody's name."""

    id: UUID
    number: str
    """工单编号."""
    reference: str | None
    """渠道编号; null where no channel opened it."""
    version: int
    """Rises with every act."""
    state: State
    state_label: str
    """The state in Chinese, as staff read it."""
    category: Category | None
    """null until somebody has decided it."""
    opened_at: datetime
    dispatched_at: datetime | None
    due_at: datetime | None
    """Exclusive end of the present handling."""
    closed_at: datetime | None


class Part(Answers):
    """What a unit's own system reads of an order that was dispatched to its unit; never who reported it (A22-3)."""

    role: By
    """主办、协办、抄送."""
    stage: Stage
    sign_due_at: datetime | None
    due_at: datetime | None
    title: str
    content: str
    address: str
    occurred: str
    subject: str
    demand: str
    area: str | None
    matter: str | None


class PossibleAct(Answers):
    """An act that this program may attempt now."""

    act: Act
    label: str
    """In Chinese, as staff read it."""
    objection: str | None
    """What stands against it already, and by which rule."""
    until: datetime | None
    """Exclusive end of the time in which it is possible; null where no clock limits it."""


class OrderDetail(Order):
    """One order with what may be done about it."""

    part: Part | None
    """Only for a unit's own system."""
    acts: list[PossibleAct]


class OpenedOrder(Order):
    """A new order, with the code by which its citizen may ask for its state."""

    query_code: str
    """查询码: to be told to the citizen, and to nobody else."""


class OrderPage(Answers):
    """One page of orders, the newest first."""

    orders: list[Order]
    next: str | None
    """Key of the next page; null at the end."""


async def create(ctx: Context, asked: NewOrder) -> OpenedOrder:
    """Open an order for a citizen who came to this channel; it waits for an agent like one from a call."""
    program = ctx.called_by
    ticket = await service.submit(ctx.session, program.actor, program.channel, _handover(asked))
    return OpenedOrder(**shown(Seen(ticket, asked.reference)), query_code=ticket.query_code)


async def show(ctx: Context, asked: OneOrder) -> OrderDetail:
    """Where one order stands, and what may be done about it."""
    seen = await queries.one(ctx.session, ctx.actor, asked.id)
    part = await queries.part(ctx.session, ctx.actor, seen.ticket)
    possible = [
        PossibleAct(
            act=one.act,
            label=one.act.label,
            objection=str(one.objection) if one.objection else None,
            until=one.until,
        )
        for one in await offers(ctx.session, ctx.actor, seen.ticket)
    ]
    return OrderDetail(**shown(seen), part=_part(part, seen) if part else None, acts=possible)


def _part(part: Assignment, seen: Seen) -> Part:
    words = {name: getattr(seen.ticket, name) for name in PART_WORDS}
    return Part(role=By(part.role), stage=Stage(part.stage), sign_due_at=part.sign_due_at, due_at=part.due_at, **words)


async def index(ctx: Context, asked: OrderList) -> OrderPage:
    """Orders that this program may see: a channel's own, or those with a unit."""
    orders, following = await queries.several(
        ctx.session,
        ctx.actor,
        state=asked.state,
        reference=asked.reference,
        after=asked.after,
        limit=asked.limit,
    )
    return OrderPage(orders=[Order(**shown(one)) for one in orders], next=following)


def _handover(asked: NewOrder) -> service.Handover:
    values = {name: getattr(asked, name) for name in WRITTEN if getattr(asked, name) is not None}
    return service.Handover(
        reference=asked.reference,
        given=Correction.model_validate(values),
        phone=_phone(asked.caller_phone),
        received_at=asked.received_at,
        incident_number=asked.incident_number,
        incident_at=asked.incident_at,
        incident_operator=asked.incident_operator,
        attachments=tuple(one.model_dump() for one in asked.attachments),
    )


def _phone(written: str | None) -> str | None:
    try:
        return phone.normalise(written) if written else None
    except Invalid as error:
        raise Invalid(error.id, error.message, fields={"caller_phone": error.fields["phone"]}) from None


def shown(seen: Seen) -> dict[str, Any]:
    """What every answer says of an order."""
    ticket = seen.ticket
    state = State(ticket.state)
    return {
        "id": ticket.id,
        "number": ticket.number,
        "reference": seen.reference,
        "version": ticket.version,
        "state": state,
        "state_label": state.label,
        "category": Category(ticket.category) if ticket.category else None,
        "opened_at": ticket.opened_at,
        "dispatched_at": ticket.first_dispatched_at,
        "due_at": ticket.due_at,
        "closed_at": ticket.closed_at,
    }


SEE = (P.ORDER_VIEW_OWN, P.ORDER_VIEW_UNIT)
ROUTES = (
    Route(
        "POST",
        "/api/v1/orders",
        P.ORDER_SUBMIT,
        NewOrder,
        create,
        "提交诉求，形成工单",
        ("reference-taken", "bad-phone"),
        answers=OpenedOrder,
        status=201,
    ),
    Route("GET", "/api/v1/orders", SEE, OrderList, index, "工单列表", ("bad-cursor",), answers=OrderPage),
    Route("GET", "/api/v1/orders/{id}", SEE, OneOrder, show, "查看一张工单", ("no-such-order",), answers=OrderDetail),
)
