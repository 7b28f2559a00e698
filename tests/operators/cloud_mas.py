"""云MAS for tests: `python cloud_mas.py PORT PUSH_ADDRESS`. It shares nothing with the product.

Written from the platform's published HTTP interface. Commands:

    {"set": {"response": "ok" | "none" | "drop" | "garbage" | an HTTP status | a rspcod ("throttle", "refuse" too),
             "report": "DELIVRD" | null, "error": ""}}
    {"report": {"id": "…", "to": "138…", "status": "DELIVRD"}}, {"reply": {"from": "138…", "text": "…"}}
    {"push": {"path": "/report", "body": "…"}}         anything, to see how it is answered
"""

import asyncio
import base64
import hashlib
import json
import sys
import uuid
from typing import Any

import aiohttp
from aiohttp import web
from control import obey, tell

ACCOUNT = {"ecName": "弋阳县政务服务中心", "apId": "hotline", "secretKey": "secret"}
SIGN = "SiGnCoDe1"
TEMPLATE_ID = "9ec4b9678108449896a5250d53b59325"
CODES = {"throttle": "InvalidUsrOrPwd", "refuse": "InvalidMobile"}


class Platform:
    """How it behaves, and where it pushes."""

    def __init__(self, push: str) -> None:
        self.push = push
        self.behaviour: dict[str, Any] = {"response": "ok", "report": "DELIVRD", "error": ""}
        self.later: set[asyncio.Task[None]] = set()

    async def obey(self, command: dict[str, Any]) -> None:
        self.behaviour |= command.get("set", {})
        if report := command.get("report"):
            await self.report(report["id"], report["to"], report["status"])
        if reply := command.get("reply"):
            body = {"mobile": reply["from"], "smsContent": reply["text"], "sendTime": "2026-11-23 15:00:00",
                    "addSerial": "1065001"}  # fmt: skip
            tell("reply-acknowledged", status=await self.post("/reply", json.dumps(body)) - 200)
        if push := command.get("push"):
            tell("push-answered", status=await self.post(push["path"], push["body"]))

    async def report(self, batch: str, mobile: str, status: str) -> None:
        body = {"reportStatus": status, "mobile": mobile, "submitDate": "20261123150000", "msgGroup": batch,
                "receiveDate": "20261123150001", "errorCode": self.behaviour["error"]}  # fmt: skip
        tell("report-acknowledged", id=batch, status=await self.post("/report", json.dumps(body)) - 200)

    async def post(self, path: str, body: str) -> int:
        """The answer's status; 0 where nobody answers."""
        try:
            async with aiohttp.ClientSession() as http, http.post(self.push + path, data=body.encode()) as response:
                return response.status
        except aiohttp.ClientError:
            return 0

    async def submit(self, request: web.Request) -> web.StreamResponse:
        sent = json.loads(base64.b64decode(await request.read(), validate=True))
        middle = ["templateId", "mobiles", "params"] if request.path == "/sms/tmpsubmit" else ["mobiles", "content"]
        order = ["ecName", "apId", "secretKey", *middle, "sign", "addSerial"]
        assert set(sent) == {*order, "mac"}, sent
        mac = hashlib.md5("".join(sent[name] for name in order).encode("utf-8")).hexdigest()
        batch = uuid.uuid4().hex
        response = self.behaviour["response"]
        values = json.loads(sent["params"]) if "params" in sent else None
        tell("submit", id=batch, to=sent["mobiles"], text=sent.get("content"), template=sent.get("templateId"),
             values=values, path=request.path, response=response)  # fmt: skip
        if mac != sent["mac"]:
            return self.answer("IllegalMac")
        if {name: sent[name] for name in ACCOUNT} != ACCOUNT:
            return self.answer("InvalidUsrOrPwd")
        if sent["sign"] != SIGN:
            return self.answer("IllegalSignId")
        if sent.get("templateId", TEMPLATE_ID) != TEMPLATE_ID:
            return self.answer("InvalidMessage")
        if response == "none":
            await asyncio.sleep(3600)
        if response == "drop":
            assert request.transport
            request.transport.abort()
        if response == "garbage":
            return web.Response(text="<html>网关维护中</html>")
        if isinstance(response, int):
            return web.Response(status=response)
        if response not in ("ok", "drop"):
            return self.answer(CODES.get(response, response))
        if self.behaviour["report"] and response == "ok":
            task = asyncio.create_task(self.report(batch, sent["mobiles"], self.behaviour["report"]))
            self.later.add(task)
            task.add_done_callback(self.later.discard)
        return self.answer("success", batch)

    def answer(self, code: str, batch: str = "") -> web.Response:
        return web.json_response({"msgGroup": batch, "rspcod": code, "success": code == "success"})


async def main(port: int, push: str) -> None:
    platform = Platform(push)
    app = web.Application()
    app.router.add_post("/sms/norsubmit", platform.submit)
    app.router.add_post("/sms/tmpsubmit", platform.submit)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", port)
    await site.start()
    tell("listening", port=runner.addresses[0][1])
    await obey(platform.obey)


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), sys.argv[2]))
