"""The other lines: those of the county's kinds of emergencies, and the entries of the referral directory."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from core.errors import Invalid, NotFound
from crm.county.emergencies import EmergencyKind
from crm.installed import installed
from crm.referrals.models import Referral
from crm.referrals.service import in_use

LINE, REFERRAL = "line", "referral"
OTHERS = (f"{LINE}:", f"{REFERRAL}:")
"""`line:110`, a number of the county's kinds; `referral:<id>`, an entry of the directory."""
MOST = 4
POLICE = "110"


@dataclass(frozen=True)
class Line:
    """Another line; `to` names it in a request, `number` is as it is dialled, empty where one must go there."""

    to: str
    name: str
    number: str


async def all_of(session: AsyncSession) -> Sequence[Line]:
    """Whom a matter may go to or come from: the lines of the county's kinds, then the directory."""
    listed, emergency = await in_use(session), _emergency()
    first = [_of_number(number, listed) for number in emergency]
    return [*first, *(_of_entry(one) for one in listed if one.number not in emergency)]


async def of_kind(session: AsyncSession, kind: EmergencyKind) -> Sequence[Line]:
    """Whom a kind is passed on to: its line, or the utilities that the directory has by then."""
    listed = await in_use(session)
    if kind.line:
        return [_of_number(kind.line, listed)]
    found = [one for one in listed if one.number and any(word in one.name + one.matters for word in kind.utilities)]
    return [_of_entry(one) for one in found[:MOST]]


async def find(session: AsyncSession, to: str) -> Line:
    """What a request names. Raises NotFound("no-line")."""
    kind, _, name = to.partition(":")
    listed = await in_use(session)
    if kind == LINE and name in _emergency():
        return _of_number(name, listed)
    entry = next((one for one in listed if kind == REFERRAL and str(one.id) == name), None)
    if entry is None:
        raise NotFound("no-line", "没有这条联动线路，或已停用。")
    return _of_entry(entry)


async def dialled(session: AsyncSession, to: str) -> Line:
    """The same, to be called. Raises NotFound("no-line"), Invalid("line-without-number")."""
    found = await find(session, to)
    if not found.number:
        raise Invalid("line-without-number", "该去向没有电话，请告知诉求人地址。", fields={"to": "该去向没有电话"})
    return found


async def police(session: AsyncSession) -> Line:
    """110, from which matters come by a channel of their own."""
    return _of_number(POLICE, await in_use(session))


def _emergency() -> Sequence[str]:
    """The numbers of the county's kinds, each once."""
    return tuple(dict.fromkeys(kind.line for kind in installed().county.emergencies.kind if kind.line))


def _of_number(number: str, listed: Sequence[Referral]) -> Line:
    """Named as the directory names it, else as the county's file does."""
    entry = next((one.said for one in listed if one.number == number), "")
    kinds = (f"{number}{one.line_name}" for one in installed().county.emergencies.kind if one.line == number)
    return Line(f"{LINE}:{number}", (entry or next(kinds, number))[:60], number)


def _of_entry(one: Referral) -> Line:
    return Line(f"{REFERRAL}:{one.id}", one.said[:60], one.number)
