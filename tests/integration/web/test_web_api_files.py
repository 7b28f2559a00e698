"""Files through the API: a channel's and a unit's, once each, through the checks of the page, hidden as there."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from sqlalchemy import select
from web_api import ORDER, Program, program, unit
from web_desk import Desk

from core.accounts.channels import Channel
from core.actor import SYSTEM
from core.db import Database
from core.ledger.models import LedgerEntry
from crm.papers import LARGEST
from crm.tickets.dispatch import Order, dispatch
from crm.tickets.models import Attachment, Ticket
from crm.tickets.perform import perform
from crm.tickets.states import Act

Serve = Callable[[], Desk]
PDF = b"%PDF-1.7\n" + b"x" * 100


async def send(
    own: Program, order: str, content: bytes = PDF, name: str = "现场照片.pdf", key: str = '"file-1"', **more: str
) -> tuple[int, dict[str, Any], aiohttp.ClientResponse]:
    form = aiohttp.FormData(quote_fields=False)
    form.add_field("file", content, filename=name, content_type="application/octet-stream")
    for field, value in more.items():
        form.add_field(field, value)
    headers = own.headers(**({"Idempotency-Key": key} if key else {}))
    async with own.desk.client.post(f"/api/v1/orders/{order}/attachments", data=form, headers=headers) as response:
        return response.status, await response.json(content_type=None), response


async def files(db: Database) -> list[Attachment]:
    async with db.session() as session:
        return list(await session.scalars(select(Attachment).order_by(Attachment.id)))


def stored(home: Path) -> list[Path]:
    return [one for one in (home / "archive").rglob("*") if one.is_file() and one.read_bytes() == PDF]


@pytest.fixture
async def counter(db: Database, serve: Serve) -> Program:
    return await program(db, serve)


@pytest.fixture
async def order(counter: Program) -> str:
    status, made = await counter.post("/api/v1/orders", ORDER)
    assert status == 201
    return str(made["id"])


async def test_a_channels_file_is_kept_once_and_is_the_orders(
    db: Database, counter: Program, order: str, home: Path, agent: Desk
) -> None:
    status, made, _ = await send(counter, order)
    assert status == 201
    assert {**made, "id": "", "added_at": ""} == {
        "id": "", "name": "现场照片.pdf", "media_type": "application/pdf", "size": len(PDF),
        "sha256": hashlib.sha256(PDF).hexdigest(), "added_at": "",
    }  # fmt: skip
    again = await send(counter, order)
    assert (again[0], again[1], again[2].headers["Idempotency-Replayed"]) == (201, made, "true")
    [row] = await files(db)
    assert (str(row.id), str(row.ticket_id), row.unit_id, len(stored(home))) == (made["id"], order, None, 1)
    for other in (PDF + b"y", PDF):
        name = "现场照片.pdf" if other != PDF else "另一张.pdf"
        status, refused, _ = await send(counter, order, other, name)
        assert (status, refused["id"]) == (422, "idempotency-key-reused")
    async with db.session() as session:
        [entry] = list(await session.scalars(select(LedgerEntry).where(LedgerEntry.action == "attachment.add")))
    assert (entry.actor_name, entry.detail["digest"]) == ("窗口系统", made["sha256"])
    assert "现场照片.pdf" in await (await agent.get(f"/orders/{order}")).text()
    assert await (await agent.get(f"/attachments/{made['id']}")).read() == PDF


@pytest.mark.parametrize(
    ("content", "name", "key", "status", "id"),
    [
        (b"MZ\x90\x00", "现场.pdf", '"a"', 422, "bad-file-type"),
        (PDF, "现场.exe", '"a"', 422, "bad-file-type"),
        (b"", "现场.pdf", '"a"', 422, "bad-file-size"),
        (PDF, ".pdf", '"a"', 422, "bad-file-name"),
        (PDF + bytes(LARGEST + 100_000), "大.pdf", '"a"', 413, "body-too-large"),
        (PDF, "现场.pdf", "", 400, "idempotency-key-missing"),
    ],
)
async def test_what_the_page_would_not_take_the_api_does_not(
    db: Database, counter: Program, order: str, content: bytes, name: str, key: str, status: int, id: str
) -> None:
    answered, refused, _ = await send(counter, order, content, name, key)
    assert (answered, refused["id"]) == (status, id), refused
    assert await files(db) == []


async def test_only_a_form_with_one_file_is_read(db: Database, counter: Program, order: str) -> None:
    status, refused = await counter.post(f"/api/v1/orders/{order}/attachments", {"file": "x"})
    assert (status, refused["id"]) == (415, "unsupported-media")
    status, refused, _ = await send(counter, order, version="3")
    assert (status, set(refused["fields"])) == (422, {"version"})
    status, refused, _ = await send(counter, order, id=order)
    assert (status, refused["id"]) == (422, "malformed-request")
    assert await files(db) == []


async def test_a_foreign_order_and_one_that_ended_take_none(
    db: Database, serve: Serve, counter: Program, order: str, home: Path
) -> None:
    site = await program(db, serve, Channel.WEB)
    assert (await send(site, order))[0] == 404
    async with db.session() as session:
        ticket = await session.get_one(Ticket, order)
        await perform(session, SYSTEM, ticket.id, ticket.version, Act.VOID, {"void_ground": "重复登记"})
    status, refused, _ = await send(counter, order)
    assert (status, refused["id"]) == (409, "wrong-state")
    assert (await files(db), stored(home)) == ([], [])


async def test_a_units_system_sends_the_proof_and_names_it_in_its_reply(
    db: Database, serve: Serve, counter: Program, order: str
) -> None:
    lead, other = await unit(db), await unit(db, "gaj", "公安局")
    own = await program(db, serve, Channel.UNIT, name="城管局办公系统", unit_id=lead)
    foreign = await program(db, serve, Channel.UNIT, name="公安局办公系统", unit_id=other)
    async with db.session() as session:
        ticket = await session.get_one(Ticket, order)
        for name in ("occurred", "address", "subject", "demand"):
            setattr(ticket, name, "不详")
        await dispatch(session, SYSTEM, ticket.id, ticket.version, Order(lead_unit_id=lead, basis="测试派发"))
    path = f"/api/v1/orders/{order}"
    _, signed = await own.post(f"{path}/sign", {"version": (await own.get(path))[1]["version"]})
    assert (await send(foreign, order))[0] == 404
    status, made, _ = await send(own, order)
    assert status == 201
    assert [one.unit_id for one in await files(db)] == [lead]
    answer = {
        "version": signed["version"], "text": "已派员清理，摊贩已劝离。", "solved": True, "attachments": [made["id"]],
        "contact_exception": "unreachable", "contact_note": "三次拨打均无人接听",
    }  # fmt: skip
    status, done = await own.post(f"{path}/submit", answer)
    assert (status, done.get("state")) == (200, "checking"), done
