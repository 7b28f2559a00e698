"""One page takes a file, no other does: whatever is uploaded there is refused before it is unpacked, and leaves
nothing behind; and a long table of bad bodies for the pages that change most, each with its sentence, none with an
effect."""

import gzip
import io
import json
import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import func, select
from web_desk import Desk, everyone

from callflow.numbers.models import DutyMobile, Number
from callflow.queues.models import Queue
from core.db import Database
from core.identity.models import Unit, User
from core.permissions import Role
from web.routes import TABLE

NOBODY = UUID(int=7)
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
JSON = {"Content-Type": "application/json"}
ACTS = sorted(
    {route.path for route in TABLE if route.method != "GET" and not route.answers and not route.takes} - {"/sign-in"}
)


def zipped(name: str, size: int) -> bytes:
    """A ZIP whose one member unpacks to `size` zeros."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, bytes(size))
    return target.getvalue()


def part(name: str, content: bytes, kind: str = "application/octet-stream") -> tuple[bytes, dict[str, str]]:
    """One file as a browser uploads it (RFC 7578)."""
    head = f'--x\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\nContent-Type: {kind}\r\n\r\n'
    return head.encode() + content + b"\r\n--x--\r\n", {"Content-Type": "multipart/form-data; boundary=x"}


UPLOADS: dict[str, tuple[tuple[bytes, dict[str, str]], int, str]] = {
    "a sound file": (part("a.wav", b"RIFF" + bytes(400), "audio/wav"), 415, "不受支持"),
    "a path that climbs": (part("../../../etc/cron.d/x", b"* * * * * root id"), 415, "不受支持"),
    "a path of Windows": (part("C:\\\\windows\\\\system32\\\\x.dll", b"MZ"), 415, "不受支持"),
    "NUL in the name": (part("a.png\x00.sh", b"#!/bin/sh"), 415, "不受支持"),
    "a name of 10,000 letters": (part("a" * 10_000, b"x"), 415, "不受支持"),
    "a page dressed as a picture": (part("a.png", b"<script>alert(1)</script>", "image/png"), 415, "不受支持"),
    "a picture with script": (part("a.svg", b"<svg onload='alert(1)'/>", "image/svg+xml"), 415, "不受支持"),
    "a ZIP bomb": (part("a.xlsx", zipped("xl/a.xml", 100_000_000), "application/zip"), 415, "不受支持"),
    "a ZIP that climbs out": (part("a.zip", zipped("../../evil", 10), "application/zip"), 415, "不受支持"),
    "an oversize file": (part("big.bin", bytes(400_000)), 413, "过大"),
    "no boundary": ((b"--x--", {"Content-Type": "multipart/form-data"}), 415, "不受支持"),
    "a part that never ends": ((b"--x\r\n", {"Content-Type": "multipart/form-data; boundary=x"}), 415, "不受支持"),
    "a thousand parts": ((b"--x\r\n\r\n\r\n" * 1000, {"Content-Type": "multipart/mixed; boundary=x"}), 415, "不受支持"),
    "bare bytes": ((bytes(range(128)), {"Content-Type": "application/octet-stream"}), 415, "不受支持"),
    "text": ((b"version=1", {"Content-Type": "text/plain"}), 415, "不受支持"),
    "a packed form": ((gzip.compress(bytes(1_000_000)), FORM | {"Content-Encoding": "gzip"}), 415, "不受支持"),
    "a packing that is none": ((b"a=b", FORM | {"Content-Encoding": "rot13"}), 415, "不受支持"),
}


@pytest.fixture
async def everything(db: Database, serve: Callable[[], Desk]) -> Desk:
    """Somebody who may do all, so that nothing is refused for want of a permission."""
    return await everyone(db, serve(), Role)


def clear(text: str, sentence: str) -> None:
    """The sentence, and nothing of what is behind it."""
    assert sentence in text
    for sign in ("Traceback", 'File "', "sqlalchemy", "psycopg", "pydantic", "aiohttp", "<script>", "root id"):
        assert sign not in text


def files(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*"))


async def test_an_upload_is_refused_and_leaves_nothing(everything: Desk, home: Path) -> None:
    before = files(home)
    for name, ((body, headers), status, sentence) in UPLOADS.items():
        for path in ("/units", f"/recordings/{NOBODY}"):
            answer = await everything.post(path, raw=body, headers=headers)
            assert answer.status == status, (name, await answer.text())
            clear(await answer.text(), sentence)
    assert files(home) == before


async def test_no_act_takes_a_file(everything: Desk) -> None:
    assert len(ACTS) > 30
    body, headers = part("a.png", b"x", "image/png")
    for path in ACTS:
        where = path.replace("{number}", "12315").replace("{name}", "hotline").replace("{code}", "yiyang-51")
        where = re.sub(r"\{\w+\}", str(NOBODY), where)
        answer = await everything.post(where, raw=body, headers=headers)
        assert answer.status == 415, (path, await answer.text())
        clear(await answer.text(), "不受支持")


USER = "login=neu&name=%E6%96%B0&roles=agent"
UNIT = "code=xyz&name=%E6%96%B0%E5%8D%95%E4%BD%8D&kind=department"
NUMBER = "number=12399&title=%E6%B5%8B%E8%AF%95&queue=none&active=true"
MOBILE = "name=%E7%8F%AD%E9%95%BF&phone=13812345678&position=1&from_time=18:00&to_time=08:00&weekdays=1"
SHIFT = f"user_id={NOBODY}&shift_day=2026-12-01&start=08:00&end=16:00"

BODIES: dict[str, tuple[str, str, str]] = {
    "a login with capitals": ("/users", USER.replace("neu", "NEU"), "格式不正确"),
    "a login with SQL": ("/users", USER.replace("neu", "neu'--"), "格式不正确"),
    "a login too long": ("/users", USER.replace("neu", "n" * 41), "格式不正确"),
    "no login": ("/users", USER.replace("login=neu&", ""), "请填写这一项"),
    "a name of spaces": ("/users", USER.replace("%E6%96%B0", "+++"), "请填写这一项"),
    "a name too long": ("/users", USER.replace("%E6%96%B0", "n" * 41), "最多 40 个字"),
    "a line end and a bell in a name": ("/users", USER.replace("%E6%96%B0", "a%07b"), "控制字符"),
    "a role that is none": ("/users", USER + "&roles=root", "列出的选项"),
    "eleven roles": ("/users", USER + "&roles=agent" * 11, "最多 10 项"),
    "no role": ("/users", USER.replace("&roles=agent", ""), "至少选择一个岗位"),
    "a unit that is no id": ("/users", USER + "&unit_id=1", "编号不正确"),
    "a unit that is not there": ("/users", USER + f"&unit_id={NOBODY}", "没有这个单位"),
    "a password smuggled in": ("/users", USER + "&password=x", "不认识的项目"),
    "a hash smuggled in": ("/users", USER + "&password_hash=x", "不认识的项目"),
    "a user of nobody": (f"/users/{NOBODY}", "version=1&name=a&roles=agent", "没有这个用户"),
    "an act without reason": (f"/users/{NOBODY}/reset", "", "请填写这一项"),
    "a reason of one letter": (f"/users/{NOBODY}/reset", "reason=a", "至少填写 2 个字"),
    "a reason too long": (f"/users/{NOBODY}/reset", "reason=" + "a" * 201, "最多 200 个字"),
    "on or off is neither": (f"/users/{NOBODY}/active", "active=perhaps&reason=test", "列出的选项"),
    "a unit code that climbs": ("/units", UNIT.replace("xyz", "../x"), "格式不正确"),
    "a unit of no kind": ("/units", UNIT.replace("department", "kingdom"), "列出的选项"),
    "an enterprise on its own": ("/units", UNIT.replace("department", "enterprise"), "第五条"),
    "a duty phone of letters": ("/units", UNIT + "&duty_phone=call-me", "电话号码不正确"),
    "a duty phone that injects": ("/units", UNIT + "&duty_phone=138%0d%0aAction:%20Originate", "电话号码不正确"),
    "a unit that is not seen": (f"/units/{NOBODY}/active", "active=true", "请填写这一项"),
    "a number of letters": ("/numbers", NUMBER.replace("12399", "abc"), "格式不正确"),
    "a number that injects": ("/numbers", NUMBER.replace("12399", "12399%0aexten"), "格式不正确"),
    "an emergency number": ("/numbers", NUMBER.replace("12399", "110"), "紧急热线"),
    "a queue that is not there": ("/numbers", NUMBER, "已有的队列"),
    "a queue name of Asterisk": ("/queues", "name=general&title=%E6%B5%8B%E8%AF%95", "general"),
    "a queue name with brackets": ("/queues", "name=a]%5Bb&title=%E6%B5%8B%E8%AF%95", "格式不正确"),
    "a queue for minus one": ("/queues", "name=q&title=%E6%B5%8B%E8%AF%95&max_waiting=-1", "不能小于"),
    "a queue for 1e9": ("/queues", "name=q&title=%E6%B5%8B%E8%AF%95&max_waiting=1e9", "整数"),
    "an hour that is none": ("/duty/mobiles", MOBILE.replace("18:00", "24:61"), "时间格式"),
    "an hour that is a sentence": ("/duty/mobiles", MOBILE.replace("18:00", "soon"), "时间格式"),
    "an eighth weekday": ("/duty/mobiles", MOBILE.replace("weekdays=1", "weekdays=8"), "至少选择一天"),
    "a weekday that is a word": ("/duty/mobiles", MOBILE.replace("weekdays=1", "weekdays=mon"), "整数"),
    "no weekday": ("/duty/mobiles", MOBILE.replace("&weekdays=1", ""), "至少选择一天"),
    "a mobile that dials out": ("/duty/mobiles", MOBILE.replace("13812345678", "13812345678,,9"), "电话号码不正确"),
    "a short number as duty": ("/duty/mobiles", MOBILE.replace("13812345678", "12345"), "带区号"),
    "a place in the order of 0": ("/duty/mobiles", MOBILE.replace("position=1", "position=0"), "不能小于"),
    "a day that is none": ("/roster/shifts", SHIFT.replace("2026-12-01", "2026-02-30"), "日期格式"),
    "a day of year 0": ("/roster/shifts", SHIFT.replace("2026-12-01", "0000-01-01"), "不能小于"),
    "a shift of nobody": ("/roster/shifts", SHIFT, "在用、有坐席的话务员"),
    "a seat of nobody": ("/seats", f"user_id={NOBODY}&extension=1001&queues=hotline", "没有这个用户"),
    "an extension that dials": ("/seats", f"user_id={NOBODY}&extension=1001%26PJSIP&queues=q", "格式不正确"),
    "an extension of zeros": ("/seats", f"user_id={NOBODY}&extension=0000&queues=q", "格式不正确"),
    "a draft of nobody": (f"/orders/{NOBODY}", "version=1", "没有这张工单"),
    "a title too long": (f"/orders/{NOBODY}", "version=1&title=" + "t" * 61, "最多 60 个字"),
    "a content too long": (f"/orders/{NOBODY}", "version=1&content=" + "t" * 4001, "最多 4000 个字"),
    "a category that is none": (f"/orders/{NOBODY}", "version=1&category=gossip", "列出的选项"),
    "eleven assisting units": (f"/orders/{NOBODY}", "version=1" + f"&assist_units={NOBODY}" * 11, "最多 10 项"),
    "the state smuggled in": (f"/orders/{NOBODY}", "version=1&state=archived", "不认识的项目"),
    "a dispatch of nobody": (f"/orders/{NOBODY}/dispatch", "version=1", "没有这张工单"),
    "a void of nobody": (f"/orders/{NOBODY}/acts/void", "version=1&void_ground=", "没有这张工单"),
    "a look without reason": (f"/orders/{NOBODY}/caller", "reason=", "请填写这一项"),
    "a look at a call of nobody": (f"/calls/{NOBODY}/caller", "reason=test", "没有这条通话记录"),
    "a message of nobody": (f"/sms/{NOBODY}/resolve", "outcome=delivered&reason=x", "没有"),
    "an outcome that is none": (f"/sms/{NOBODY}/resolve", "outcome=lost&reason=x", "列出的选项"),
    "a recording of nobody": (f"/recordings/{NOBODY}", "purpose=核实诉求内容&reason=test", "没有这份录音"),
    "a pause without reason": ("/agent/pause", "version=1", "请填写这一项"),
    "a code of letters": ("/sign-in/code", "code=abcdef", "格式不正确"),
    "a code of Arabic digits": ("/sign-in/code", "code=" + "%D9%A1" * 6, "格式不正确"),
    "passwords that differ": ("/account/password", "present=a&password=b&again=c", "不一致"),
}


async def rows(db: Database) -> list[int]:
    """How many there are of what these bodies would make."""
    async with db.session() as session:
        counted = [select(func.count()).select_from(table) for table in (User, Unit, Number, Queue, DutyMobile)]
        return [await session.scalar(one) or 0 for one in counted]


def test_the_table_is_long_enough() -> None:
    assert len(BODIES) >= 60


@pytest.mark.parametrize("kind", ["form", "json"])
async def test_a_bad_body_gets_its_sentence_and_changes_nothing(db: Database, everything: Desk, kind: str) -> None:
    before = await rows(db)
    wrong: dict[str, str] = {}
    for name, (path, body, sentence) in BODIES.items():
        if kind == "form":
            answer = await everything.post(path, raw=body.encode(), headers=FORM)
        else:
            answer = await everything.post(path, raw=b'{"surprise":' + json.dumps(body).encode() + b"}", headers=JSON)
            sentence = "不认识的项目"
        text = await answer.text()
        if not 400 <= answer.status < 500 or sentence not in text:
            wrong[name] = f"{answer.status} {text[-300:]}"
        clear(text, "")
    assert wrong == {}
    assert await rows(db) == before
    assert (await everything.get("/units")).status == 200
