"""Guards that several acts share. Each looks at the case, and says what is wrong and which rule says so. Pure."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from core.identity import profiles
from core.identity.models import Unit
from core.permissions import Permission, holders
from crm.county.categories import Category
from crm.county.data import UnitKind
from crm.installed import installed
from crm.tickets.case import Case
from crm.tickets.identity import traces
from crm.tickets.models import Ticket
from crm.tickets.rules import Objection


def has_category(case: Case) -> Objection | None:
    """A09-1: the category is mandatory before dispatch and decides the limit."""
    return None if case.category else Objection("请选择诉求类别", "第九条、第十三条", "category")


def has_content(case: Case) -> Objection | None:
    """An order says what is asked."""
    if case.ticket.content.strip():
        return None
    return Objection("请填写诉求内容", "第十二条(一)", "content")


def has_title(case: Case) -> Objection | None:
    """Lists show it."""
    return None if case.ticket.title.strip() else Objection("请填写标题", "第十二条(一)", "title")


def report_names_nobody(case: Case) -> Objection | None:
    """第二十八条(八): a 举报 is dispatched only when nothing in it tells who reported."""
    if case.category is not Category.REPORT:
        return None
    ticket = case.ticket
    words = "\n".join((ticket.title, ticket.content, ticket.address, ticket.subject, ticket.demand))
    found = traces(words, name=ticket.caller_name, phone=ticket.caller_phone)
    if not found:
        return None
    shown = "、".join(found)
    return Objection(f"举报内容含有可能暴露举报人的信息：{shown}，请改写", "第二十八条(八)", "content")


def units_exist(case: Case, given: Any) -> Objection | None:
    """第五条: only active member units, and an enterprise only with its competent department."""
    for name, ids in given.units().items():
        for unit_id in ids:
            unit = case.units.get(unit_id)
            if unit is None or not unit.active:
                return Objection("单位不存在或已停用", "第八条", name)
            if unit.kind == UnitKind.ENTERPRISE and unit.competent_unit_id is None:
                return Objection(f"{unit.name}未登记主管部门，不能派单", "第五条", name)
    return None


def units_are_members(case: Case, given: Any) -> Objection | None:
    """第八条(六): the centre dispatches to member units; what stands below one gets orders from it."""
    for name, ids in given.units().items():
        for unit_id in ids:
            if (unit := case.units.get(unit_id)) is not None and unit.parent_unit_id is not None:
                return Objection(f"{unit.name}由其上级单位二级转办，不能直接派单", "第八条(六)", name)
    return None


def units_are_ready(case: Case, given: Any) -> Objection | None:
    """A08-1: no order goes to a unit whose profile is incomplete, unless a person says why it must."""
    if given.incomplete_reason:
        return None
    named = dict.fromkeys(unit_id for ids in given.units().values() for unit_id in ids)
    lacking = [unit for unit_id in named if (unit := case.units.get(unit_id)) is not None and unit.lacks]
    if not lacking:
        return None
    shown = "；".join(f"{unit.name}资料不完整，缺{profiles.said(unit.lacks)}" for unit in lacking)
    return Objection(f"{shown}。确需派发的请写明理由", "第八条(一)", "incomplete_reason")


def files_are_of_the_order(case: Case, given: Any) -> Objection | None:
    """Nobody points to a file of another order."""
    if set(given.files()) <= case.files:
        return None
    return Objection("附件不存在，请重新上传", "第十二条(四)", "attachments")


def call_is_with_the_citizen(case: Case, given: Any) -> Objection | None:
    """Nobody names a call with somebody else."""
    if set(given.calls()) <= case.calls:
        return None
    field = "contact_call_id" if hasattr(given, "contact_call_id") else "call_id"
    return Objection("这次通话不是与本工单诉求人的通话，请重新选择", "第十二条(四)", field)


def accused_has_no_part(case: Case, given: Any) -> Objection | None:
    """F12.2-3: a 举报 that names a unit never goes to it. Where the words only mention it, a second person, not the one
    who took the order, writes down why it is not the accused."""
    for name, ids in given.units().items():
        named = [case.units[one].name for one in ids if one in case.units and names_unit(case.ticket, case.units[one])]
        if not named:
            continue
        sentence = f"举报涉及{named[0]}，不得由其承办"
        if not hasattr(given, "not_accused"):
            return Objection(sentence, "第二十八条(八)", name)
        who = holders(Permission.ORDER_SECOND)
        sentence += f"；确非被举报对象的，由{who}（非本工单受理人）写明核实情况后派发"
        if not given.not_accused:
            return Objection(sentence, "第二十八条(八)", name)
        if not case.actor.may(Permission.ORDER_SECOND) or not another(case, case.ticket.opened_by):
            return Objection(sentence, "第二十八条(八)", "not_accused")
    return None


def names_unit(ticket: Ticket, unit: Unit) -> bool:
    """Whether this is a 举报 whose words name the unit."""
    if ticket.category != Category.REPORT:
        return False
    known = installed().county.units.get(unit.code)
    names: Iterable[str] = (unit.name, *(known.aliases if known else ()))
    words = "\n".join(filter(None, (ticket.title, ticket.content, ticket.subject, ticket.demand)))
    return any(name in words for name in names)


def another(case: Case, first: UUID | None) -> bool:
    """Whether the actor is somebody else than `first`: four eyes."""
    return case.actor.user_id is None or case.actor.user_id != first
