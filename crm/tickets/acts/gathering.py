"""牵头汇总: one answer out of what assisting units and sub-units replied (第八条(四)(六))."""

from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

from crm.tickets.models import Assignment, Reply
from crm.tickets.states import By

USABLE = {By.ASSIST: "noted", By.SUB: "passed"}
"""An assisting unit's opinion as it came; a sub-unit's answer once its unit has approved it."""
LONGEST = 4_000


def to_gather(replies: Iterable[Reply], parts: Sequence[Assignment], own: Assignment) -> list[Reply]:
    """F08-4: what an answer rests on: the newest usable reply of each part of the round that answers to `own`, oldest
    first. Assisting units answer to the lead, sub-units to the unit that handed the order on.
    """
    leads = own.role == By.LEAD
    mine = {one.id for one in parts if (one.role == By.ASSIST and leads) or one.parent_id == own.id}
    newest = {
        one.assignment_id: one
        for one in sorted(replies, key=lambda one: (one.submitted_at, one.id))
        if one.assignment_id in mine and USABLE.get(By(one.role)) == one.state
    }
    return sorted(newest.values(), key=lambda one: (one.submitted_at, one.id))


def draft(replies: Sequence[Reply], units: Mapping[UUID, str]) -> str:
    """One text for the unit to finish, each opinion under its unit; empty where there is none. `units`: by part."""
    if not replies:
        return ""
    opinions = [f"{units[one.assignment_id]}：{one.text.strip()}" for one in replies]
    return ("经会同有关单位办理，情况如下：\n" + "\n".join(opinions))[:LONGEST]
