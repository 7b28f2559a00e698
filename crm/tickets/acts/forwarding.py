"""市级工单: returns and extensions that the city decides first are sent up, and its answer is put on record (D33)."""

from datetime import date, datetime, timedelta
from typing import Annotated

from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncSession

from core.clock import midnight
from core.forms import Clean
from crm.tickets.acts.returning import the_request
from crm.tickets.case import Case
from crm.tickets.dues import upstream
from crm.tickets.input import Words
from crm.tickets.models import Extension, ReturnRequest
from crm.tickets.rules import Given, Objection, Told, effect
from crm.tickets.states import By, State

WAITS = "已报市级热线中心，须先登记市级答复"
REFUSED = "市级热线中心不同意"


class Forward(Given):
    """上报意见."""

    opinion: Words


class CityAnswer(Given):
    """市级答复: yes or no, in its words or with its number; an extension may bring a new upstream due day."""

    consents: bool
    answer: Annotated[str, Field(min_length=2, max_length=200), Clean]
    upstream_due: date | None = None


def from_the_city(case: Case) -> Objection | None:
    """Only an order with an upstream number has anybody above it."""
    if case.ticket.upstream_number:
        return None
    return Objection("本工单不是市级派发的工单，由本中心决定", "D33", "", "not-from-city")


def return_is_open(case: Case) -> Objection | None:
    """The lead's application waits here, not yet at the city."""
    return _stands(_return(case), "open", "退回申请")


def return_is_forwarded(case: Case) -> Objection | None:
    """The lead's application waits at the city."""
    return _stands(_return(case), "forwarded", "退回申请")


def extension_is_open(case: Case) -> Objection | None:
    """The application waits here, not yet at the city."""
    return _stands(_extension(case), "open", "延期申请")


def extension_is_forwarded(case: Case) -> Objection | None:
    """The application waits at the city."""
    return _stands(_extension(case), "forwarded", "延期申请")


def city_has_consented_to_return(case: Case) -> Objection | None:
    """A return that was sent up takes effect with the city's consent; one inside the county needs none."""
    request = _return(case)
    return _consent(request) if request is not None and request.state == "forwarded" else None


def city_has_consented_to_extension(case: Case) -> Objection | None:
    """D33: of an upstream order, 第十五条's 派单的热线中心 is the city's."""
    extension = _extension(case)
    if not case.ticket.upstream_number or extension is None:
        return None
    if extension.state == "open":
        sentence = "市级工单的延期由市级热线中心审批，请先报市级"
        return Objection(sentence, "第十五条、D33", "", "city-decides")
    return _consent(extension)


@effect(Forward)
async def forward_return(session: AsyncSession, case: Case, given: Forward) -> Told:
    """The centre supports the return and asks the city; the unit's clock runs on (D9)."""
    request = the_request(case, By.LEAD)
    request.state = "forwarded"
    return Told({}, {"request": str(request.id), "ground": request.ground}, given.opinion)


@effect(Forward)
async def forward_extension(session: AsyncSession, case: Case, given: Forward) -> Told:
    """The centre supports the extension and asks the city; the order is not marked overdue meanwhile (D17)."""
    extension = _extension(case)
    assert extension is not None  # a condition has seen to it
    extension.state = "forwarded"
    kept = {"extension": str(extension.id), "days": extension.days, "due_asked": extension.due_asked.isoformat()}
    return Told({}, kept, given.opinion)


@effect(CityAnswer)
async def city_on_return(session: AsyncSession, case: Case, given: CityAnswer) -> Told:
    """What the city says; the centre's own decision follows it."""
    request = the_request(case, By.LEAD)
    request.city_consents, request.city_answer = given.consents, given.answer
    return Told({}, {"request": str(request.id), "consents": given.consents}, given.answer)


@effect(CityAnswer)
async def city_on_extension(session: AsyncSession, case: Case, given: CityAnswer) -> Told:
    """What the city says, and its new due; the centre's own decision follows it."""
    extension = _extension(case)
    assert extension is not None  # a condition has seen to it
    extension.city_consents, extension.city_answer = given.consents, given.answer
    before: dict[str, object] = {}
    after: dict[str, object] = {"extension": str(extension.id), "consents": given.consents}
    if given.consents and given.upstream_due is not None:
        before["upstream_due_at"] = _iso(case.ticket.upstream_due_at)
        await upstream(session, case, end_of(given.upstream_due), f"市级答复：{given.answer}")
        after |= {"upstream_due_at": _iso(case.ticket.upstream_due_at), "held_to": _iso(case.due_at)}
    return Told(before, after, given.answer)


def end_of(day: date) -> datetime:
    """The exclusive end of a day, like every due instant (D3)."""
    return midnight(day + timedelta(days=1))


def _iso(at: datetime | None) -> str | None:
    return at.isoformat() if at else None


def _return(case: Case) -> ReturnRequest | None:
    leads = {part.id for part in case.role(By.LEAD)}
    waiting = (one for one in case.of(ReturnRequest) if one.state in {"open", "forwarded"})
    return next((one for one in waiting if one.assignment_id in leads and case.state is State.RETURNING), None)


def _extension(case: Case) -> Extension | None:
    return next((one for one in case.of(Extension) if one.state in {"open", "forwarded"}), None)


def _stands(row: ReturnRequest | Extension | None, state: str, what: str) -> Objection | None:
    if row is None:
        return Objection(f"没有待决定的{what}", "D33", "", "nothing-waits")
    if row.state != state:
        sentence = f"{what}{'已报市级' if row.state == 'forwarded' else '尚未报市级'}"
        return Objection(sentence, "D33", "", "city-asked" if row.state == "forwarded" else "city-not-asked")
    return None


def _consent(row: ReturnRequest | Extension) -> Objection | None:
    if row.city_consents is None:
        return Objection(WAITS, "D33", "", "city-decides")
    return None if row.city_consents else Objection(f"{REFUSED}：{row.city_answer}", "D33", "", "city-refused")
