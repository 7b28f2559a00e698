"""附件: put to an order, kept in the store, read by those who may; a 举报's stay with the centre (第二十二条)."""

import io
from collections.abc import AsyncIterator, Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from core import ledger
from core.actor import Actor
from core.clock import local, now
from core.db import Database, new_id
from core.errors import Conflict, Gone, NotFound
from core.permissions import Permission
from crm.installed import installed
from crm.papers import Checked, checked
from crm.retention_policy import RetentionPolicy
from crm.tickets.access import get
from crm.tickets.models import Attachment, Ticket
from crm.tickets.states import ENDS, State
from recordings.archive.rules import last_protected_day
from recordings.proof.arrival import arrival, note
from recordings.store.digests import Digesting
from recordings.store.port import Store

MAY_ADD = (Permission.ORDER_EDIT, Permission.ORDER_OVERSEE, Permission.ORDER_HANDLE, Permission.ORDER_SUBMIT)


async def attach(db: Database, store: Store, actor: Actor, ticket_id: UUID, name: str, data: bytes) -> Attachment:
    """Keep a file: the store has it before the row says so. Raises Invalid, NotFound, Conflict, Unavailable."""
    file = checked(name, data)
    async with db.session() as session:
        await open_order(session, actor, ticket_id)
    [made] = await keep(store, actor, ticket_id, [file])
    async with db.session() as session:
        await add(session, actor, ticket_id, [made])
    return made


async def keep(store: Store, actor: Actor, ticket_id: UUID, files: Sequence[Checked]) -> list[Attachment]:
    """Their bytes into the store -> rows that nobody has yet; `add` them in the transaction of what they belong to, or
    `discard` them when that is refused."""
    kept: list[Attachment] = []
    try:
        for file in files:
            made = _row(actor, ticket_id, file)
            kept.append(made)
            await store.put(made.store_key, io.BytesIO(file.data), made.digest)
    except BaseException:
        await discard(store, kept)
        raise
    return kept


async def add(session: AsyncSession, actor: Actor, ticket_id: UUID, kept: Sequence[Attachment]) -> None:
    """The rows of what was kept, with the ledger's. Raises NotFound, Denied, Conflict."""
    ticket = await open_order(session, actor, ticket_id)
    await catalogue(session, kept)
    for made in kept:
        await ledger.record(session, actor, "attachment.add", "order", ticket.id, digest=made.digest, size=made.size)


async def catalogue(session: AsyncSession, kept: Sequence[Attachment]) -> None:
    """Their rows alone: whoever calls this says in the ledger what was done."""
    at = await arrival(session)
    for made in kept:
        made.added_at = at
        made.protected_until = last_protected_day(at, installed().policy[RetentionPolicy].attachment_years)
        session.add(made)
    await session.flush()
    await note(session, kept, at)


async def discard(store: Store, kept: Sequence[Attachment]) -> None:
    """Bytes to which no row will point."""
    for made in kept:
        await store.delete(made.store_key)


def _row(actor: Actor, ticket_id: UUID, file: Checked) -> Attachment:
    made = Attachment(id=new_id(), ticket_id=ticket_id, name=file.name, media_type=file.media_type)
    given = Digesting()
    given.update(file.data)
    digests = given.done()
    made.size, made.digest, made.sm3 = given.size, digests.sha256, digests.sm3
    made.added_by = actor.user_id
    made.unit_id = None if actor.may(Permission.ORDER_VIEW) else actor.unit_id
    made.store_key = f"attachments/{local(now()):%Y/%m}/{made.id}"
    return made


async def readable(session: AsyncSession, actor: Actor, ticket: Ticket) -> list[Attachment]:
    """The order's files that the actor may read, oldest first: the list is no look at any of them."""
    wanted = select(Attachment).where(Attachment.ticket_id == ticket.id).order_by(Attachment.id)
    return [one for one in await session.scalars(wanted) if _may_read(actor, ticket, one)]


def _may_read(actor: Actor, ticket: Ticket, file: Attachment) -> bool:
    if actor.may(Permission.ORDER_VIEW):
        return True
    own = file.unit_id is not None and file.unit_id == actor.unit_id
    return own or not (ticket.sealed or ticket.confidential)


async def find(session: AsyncSession, actor: Actor, attachment_id: UUID) -> Attachment:
    """A file that the actor may read; the look goes on record. Raises NotFound, whatever the reason is.

    A unit reads its own; of the centre's only what belongs to an order that hides nobody. Raises Gone for what was
    lawfully destroyed.
    """
    found = await session.get(Attachment, attachment_id)
    if found is None:
        raise NotFound("no-such-file", "没有这个附件。")
    ticket = await get(session, actor, found.ticket_id)
    if not _may_read(actor, ticket, found):
        raise NotFound("no-such-file", "没有这个附件。")
    if found.destroyed_at:
        raise Gone("attachment-destroyed", f"附件“{found.name}”{ended(found)}。")
    await ledger.record(session, actor, "attachment.read", "order", ticket.id, attachment=str(found.id))
    return found


def ended(file: Attachment) -> str:
    """`已于2029年11月24日依法销毁（销毁证书 XH20291124-001）`."""
    assert file.destroyed_at
    day = local(file.destroyed_at).date()
    return f"已于{day.year}年{day.month}月{day.day}日依法销毁（销毁证书 {file.certificate}）"


def content(store: Store, attachment: Attachment) -> AsyncIterator[bytes]:
    """Its bytes, read after the session ended."""
    return store.read(attachment.store_key)


async def open_order(session: AsyncSession, actor: Actor, ticket_id: UUID) -> Ticket:
    """The order, for who may put a file to it while it lives: centre, bureau, a unit with a part, the channel that
    opened it. Raises NotFound, Denied, Conflict."""
    ticket = await get(session, actor, ticket_id)
    if not any(map(actor.may, MAY_ADD)):
        actor.require(Permission.ORDER_HANDLE)
    if State(ticket.state) in ENDS:
        raise Conflict("wrong-state", f"工单处于“{State(ticket.state).label}”状态，不能添加附件。")
    return ticket
