"""附件: put to an order, kept in the store, read by those who may; a 举报's stay with the centre (第二十二条)."""

import hashlib
import io
import re
from collections.abc import AsyncIterator
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from core import ledger
from core.actor import Actor
from core.clock import local, now
from core.db import Database, new_id
from core.errors import Conflict, Invalid, NotFound
from core.permissions import Permission
from crm.tickets.access import get
from crm.tickets.input import clean
from crm.tickets.models import Attachment, Ticket
from crm.tickets.states import ENDS, State
from recordings.store.port import Store

LARGEST = 20 * 1024 * 1024
"""Bytes: a scanned document or a few photographs."""
LONGEST_NAME = 100
SIGNATURES = (
    (b"%PDF-", "application/pdf", (".pdf",)),
    (b"\xff\xd8\xff", "image/jpeg", (".jpg", ".jpeg")),
    (b"\x89PNG\r\n\x1a\n", "image/png", (".png",)),
    (b"PK\x03\x04", "application/vnd.openxmlformats-officedocument.wordprocessingml.document", (".docx",)),
    (b"PK\x03\x04", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", (".xlsx",)),
)
"""First bytes, type, names: a file is taken only when its bytes and its name agree."""
_FORBIDDEN = re.compile(r'[\\/:*?"<>|]')


def media_type(name: str, data: bytes) -> str:
    """What a file is, by its first bytes and its name. Raises Invalid("bad-file-type")."""
    for start, kind, endings in SIGNATURES:
        if data.startswith(start) and name.lower().endswith(endings):
            return kind
    wanted = "附件须为 PDF、JPG、PNG、DOCX 或 XLSX 文件，且扩展名与内容一致。"
    raise Invalid("bad-file-type", wanted, fields={"file": wanted})


async def attach(db: Database, store: Store, actor: Actor, ticket_id: UUID, name: str, data: bytes) -> Attachment:
    """Keep a file: the store has it before the row says so. Raises Invalid, NotFound, Conflict, Unavailable."""
    checked = _name(name)
    if not 0 < len(data) <= LARGEST:
        sentence = f"附件须有内容，且不超过{LARGEST // 2**20} MB。"
        raise Invalid("bad-file-size", sentence, fields={"file": sentence})
    kind = media_type(checked, data)
    async with db.session() as session:
        await _open_order(session, actor, ticket_id)
    made = Attachment(id=new_id(), ticket_id=ticket_id, name=checked, media_type=kind, size=len(data))
    made.digest, made.added_at, made.added_by = hashlib.sha256(data).hexdigest(), now(), actor.user_id
    made.unit_id = None if actor.may(Permission.ORDER_VIEW) else actor.unit_id
    made.store_key = f"attachments/{local(made.added_at):%Y/%m}/{made.id}"
    await store.put(made.store_key, io.BytesIO(data), made.digest)
    async with db.session() as session:
        ticket = await _open_order(session, actor, ticket_id)
        session.add(made)
        await ledger.record(session, actor, "attachment.add", "order", ticket.id, digest=made.digest, size=made.size)
    return made


async def find(session: AsyncSession, actor: Actor, attachment_id: UUID) -> Attachment:
    """A file that the actor may read; the look goes on record. Raises NotFound, whatever the reason is.

    A unit reads its own; of the centre's only what belongs to an order that hides nobody.
    """
    found = await session.get(Attachment, attachment_id)
    if found is None:
        raise NotFound("no-such-file", "没有这个附件。")
    ticket = await get(session, actor, found.ticket_id)
    own = found.unit_id is not None and found.unit_id == actor.unit_id
    if not actor.may(Permission.ORDER_VIEW) and not own and (ticket.sealed or ticket.confidential):
        raise NotFound("no-such-file", "没有这个附件。")
    await ledger.record(session, actor, "attachment.read", "order", ticket.id, attachment=str(found.id))
    return found


def content(store: Store, attachment: Attachment) -> AsyncIterator[bytes]:
    """Its bytes, read after the session ended."""
    return store.read(attachment.store_key)


async def _open_order(session: AsyncSession, actor: Actor, ticket_id: UUID) -> Ticket:
    ticket = await get(session, actor, ticket_id)
    if not actor.may(Permission.ORDER_EDIT):
        actor.require(Permission.ORDER_HANDLE)
    if State(ticket.state) in ENDS:
        raise Conflict("wrong-state", f"工单处于“{State(ticket.state).label}”状态，不能添加附件。")
    return ticket


def _name(name: str) -> str:
    try:
        text = clean(name)
    except ValueError:
        text = ""
    if not 0 < len(text) <= LONGEST_NAME or _FORBIDDEN.search(text) or text.startswith("."):
        sentence = f"文件名须为1至{LONGEST_NAME}个字，不含特殊字符。"
        raise Invalid("bad-file-name", sentence, fields={"file": sentence})
    return text
