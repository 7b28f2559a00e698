"""`/api/v1/orders/{id}/attachments`: a file put to an order, through the same checks as from the page."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import Field, InstanceOf, WithJsonSchema

from core.permissions import Permission as P
from crm import papers
from crm.tickets import files
from web.api.orders import OneOrder
from web.context import Context
from web.route import Answers, Route, Upload

BINARY = {"type": "string", "contentMediaType": "application/octet-stream"}


class NewFile(OneOrder):
    """One file as a part of a form (RFC 7578), with its name."""

    file: Annotated[InstanceOf[Upload], Field(title="附件"), WithJsonSchema(BINARY | {"title": "附件"})]
    """PDF, JPG, PNG, DOCX or XLSX by its first bytes and its name, at most 20 MB."""


class StoredFile(Answers):
    """The file as it was kept; an act that takes `attachments` names it by its id."""

    id: UUID
    name: str
    media_type: str
    """As its bytes say, whatever the form claimed."""
    size: int
    """Bytes."""
    sha256: str
    added_at: datetime


async def create(ctx: Context, asked: NewFile) -> StoredFile:
    """The bytes are in the store before the row says so; where the row is refused they go again."""
    file = papers.checked(asked.file.name, asked.file.content)
    await files.open_order(ctx.session, ctx.actor, asked.id)
    kept = await files.keep(ctx.parts.store, ctx.actor, asked.id, [file])
    try:
        await files.add(ctx.session, ctx.actor, asked.id, kept)
    except BaseException:
        await files.discard(ctx.parts.store, kept)
        raise
    [made] = kept
    return StoredFile(
        id=made.id,
        name=made.name,
        media_type=made.media_type,
        size=made.size,
        sha256=made.digest,
        added_at=made.added_at,
    )


ROUTES = (
    Route(
        "POST",
        "/api/v1/orders/{id}/attachments",
        (P.ORDER_SUBMIT, P.ORDER_HANDLE),
        NewFile,
        create,
        "上传附件",
        ("no-such-order", "wrong-state", "bad-file-type", "bad-file-size", "bad-file-name"),
        answers=StoredFile,
        status=201,
        takes=papers.LARGEST,
    ),
)
