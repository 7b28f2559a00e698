"""Who may see a dossier, and what of it may leave the house. Pure."""

from dataclasses import dataclass

from sqlalchemy import ColumnElement, false, true

from core.actor import Actor
from core.errors import Denied, Invalid
from core.permissions import Permission
from crm.dossiers.manifest import Entry, Need
from crm.dossiers.models import Dossier

MAY_ADD = (Permission.ORDER_ARCHIVE, Permission.ORDER_OVERSEE)
"""Who puts 会议材料 and 领导批示 to an order: the centre's archive, and the bureau."""
LONGEST_REASON = 200
TAKES = {
    Need.IDENTITY: (Permission.PERSONAL_UNMASK,),
    Need.SOUND: (Permission.RECORDING_LISTEN, Permission.RECORDING_TAKE),
}
"""What takes an entry along. Sounds leave as they are, or no digest would hold: a marked copy is what others get."""


def visible_to(actor: Actor) -> ColumnElement[bool]:
    """Staff of the centre and the bureau; a 举报 as in the list of orders."""
    if not actor.may(Permission.ORDER_VIEW):
        return false()
    if actor.may(Permission.ORDER_SEALED) or actor.may(Permission.ORDER_REPORTS):
        return true()
    return Dossier.sealed.is_(False)


def may_take(actor: Actor, need: Need, *, sealed: bool) -> bool:
    """Whether the actor may take out what has this need; of a 举报 only who may know who reported it."""
    if sealed and not actor.may(Permission.ORDER_SEALED):
        return False
    return all(map(actor.may, TAKES[need]))


@dataclass(frozen=True)
class Asked:
    """What somebody wants to take out, and why."""

    reason: str
    identity: bool = False
    sound: bool = False

    @property
    def needs(self) -> frozenset[Need]:
        """What is asked for beyond what anybody may read."""
        given = {Need.IDENTITY: self.identity, Need.SOUND: self.sound}
        return frozenset(need for need, wanted in given.items() if wanted)


def checked(actor: Actor, dossier: Dossier, asked: Asked) -> Asked:
    """What goes on record. Raises Denied, Invalid("no-reason")."""
    actor.require(Permission.ORDER_EXPORT)
    for need in asked.needs:
        if not may_take(actor, need, sealed=dossier.sealed):
            what = "录音" if need is Need.SOUND else "完整个人信息"
            raise Denied("not-permitted", f"您没有导出{what}的权限。")
    reason = asked.reason.strip()
    if not 2 <= len(reason) <= LONGEST_REASON:
        raise Invalid("no-reason", "请填写导出原因。", fields={"reason": "请填写导出原因，2至200字。"})
    return Asked(reason, asked.identity, asked.sound)


def withheld(entry: Entry, taken: frozenset[Need]) -> str:
    """Why an entry does not go along; empty where it does."""
    missing = [need for need in Need if need.value in entry.needs and need not in taken]
    return missing[0].value if missing else ""
