"""A CMPP 2.0 or 3.0 gateway: keeps one connection, submits within window and speed limit, takes reports and replies."""

import asyncio
import itertools
import random
from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from core import phone
from crm.settings import CmppSettings
from crm.sms.cmpp import pdu
from crm.sms.cmpp.session import Closed, Session
from crm.sms.cmpp.text import parts, words
from crm.sms.linked import LinkedGateway
from crm.sms.port import Inbox, NotSent, Refused, Reply, Report
from crm.sms.rules import operators_status

CONNECT_S = 10.0
LAST_SEQUENCE = 2**31
FLOW_CONTROL = 8
RESULTS = {
    1: "消息结构错",
    2: "命令字错",
    3: "消息序号重复",
    4: "消息长度错",
    5: "资费代码错",
    6: "超过最大信息长",
    7: "业务代码错",
    8: "流量控制错",
    9: "网关不服务此号码",
    10: "接入号错",
    11: "企业代码错",
    12: "计费号码错",
    13: "接收号码错",
}


@dataclass
class _Sending:
    """One message, in its parts."""

    bodies: list[bytes]
    sequences: list[int]
    answers: int = 0


class CmppGateway(LinkedGateway[_Sending]):
    """`inbox` keeps reports and replies before they are acknowledged."""

    name = "cmpp"

    def __init__(self, settings: CmppSettings, inbox: Inbox) -> None:
        super().__init__(f"{settings.host}:{settings.port}")
        self._settings = settings
        self._layout = pdu.LAYOUTS[settings.version]
        self._inbox = inbox
        self._sequences = itertools.cycle(range(1, LAST_SEQUENCE))
        self._references = itertools.cycle(range(256))
        for _ in range(random.randrange(256)):
            next(self._references)
        self._session: Session | None = None
        self._free_at = 0.0

    async def submit(self, sms_id: UUID, to: str, text: str) -> str:
        """See `SmsGateway.submit`. The id of a long message is the one of its last part, whose report is its own."""
        sending = _Sending(self._bodies(to, text), [])
        try:
            return await self.link.submit(str(sms_id), sending, self._settings.response_timeout_s)
        finally:
            if self._session is not None:
                for sequence in sending.sequences:
                    self._session.give_up(sequence)

    def _bodies(self, to: str, text: str) -> list[bytes]:
        settings = self._settings
        contents = parts(text, next(self._references))
        try:
            return [
                pdu.Submit(
                    service_id=settings.service_id,
                    sp_id=settings.sp_id,
                    fee_type=settings.fee_type,
                    fee_code=settings.fee_code,
                    source=settings.source,
                    to=phone.dialled(to, national=settings.national_numbers),
                    content=content,
                    number=number,
                    total=len(contents),
                    udhi=len(contents) > 1,
                ).body(self._layout)
                for number, content in enumerate(contents, 1)
            ]
        except pdu.Malformed:
            raise Refused("短信内容或号码不能编码") from None

    # ------------------------------------------------------------------ the connection

    async def _serve(self) -> None:
        async with asyncio.timeout(CONNECT_S):
            streams = await asyncio.open_connection(self._settings.host, self._settings.port)
        session = Session(self._settings, streams, self._sequences, self._delivered)
        try:
            async with asyncio.timeout(CONNECT_S):
                await session.log_in()
            self._session = session
            self.link.up()
            async with asyncio.TaskGroup() as group:
                group.create_task(session.run(), name="cmpp-session")
                group.create_task(self._send(session), name="cmpp-send")
        finally:
            self._session = None
            session.close()

    async def _leave(self) -> None:
        if self._session is not None:
            await self._session.leave()

    def _trouble(self, error: BaseException) -> str:
        if isinstance(error, pdu.Malformed):
            return f"网关发来不合协议的数据：{error}"
        return str(error) if isinstance(error, Closed) else ""

    async def _send(self, session: Session) -> None:
        """Take a message only when its first part can go at once: until then it can be withdrawn."""
        while True:
            await self._may_send(session)
            key, sending = await self.link.take()
            for number, body in enumerate(sending.bodies):
                if number:
                    await self._may_send(session)
                if not self.link.expects(key):
                    break
                self.link.writing(key)
                sending.sequences.append(session.submit(body, self._answered(key, sending)))
                self._free_at = asyncio.get_running_loop().time() + 1 / self._settings.messages_per_s

    async def _may_send(self, session: Session) -> None:
        await session.room()
        await asyncio.sleep(self._free_at - asyncio.get_running_loop().time())

    def _answered(self, key: str, sending: _Sending) -> Callable[[pdu.Submitted], None]:
        def answered(answer: pdu.Submitted) -> None:
            sending.answers += 1
            if answer.result == FLOW_CONTROL and len(sending.bodies) == 1:
                self.link.settle(key, NotSent("短信网关暂不接收（流量控制）。"))
            elif answer.result != 0:
                why = RESULTS.get(answer.result, f"错误{answer.result}")
                self.link.settle(key, Refused(f"短信网关拒绝（{why}）"))
            elif sending.answers == len(sending.bodies):
                self.link.settle(key, str(answer.msg_id))

        return answered

    async def _delivered(self, message: pdu.Deliver) -> None:
        """Keep a report or reply. Unavailable ends the connection, so that the gateway delivers it again."""
        if message.is_report:
            report = pdu.status_report(message.content)
            status, error = operators_status(report.stat)
            number = phone.from_caller_id(report.to)
            await self._inbox.report(Report(self.name, str(report.msg_id), number, status, error))
        elif number := phone.from_caller_id(message.sender):
            text = words(message.content, message.format, udhi=message.udhi)
            await self._inbox.reply(Reply(self.name, number, text))
