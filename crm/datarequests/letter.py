"""决定书: the policy's template around the decision, for print; the name is written by hand, as on every letter."""

from collections.abc import Sequence
from datetime import datetime

from core.clock import local, now
from core.errors import Conflict
from crm.datarequests.models import DataCorrection, DataRequest
from crm.datarequests.rules import Field, Kind, State, Verdict
from crm.datarequests.service import policy

UNPROVEN = "未能核验申请人身份，本次申请不予办理"


def letter(row: DataRequest, corrections: Sequence[DataCorrection]) -> str:
    """The whole text; of corrections each with what was decided of it. Raises Conflict while nothing is decided."""
    unproven = row.state == State.UNVERIFIED or (not row.verdict and row.state in (State.ANSWERED, State.CLOSED))
    if not row.verdict and not unproven:
        raise Conflict("not-decided", "申请尚未作出决定，没有可以打印的决定书。")
    reasons = row.check_note if unproven else row.reasons
    said = [f"{Field(one.field).label}{'同意更正' if one.granted else '不予更正'}" for one in corrections]
    parts = [reasons.rstrip("。")] + (["、".join(said)] if said and not unproven else [])
    if row.kind == Kind.EXPLAIN and row.done_note:
        parts.append(f"说明如下：{row.done_note.rstrip('。')}")
    return policy().letter.format(
        number=row.number,
        received=_day(row.registered_at),
        kind=f"{Kind(row.kind).label}个人信息",
        decision=UNPROVEN if unproven else Verdict(row.verdict).label,
        reasons="。".join(parts),
        law=row.law or policy().law_of(row.kind),
        complaint=policy().complaint,
        date=_day(row.answered_at or row.decided_at or now()),
    )


def _day(at: datetime) -> str:
    there = local(at)
    return f"{there.year}年{there.month}月{there.day}日"
