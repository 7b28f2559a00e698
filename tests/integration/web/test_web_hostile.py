"""Hostile and broken requests: each gets its clear error, none a traceback, none costs the next request anything."""

from typing import Any
from uuid import UUID

import pytest
from web_desk import Desk

from core.db import Database

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
JSON = {"Content-Type": "application/json", "Accept": "application/json"}
NOBODY = UUID(int=7)
FINISH = f"/callbacks/{NOBODY}/finish"

BODIES: dict[str, tuple[str, bytes, dict[str, str], int, str]] = {
    "not utf-8": (FINISH, b"version=1&result=\xff\xfe", FORM, 422, "UTF-8"),
    "percent-escaped not utf-8": (FINISH, b"version=1&result=%ff%fe", FORM, 422, "表单格式"),
    "NUL": (FINISH, b"version=1&result=a%00b", FORM, 422, "控制字符"),
    "escape sequence": (FINISH, b"version=1&result=%1b%5b2J", FORM, 422, "控制字符"),
    "a field twice": (FINISH, b"version=1&version=2&result=x", FORM, 422, "重复提交"),
    "an unknown field": (FINISH, b"version=1&result=x&is_admin=1", FORM, 422, "不认识的项目"),
    "the id smuggled in": (FINISH, f"version=1&result=x&id={NOBODY}".encode(), FORM, 422, "地址中的编号"),
    "no fields": (FINISH, b"", FORM, 422, "请填写"),
    "version is text": (FINISH, b"version=abc&result=x", FORM, 422, "整数"),
    "version is huge": (FINISH, b"version=99999999999999999999&result=x", FORM, 422, "不能大于"),
    "version is negative": (FINISH, b"version=-1&result=x", FORM, 422, "不能小于"),
    "text too long": (FINISH, b"version=1&result=" + b"a" * 201, FORM, 422, "最多 200 个字"),
    "oversize body": (FINISH, b"version=1&result=" + b"a" * 300_000, FORM, 413, "过大"),
    "thousands of fields": (FINISH, b"&".join(b"a%d=1" % n for n in range(3000)), FORM, 422, "表单格式"),
    "json is a list": (FINISH, b"[1,2]", JSON, 422, "JSON 对象"),
    "json is cut off": (FINISH, b'{"version":', JSON, 422, "JSON"),
    "json with NaN": (FINISH, b'{"version":NaN,"result":"x"}', JSON, 422, "JSON"),
    "json nested deep": (FINISH, b'{"result":' + b"[" * 5000 + b"]" * 5000 + b"}", JSON, 422, "JSON"),
    "json nested 20": (FINISH, b'{"result":' + b"[" * 20 + b"]" * 20 + b"}", JSON, 422, "层次过深"),
    "json of wrong type": (FINISH, b'{"version":{"$gt":0},"result":"x"}', JSON, 422, "整数"),
    "json with lone surrogate": (FINISH, b'{"version":1,"result":"\\ud800"}', JSON, 422, "控制字符"),
    "xml": (FINISH, b"<!DOCTYPE x>", {"Content-Type": "application/xml"}, 415, "不受支持"),
    "multipart": (FINISH, b"--x--", {"Content-Type": "multipart/form-data; boundary=x"}, 415, "不受支持"),
    "a task that is not there": (FINISH, b"version=1&result=x", FORM, 404, "没有这条回拨任务"),
    "an id that is no id": ("/callbacks/1%20OR%201=1/claim", b"version=1", FORM, 422, "编号不正确"),
    "a page that is not there": ("/../../etc/passwd", b"", FORM, 404, "没有这个页面"),
    "not permitted": (f"/users/{NOBODY}/reset", b"", FORM, 403, "没有使用这项功能的权限"),
}

ADDRESSES: dict[str, tuple[str, int, str]] = {
    "path climbing": ("/static/build/..%2f..%2fsettings.py", 422, "格式不正确"),
    "path with dots": ("/static/build/..", 404, "没有这个页面"),
    "asset that is no asset": ("/static/build/manifest.json", 404, "没有这个页面"),
    "call id as SQL": ("/calls/'%20OR%201=1--", 422, "编号不正确"),
    "call id of nobody": (f"/calls/{NOBODY}", 404, "没有这条通话记录"),
    "html in a filter": ("/calls?search=<script>alert(1)</script>", 200, "没有符合条件的通话"),
    "an outcome that is none": ("/calls?outcome=secret", 422, "选项"),
    "a page that never was": ("/calls?after=yesterday", 422, "翻页地址"),
    "a page without a zone": (f"/calls?after=2026-11-23T00:00:00~{NOBODY}", 422, "翻页地址"),
    "the last day that there is": ("/calls?last=9999-12-31", 422, "日期应在"),
    "the first day that there is": ("/orders?first=0001-01-01", 422, "日期应在"),
    "an unknown filter": ("/calls?__proto__=1", 422, "不认识的项目"),
    "NUL in a filter": ("/calls?search=%00", 422, "控制字符"),
    "a grant that is forged": (
        f"/recordings/{NOBODY}/peaks?sitting={'0' * 16}&until=9999999999&reason=x&grant={'0' * 64}",
        403,
        "授权已失效",
    ),
    "the users of others": ("/users", 403, "没有使用这项功能的权限"),
}


def clear(text: str, sentence: str) -> None:
    assert sentence in text
    for sign in ("Traceback", 'File "', "sqlalchemy", "psycopg", "pydantic", "<script>alert"):
        assert sign not in text


@pytest.mark.parametrize("name", list(BODIES))
async def test_a_bad_body_gets_its_error(agent: Desk, name: str) -> None:
    path, body, headers, status, sentence = BODIES[name]
    response = await agent.post(path, raw=body, headers=headers)
    assert response.status == status, await response.text()
    clear(await response.text(), sentence)
    assert (await agent.get("/callbacks")).status == 200


@pytest.mark.parametrize("name", list(ADDRESSES))
async def test_a_bad_address_gets_its_error(agent: Desk, name: str) -> None:
    path, status, sentence = ADDRESSES[name]
    response = await agent.get(path)
    assert response.status == status, await response.text()
    clear(await response.text(), sentence)


HEADERS: dict[str, tuple[dict[str, str], str]] = {
    "no token": ({"X-CSRF-Token": ""}, "页面已过期"),
    "a wrong token": ({"X-CSRF-Token": "x" * 32}, "页面已过期"),
    "another site": ({"Origin": "https://evil.example"}, "来自其他网站"),
    "another site by fetch metadata": ({"Sec-Fetch-Site": "cross-site"}, "来自其他网站"),
    "a null origin": ({"Origin": "null"}, "来自其他网站"),
}


@pytest.mark.parametrize("name", list(HEADERS))
async def test_a_forged_request_is_refused(agent: Desk, name: str) -> None:
    headers, sentence = HEADERS[name]
    response = await agent.post("/sign-out", headers=headers)
    assert response.status == 403
    clear(await response.text(), sentence)
    assert (await agent.get("/account")).status == 200


async def test_another_persons_session_cannot_be_ended(agent: Desk, lead: Desk) -> None:
    page = await (await lead.get("/account")).text()
    assert "本机当前登录" in page
    response = await agent.post(f"/account/sessions/{NOBODY}/revoke")
    assert response.status == 404


@pytest.mark.parametrize("cookie", ["", "x", "x" * 5000, "%00", "' OR 1=1"])
async def test_a_forged_cookie_is_nobody(serve: Any, db: Database, cookie: str) -> None:
    response = await serve().get("/account", headers={"Cookie": f"__Host-hotline={cookie}"})
    assert (response.status, response.headers["Location"]) == (303, "/sign-in?next=/account")


async def test_errors_are_problems_for_programs(agent: Desk) -> None:
    response = await agent.get(f"/calls/{NOBODY}", headers={"Accept": "application/json"})
    assert response.content_type == "application/problem+json"
    body = await response.json(content_type=None)
    assert (body["id"], body["status"]) == ("no-call", 404)
    wrong = await agent.client.delete("/calls", headers={"Accept": "application/json"})
    assert (wrong.status, wrong.headers["Allow"]) == (405, "GET,HEAD")
