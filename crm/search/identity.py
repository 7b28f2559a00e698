"""Whose caller an actor may know of, as SQL: the twin of `crm.tickets.access.sees_identity` for lists."""

from sqlalchemy import ColumnElement, and_, or_, true

from core.actor import Actor
from core.errors import Denied
from core.permissions import Permission
from crm.tickets.models import Ticket


def identity_shown_to(actor: Actor) -> ColumnElement[bool]:
    """Orders whose caller's name and number this actor may see at all, be it masked (第二十二条)."""
    if not actor.may(Permission.ORDER_VIEW):
        return and_(Ticket.sealed.is_(False), Ticket.confidential.is_(False))
    if actor.may(Permission.ORDER_SEALED):
        return true()
    return or_(Ticket.sealed.is_(False), Ticket.opened_by == actor.user_id)


def require_phone_search(actor: Actor) -> None:
    """A whole number is looked for by those who may see numbers in full: others could find one out digit by digit."""
    if not actor.may(Permission.PERSONAL_UNMASK):
        raise Denied("no-phone-search", "您的岗位不能按完整电话号码查询，可以输入电话的后四位。")
