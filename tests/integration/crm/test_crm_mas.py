"""Cloud MAS beyond one message: approved templates, each way in which the platform answers or not, its pushes."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from crm_peers import CloudMas, eventually
from sqlalchemy import select

from core.db import Database, new_id
from core.errors import Unavailable
from crm.settings import MasTemplate
from crm.sms.inbox import DatabaseInbox
from crm.sms.mas.gateway import NO_TEMPLATE, MasGateway
from crm.sms.models import SmsReceipt, SmsReply
from crm.sms.port import NotSent, Refused, Reply, Report, Uncertain

TO = "+8613800001234"
TEXT = "【弋阳12345】您的诉求已受理，工单号YY20261123-00001，查询码123456。"
APPROVED = MasTemplate(id="9ec4b9678108449896a5250d53b59325", text="您的诉求已受理，工单号{}，查询码{}。")
pytestmark = pytest.mark.parametrize("peer", ["mas"], indirect=True)


@pytest.fixture
async def gateway(peer: CloudMas, db: Database) -> AsyncIterator[MasGateway]:
    made = MasGateway(peer.settings().mas, DatabaseInbox(db))
    await made.start()
    yield made
    await made.stop()


async def submit_once(peer: CloudMas, **more: Any) -> str:
    gateway = MasGateway(peer.settings(**more).mas, Deaf())
    await gateway.start()
    try:
        return await gateway.submit(new_id(), TO, TEXT)
    finally:
        await gateway.stop()


class Deaf:
    """An inbox whose database is away."""

    async def report(self, report: Report) -> None:
        raise Unavailable("database-away", "数据库没有应答。")

    async def reply(self, reply: Reply) -> None:
        raise Unavailable("database-away", "数据库没有应答。")


async def test_without_templates_the_words_go_as_they_are_and_the_platform_signs_them(peer: CloudMas) -> None:
    await submit_once(peer)
    sent = await peer.event("submit")
    assert (sent["path"], sent["text"]) == ("/sms/norsubmit", TEXT.removeprefix("【弋阳12345】"))


async def test_a_template_is_found_by_the_words_and_filled_with_theirs(peer: CloudMas) -> None:
    other = MasTemplate(id="another", text="您的诉求已办结，工单号{}。")
    batch = await submit_once(peer, templates=(other, APPROVED))
    sent = await peer.event("submit")
    assert (sent["path"], sent["template"], sent["text"]) == ("/sms/tmpsubmit", APPROVED.id, None)
    assert sent["values"] == ["YY20261123-00001", "123456"]
    assert batch == sent["id"]


async def test_a_template_without_variables_has_one_empty_value(peer: CloudMas) -> None:
    fixed = MasTemplate(id=APPROVED.id, text=TEXT.removeprefix("【弋阳12345】"))
    await submit_once(peer, templates=(fixed,))
    assert (await peer.event("submit"))["values"] == [""]


async def test_what_no_template_says_is_not_sent(peer: CloudMas) -> None:
    with pytest.raises(Refused, match=NO_TEMPLATE):
        await submit_once(peer, templates=(MasTemplate(id="x", text="您的诉求已受理，工单号{}。"),))
    assert peer.count("submit") == 0


@pytest.mark.parametrize(
    ("response", "error", "why"),
    [
        ("IllegalMac", NotSent, "mac校验不通过"),
        ("IllegalSignId", NotSent, "签名编码无效"),
        ("NoSignId", NotSent, "未匹配到签名"),
        ("InvalidUsrOrPwd", NotSent, "用户名或密码"),
        ("InvalidMessage", Refused, "解析失败"),
        ("TooManyMobiles", Refused, "号码过多"),
        ("SomethingNew", Refused, "SomethingNew"),
        (302, NotSent, "302"),
        (404, NotSent, "404"),
        (500, Uncertain, ""),
        (503, Uncertain, ""),
        ("garbage", Uncertain, ""),
        ("none", Uncertain, ""),
        ("drop", Uncertain, ""),
    ],
)
async def test_each_answer_says_what_is_certain(
    peer: CloudMas, gateway: MasGateway, response: str | int, error: type[Exception], why: str
) -> None:
    await peer.tell(set={"response": response, "report": None})
    with pytest.raises(error, match=why or None):
        await gateway.submit(new_id(), TO, TEXT)
    await peer.event("submit")
    assert peer.count("submit") == 1
    health = await gateway.health()
    assert health.ok == (error is not NotSent)
    await peer.tell(set={"response": "ok"})
    await gateway.submit(new_id(), TO, TEXT)
    assert (await gateway.health()).ok


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"secret_key": "wrong"}, "InvalidUsrOrPwd"),
        ({"sign": "wrong"}, "IllegalSignId"),
        ({"ec_name": "x"}, "InvalidUsr"),
    ],
)
async def test_a_wrong_account_is_told_by_the_platform(peer: CloudMas, wrong: dict[str, str], why: str) -> None:
    with pytest.raises(NotSent, match=why):
        await submit_once(peer, **wrong)


async def test_a_platform_that_is_away_costs_nothing_but_time(peer: CloudMas, gateway: MasGateway) -> None:
    await peer.stop()
    with pytest.raises(NotSent, match="不能连接"):
        await gateway.submit(new_id(), TO, TEXT)
    assert not (await gateway.health()).ok
    await peer.start()
    await gateway.submit(new_id(), TO, TEXT)


async def test_an_operators_own_code_in_a_report_is_a_failure(
    peer: CloudMas, gateway: MasGateway, db: Database
) -> None:
    await peer.tell(set={"error": "DB:0140"})
    await peer.tell(report={"id": "batch1", "to": "13800001234", "status": "UNDELIV"})
    await peer.tell(report={"id": "batch2", "to": "13800001234", "status": "MK:0001"})
    async with db.session() as session:
        rows = {row.gateway_id: (row.status, row.error) for row in await session.scalars(select(SmsReceipt))}
    assert rows == {"batch1": ("UNDELIV", "DB:0140"), "batch2": ("UNDELIV", "DB:0140")}


REPORT = {"reportStatus": "DELIVRD", "mobile": "13800001234", "errorCode": "", "msgGroup": "batch"}


@pytest.mark.parametrize(
    "body",
    [
        REPORT,
        [REPORT, REPORT | {"msgGroup": "batch2"}],
        REPORT | {"mobile": ["13800001234"], "errorCode": None, "extra": {"x": 1}},
        {name: REPORT[name] for name in ("reportStatus", "mobile", "msgGroup")},
    ],
)
async def test_reports_in_each_form_that_platforms_use(
    peer: CloudMas, gateway: MasGateway, db: Database, body: Any
) -> None:
    await peer.tell(push={"path": "/report", "body": json.dumps(body)})
    assert (await peer.event("push-answered"))["status"] == 200
    async with db.session() as session:
        rows = (await session.scalars(select(SmsReceipt))).all()
        assert {(row.status, row.phone, row.error) for row in rows} == {("DELIVRD", TO, "")}
        assert len(rows) == (len(body) if isinstance(body, list) else 1)


HOSTILE = {
    "nothing": "",
    "no JSON": "reportStatus=DELIVRD",
    "a number": "7",
    "no batch": json.dumps(REPORT | {"msgGroup": ""}),
    "no status": json.dumps({"msgGroup": "b", "mobile": "13800001234"}),
    "a status of another type": json.dumps(REPORT | {"reportStatus": {"a": 1}}),
    "two numbers": json.dumps(REPORT | {"mobile": ["13800001234", "13800001235"]}),
    "a NUL": json.dumps(REPORT | {"msgGroup": "a\x00b"}),
    "half a character": '{"reportStatus": "DELIVRD", "mobile": "1", "msgGroup": "\\ud83d"}',
    "a batch without end": json.dumps(REPORT | {"msgGroup": "b" * 65}),
    "brackets without end": "[" * 100_000,
}


@pytest.mark.parametrize("body", HOSTILE.values(), ids=HOSTILE)
async def test_a_push_that_is_none_is_refused_and_nothing_is_kept(
    peer: CloudMas, gateway: MasGateway, db: Database, body: str
) -> None:
    await peer.tell(push={"path": "/report", "body": body})
    assert (await peer.event("push-answered"))["status"] == 400
    async with db.session() as session:
        assert (await session.scalars(select(SmsReceipt))).all() == []
    await peer.tell(push={"path": "/report", "body": json.dumps(REPORT)})
    assert (await peer.event("push-answered", after=len(peer.happened) - 2))["status"] == 200


async def test_only_who_knows_the_token_from_where_he_may_can_push(peer: CloudMas, db: Database) -> None:
    settings = peer.settings().mas
    address, token = f"http://127.0.0.1:{settings.push_port}", settings.push_token
    body = {"mobile": "13800001234", "smsContent": "谢谢", "sendTime": "2026-11-23 15:00:00", "addSerial": ""}
    for allowed, paths in (
        ([], {"/wrong-token-of-some-length/reply": 404, f"/{token}/other": 404, f"/{token}/reply": 200}),
        (["10.0.0.0/8"], {f"/{token}/reply": 404}),
        (["10.0.0.0/8", "127.0.0.0/8"], {f"/{token}/reply": 200}),
    ):
        gateway = MasGateway(peer.settings(push_from=allowed).mas, DatabaseInbox(db))
        await gateway.start()
        async with aiohttp.ClientSession() as http:
            for path, status in paths.items():
                async with http.post(address + path, json=body) as response:
                    assert (path, response.status) == (path, status)
            async with http.post(f"{address}/{token}/reply", data=b"x" * 300_000) as response:
                assert response.status in (404, 413)
        await gateway.stop()
    async with db.session() as session:
        assert [row.text for row in await session.scalars(select(SmsReply))] == ["谢谢", "谢谢"]


async def test_a_push_while_the_database_is_away_is_to_be_pushed_again(peer: CloudMas) -> None:
    gateway = MasGateway(peer.settings().mas, Deaf())
    await gateway.start()
    await peer.tell(push={"path": "/report", "body": json.dumps(REPORT)})
    assert (await peer.event("push-answered"))["status"] == 503
    await gateway.stop()


async def test_a_push_port_that_is_taken_is_shown_and_messages_go_all_the_same(peer: CloudMas) -> None:
    with socket.create_server(("127.0.0.1", peer.settings().mas.push_port)):
        gateway = MasGateway(peer.settings().mas, Deaf())
        await gateway.start()
        await gateway.submit(new_id(), TO, TEXT)
        health = await gateway.health()
        await gateway.stop()
    assert not health.ok
    assert "收不到回执" in health.detail


async def test_messages_at_once_each_have_their_own_batch(peer: CloudMas, gateway: MasGateway) -> None:
    batches = await asyncio.gather(*(gateway.submit(new_id(), TO, TEXT) for _ in range(40)))
    assert len(set(batches)) == 40

    async def reported() -> bool:
        return peer.count("report-acknowledged") == 40

    await eventually(reported)
