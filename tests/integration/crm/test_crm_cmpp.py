"""CMPP beyond one message: long ones, speed, window, link tests, citizens' texts, and gateways that talk nonsense."""

import asyncio
import itertools
import time
from collections.abc import AsyncIterator
from typing import Any

import cmppy
import pytest
from crm_peers import Ismg, Peer, eventually
from pycmpp.request import ConnectRequestInstance, SubmitRequestInstance
from pycmpp.response import SubmitResponseInstance
from sqlalchemy import select

from core.db import Database, new_id
from core.errors import Unavailable
from crm.sms.cmpp.gateway import CmppGateway
from crm.sms.inbox import DatabaseInbox
from crm.sms.models import SmsReply
from crm.sms.port import NotSent, Refused, Reply, Report, Uncertain

TO = "+8613800001234"
BOTH = pytest.mark.parametrize("peer", ["cmpp-2.0", "cmpp-3.0"], indirect=True)


class Kept:
    """An inbox in memory; `away` makes it refuse."""

    def __init__(self) -> None:
        self.reports: list[Report] = []
        self.replies: list[Reply] = []
        self.away = False

    async def report(self, report: Report) -> None:
        self._ready()
        self.reports.append(report)

    async def reply(self, reply: Reply) -> None:
        self._ready()
        self.replies.append(reply)

    def _ready(self) -> None:
        if self.away:
            raise Unavailable("database-away", "数据库没有应答。")


@pytest.fixture
def kept() -> Kept:
    return Kept()


@pytest.fixture
async def gateway(peer: Peer, kept: Kept) -> AsyncIterator[CmppGateway]:
    made = CmppGateway(peer.settings().cmpp, kept)
    await made.start()
    async with asyncio.timeout(20):
        await made.link.bound()
    yield made
    await made.stop()


async def until(true: Any) -> None:
    async def ask() -> bool:
        return bool(true())

    await eventually(ask)


@BOTH
async def test_the_peer_understands_clients_that_we_did_not_write(peer: Ismg) -> None:
    """Ours is not the only one that the test gateway accepts, so the two do not share a mistake."""
    await peer.tell(set={"report": None})
    if peer.version == "3.0":
        client = cmppy.Cmppy("127.0.0.1", peer.port, "901234", "secret")
        answer = await asyncio.to_thread(client.request, cmppy.SubmitReq("901234", "您好", "12345", ["13800001234"]))
        assert (answer.result, str(answer.msg_id)) == (0, (await peer.event("submit"))["id"])
        await peer.event("terminate")
    else:
        reader, writer = await asyncio.open_connection("127.0.0.1", peer.port)
        writer.write(ConnectRequestInstance().create("901234", "secret"))
        await reader.readexactly(12 + 18)
        writer.write(SubmitRequestInstance().create("901234", "您好", ["13800001234"], src_id="12345"))
        answer = SubmitResponseInstance()
        answer.resolve(await reader.readexactly(12 + 9))
        assert (answer.status, str(answer.msg_id)) == (0, (await peer.event("submit"))["id"])
        writer.close()
    assert (await peer.event("bind"))["good"]
    assert (await peer.event("submit"))["text"] == "您好"


@BOTH
async def test_a_long_message_goes_in_parts_and_has_one_report(peer: Peer, gateway: CmppGateway, kept: Kept) -> None:
    text = "您的诉求已办结😀" * 20
    gateway_id = await gateway.submit(new_id(), TO, text)
    await until(lambda: peer.count("submit") == 3)
    sent = [one for one in peer.happened if one["event"] == "submit"]
    assert "".join(one["text"] for one in sent) == text
    assert [(one["part"], one["total"], one["registered"]) for one in sent] == [(1, 3, 0), (2, 3, 0), (3, 3, 1)]
    assert [one["head"] for one in sent] == [f"050003{sent[0]['head'][6:8]}03{number:02}" for number in (1, 2, 3)]
    await until(lambda: kept.reports)
    assert kept.reports == [Report("cmpp", gateway_id, TO, "DELIVRD")]
    assert sent[-1]["id"] == gateway_id


@BOTH
async def test_a_part_that_is_refused_fails_the_message_for_a_person_to_decide(
    peer: Peer, gateway: CmppGateway
) -> None:
    for response, why in (("throttle", "流量控制错"), ("refuse", "接收号码错")):
        await peer.tell(set={"response": response})
        with pytest.raises(Refused, match=why):
            await gateway.submit(new_id(), TO, "长" * 100)


@BOTH
async def test_the_account_fields_are_those_of_the_settings(peer: Peer, gateway: CmppGateway) -> None:
    await gateway.submit(new_id(), TO, "您好")
    sent = await peer.event("submit")
    assert (sent["service"], sent["from"], sent["fee"], sent["to"]) == (
        "HELP",
        "12345",
        [2, "01", "000000"],
        "13800001234",
    )


@BOTH
async def test_never_more_than_the_speed_limit_and_the_window(peer: Peer, kept: Kept) -> None:
    slow = CmppGateway(peer.settings(messages_per_s=25, response_timeout_s=20).cmpp, kept)
    await slow.start()
    async with asyncio.timeout(20):
        await slow.link.bound()
    began = time.monotonic()
    await asyncio.gather(*(slow.submit(new_id(), TO, "您好") for _ in range(26)))
    assert time.monotonic() - began >= 1.0
    await until(lambda: peer.count("submit") == 26)
    await slow.stop()
    await peer.event("terminate")


@BOTH
async def test_a_full_window_sends_no_more_and_what_waited_is_not_sent(peer: Peer, gateway: CmppGateway) -> None:
    await peer.tell(set={"response": "none"})
    tries = [gateway.submit(new_id(), TO, "您好") for _ in range(20)]
    outcomes = await asyncio.gather(*tries, return_exceptions=True)
    await until(lambda: peer.count("submit") == 16)
    assert [type(one) for one in outcomes].count(Uncertain) == 16
    assert [type(one) for one in outcomes].count(NotSent) == 4
    await peer.tell(set={"response": "ok"})
    await until(lambda: peer.count("bind") == 2)  # a window full of what is never answered is of no use
    async with asyncio.timeout(20):
        await gateway.link.bound()
    await gateway.submit(new_id(), TO, "您好")


@BOTH
async def test_both_sides_test_the_link(peer: Peer, gateway: CmppGateway) -> None:
    await peer.tell(test=True)
    await peer.event("test-answered")
    await until(lambda: peer.count("tested") >= 5)  # one more than would end the link were they not answered
    assert gateway.ready
    assert peer.count("bind") == 1


@BOTH
async def test_a_gateway_that_says_goodbye_is_answered_and_joined_again(peer: Peer, gateway: CmppGateway) -> None:
    await peer.tell(terminate=True)
    await peer.event("close")
    await until(lambda: peer.count("bind") == 2)
    async with asyncio.timeout(20):
        await gateway.link.bound()
    await gateway.submit(new_id(), TO, "您好")


@pytest.mark.parametrize(("form", "text"), [(8, "谢谢😀"), (15, "谢谢"), (0, "OK")])
@BOTH
async def test_replies_in_each_character_set(db: Database, peer: Peer, form: int, text: str) -> None:
    gateway = CmppGateway(peer.settings().cmpp, DatabaseInbox(db))
    await gateway.start()
    async with asyncio.timeout(20):
        await gateway.link.bound()
    await peer.tell(reply={"from": "8613800001234", "text": text, "format": form})
    assert (await peer.event("reply-acknowledged"))["status"] == 0
    async with db.session() as session:
        assert [(one.text, one.phone) for one in await session.scalars(select(SmsReply))] == [(text, TO)]
    await gateway.stop()


@BOTH
async def test_parts_of_a_long_reply_say_which_they_are(peer: Peer, gateway: CmppGateway, kept: Kept) -> None:
    for number, text in enumerate(("第一部分", "第二部分"), 1):
        await peer.tell(reply={"from": "13800001234", "text": text, "head": f"0500030902{number:02}"})
    await until(lambda: len(kept.replies) == 2)
    assert [one.text for one in kept.replies] == ["（1/2）第一部分", "（2/2）第二部分"]


@pytest.mark.parametrize(("stat", "status", "error"), [("MK:0001", "UNDELIV", "MK:0001"), ("EXPIRED", "EXPIRED", "")])
@BOTH
async def test_operators_own_codes_are_failures(
    peer: Peer, gateway: CmppGateway, kept: Kept, stat: str, status: str, error: str
) -> None:
    await peer.tell(set={"report": stat})
    gateway_id = await gateway.submit(new_id(), TO, "您好")
    await until(lambda: kept.reports)
    assert kept.reports == [Report("cmpp", gateway_id, TO, status, error)]


@BOTH
async def test_a_report_is_acknowledged_only_when_it_is_kept(peer: Peer, gateway: CmppGateway, kept: Kept) -> None:
    kept.away = True
    await peer.tell(report={"id": "77", "to": "13800001234", "status": "DELIVRD"})
    await peer.event("close")
    assert peer.count("report-acknowledged") == 0
    kept.away = False
    async with asyncio.timeout(20):
        await gateway.link.bound()
    await peer.tell(report={"id": "77", "to": "13800001234", "status": "DELIVRD"})
    assert (await peer.event("report-acknowledged"))["status"] == 0


@BOTH
async def test_a_report_that_is_none_is_answered_as_wrong_and_keeps_the_link(
    peer: Ismg, gateway: CmppGateway, kept: Kept
) -> None:
    content = b"\1" * 30
    phone = 33 if peer.version == "3.0" else 21
    body = bytes(8) + bytes(21 + 10 + 3) + b"13800001234".ljust(phone, b"\0") + bytes([1, len(content)]) + content
    body += bytes(20 if peer.version == "3.0" else 8)
    await peer.tell(raw=pdu_bytes(5, 0x7777, body).hex())
    assert (await peer.event("raw-acknowledged"))["status"] == 1
    assert kept.reports == []
    assert gateway.ready


NONSENSE = {
    "a length of four gigabytes": "ffffffff" + "0000000500000001",
    "a length of nothing": "00000000" + "0000000500000001",
    "a header cut short by a wrong length": "00000005" + "0000000500000001",
    "a command that does not exist": "0000000c" + "0000004200000001",
    "a response that nobody asked for": "00000015" + "8000000400ffffff" + "00" * 9,
    "a submit_resp without body": "0000000c" + "8000000400000002",
    "an HTTP server": b"HTTP/1.1 400 Bad Request\r\n\r\n".hex(),
}


@pytest.mark.parametrize("raw", NONSENSE.values(), ids=NONSENSE)
@BOTH
async def test_nonsense_ends_the_link_says_why_and_is_followed_by_a_new_one(
    peer: Peer, gateway: CmppGateway, raw: str
) -> None:
    await peer.tell(raw=raw)
    await peer.event("close")
    await until(lambda: peer.count("bind") >= 2)
    async with asyncio.timeout(20):
        await gateway.link.bound()
    assert (await gateway.submit(new_id(), TO, "您好")).isdecimal()


@pytest.mark.parametrize("response", ["wrong-sequence", "short-body", "drop"])
@BOTH
async def test_an_answer_that_answers_nothing_leaves_an_unknown(
    peer: Peer, gateway: CmppGateway, response: str
) -> None:
    await peer.tell(set={"response": response})
    with pytest.raises(Uncertain):
        await gateway.submit(new_id(), TO, "您好")
    await peer.event("submit")
    assert peer.count("submit") == 1


@BOTH
async def test_a_gateway_that_always_talks_nonsense_is_tried_ever_more_slowly(peer: Peer, kept: Kept) -> None:
    binds: list[float] = []

    async def nonsense(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        binds.append(time.monotonic())
        await reader.read(100)
        writer.write(b"\xff" * 64)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(nonsense, "127.0.0.1", 0)
    gateway = CmppGateway(peer.settings(port=server.sockets[0].getsockname()[1]).cmpp, kept)
    await gateway.start()
    await until(lambda: len(binds) == 4)
    waits = [after - before for before, after in itertools.pairwise(binds)]
    assert waits[0] < waits[1] < waits[2]
    assert "不合协议" in (await gateway.health()).detail
    await gateway.stop()
    server.close()


@pytest.mark.parametrize(
    ("peer", "wrong", "why"),
    [
        ("cmpp-2.0", {"password": "wrong"}, "认证错"),
        ("cmpp-3.0", {"sp_id": "000000"}, "认证错"),
        ("cmpp-2.0", {"version": "3.0"}, "版本太高"),
    ],
    indirect=["peer"],
)
async def test_a_login_that_is_refused_says_why(peer: Ismg, kept: Kept, wrong: dict[str, str], why: str) -> None:
    gateway = CmppGateway(peer.settings(**wrong).cmpp, kept)
    await gateway.start()
    await until(lambda: peer.count("bind") >= 1 and gateway.link.trouble)
    assert why in (await gateway.health()).detail
    with pytest.raises(NotSent):
        await gateway.submit(new_id(), TO, "您好")
    await gateway.stop()


@BOTH
async def test_a_gateway_that_does_not_know_the_password_is_left(peer: Peer, kept: Kept) -> None:
    await peer.tell(set={"proof": False})
    gateway = CmppGateway(peer.settings().cmpp, kept)
    await gateway.start()
    await until(lambda: "AuthenticatorISMG" in gateway.link.trouble)
    assert not gateway.ready
    await gateway.stop()
    trusting = CmppGateway(peer.settings(verify_gateway=False).cmpp, kept)
    await trusting.start()
    async with asyncio.timeout(20):
        await trusting.link.bound()
    await trusting.stop()


@BOTH
async def test_what_waits_when_the_link_is_lost_is_not_sent(peer: Peer, kept: Kept) -> None:
    slow = CmppGateway(peer.settings(messages_per_s=0.05, response_timeout_s=60).cmpp, kept)
    await slow.start()
    async with asyncio.timeout(20):
        await slow.link.bound()
    await slow.submit(new_id(), TO, "您好")
    waiting = asyncio.gather(*(slow.submit(new_id(), TO, "您好") for _ in range(3)), return_exceptions=True)
    await asyncio.sleep(0)
    await peer.tell(drop=True)
    assert {type(one) for one in await waiting} == {NotSent}
    await peer.event("submit")
    assert peer.count("submit") == 1
    await slow.stop()


def pdu_bytes(command: int, sequence: int, body: bytes) -> bytes:
    return b"".join(value.to_bytes(4, "big") for value in (12 + len(body), command, sequence)) + body
