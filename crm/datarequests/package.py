"""The copy as a .zip: one page that any browser reads without a network, and the sound where it is given out."""

import asyncio
import tempfile
import zipfile
from collections.abc import Iterable, Sequence
from datetime import datetime
from html import escape
from typing import BinaryIO, cast

from core.clock import local
from crm.datarequests.collecting import Held, Order, Talk
from crm.installed import installed
from crm.policy import SmsPolicy
from recordings.models import Recording
from recordings.store.port import Store

INDEX = "个人信息复制件.html"
IN_MEMORY = 8 * 1024 * 1024
STYLE = (
    "body{font:15px/1.6 'PingFang SC','Microsoft YaHei','Noto Sans CJK SC',sans-serif;max-width:60rem;"
    "margin:2rem auto;padding:0 1rem;color:#1a1a1a}h1{font-size:1.5rem}h2{font-size:1.15rem;margin-top:2rem}"
    "table{border-collapse:collapse;width:100%}th,td{border:1px solid #999;padding:.3rem .5rem;text-align:left;"
    "vertical-align:top}th{background:#f0f0f0}.facts th{width:8rem}"
    ".mark,.quiet{color:#555}.mark{border:1px solid #999;padding:.5rem}.prose{white-space:pre-wrap}@page{size:A4}"
)


async def pack(held: Held, sounds: Store | None) -> BinaryIO:
    """The .zip, open at its beginning; with `sounds` each recording as it lies there."""
    file = cast(BinaryIO, tempfile.SpooledTemporaryFile(IN_MEMORY))  # noqa: SIM115 - who asked closes it
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(INDEX, index(held, with_sound=sounds is not None))
        for one in (recording for talk in held.talks for recording in talk.recordings):
            if sounds is not None and one.digest:
                with archive.open(sound_name(one), "w") as entry:
                    async for block in sounds.read(one.store_key):
                        await asyncio.to_thread(entry.write, block)
    file.seek(0)
    return file


def sound_name(one: Recording) -> str:
    """Where a recording lies in the copy."""
    return f"录音/{local(one.started_at):%Y%m%d-%H%M%S}-{one.part}.{one.form}"


def index(held: Held, *, with_sound: bool) -> str:
    """The page that holds everything but sound."""
    request, sender = held.request, installed().policy[SmsPolicy].signature
    title = f"个人信息复制件 {request.number}"
    mark = f"{sender} · 申请编号 {request.number} · {_when(held.at)}生成 · 仅供申请人本人使用，请妥善保管"
    parts = [
        f"<h1>{escape(title)}</h1><p class=mark>{escape(mark)}</p>",
        _section("一、诉求人档案", _table((), held.profile)),
        _section("二、工单和答复", "".join(map(_order, held.orders)) or _none("没有工单。")),
        _section("三、通话", "".join(map(_talk, held.talks)) or _none("没有通话记录。")),
        _section("四、录音目录", _recordings(held.talks, with_sound=with_sound)),
        _section("五、短信", _messages(held)),
        _section("六、其他登记", _registers(held)),
        _section("七、查看记录", _looks(held)),
        f"<p class=mark>{escape(mark)}</p>",
    ]
    head = f"<meta charset=utf-8><title>{escape(title)}</title><style>{STYLE}</style>"
    return f"<!doctype html><html lang=zh-CN><head>{head}</head><body>{''.join(parts)}</body></html>"


def _order(one: Order) -> str:
    ticket = one.ticket
    facts = [("受理时间", _when(ticket.opened_at)), ("办理情况", one.state)]
    if one.withheld:
        facts.append(("说明", one.withheld))
    else:
        facts += [("类别", one.category or "—"), ("标题", ticket.title or "—"), ("内容", one.content or "—")]
        facts += [("地点", ticket.address or "—"), ("诉求人", ticket.caller_name or "未留姓名")]
        facts += [(f"{unit} {_when(at)}答复", text) for unit, text, at in one.replies]
        if ticket.secrecy != "none":
            facts.append(("说明", "已定保密级别，办理答复不随复制件提供"))
    return f"<h3>{escape(ticket.number)}</h3>{_table((), facts)}"


def _talk(one: Talk) -> str:
    call = one.call
    head = f"<h3>{_when(call.arrived_at)} {one.direction}，{escape(call.outcome_label)}</h3>"
    if one.withheld:
        return head + _none(f"{one.withheld}。")
    if not one.said:
        return head + _none("没有通话文字。")
    said = "".join(f"<p class=prose>{escape(text)}</p>" for text in one.said)
    return f"{head}<p class=quiet>以下为来电人一方的通话文字，由系统转写，可能有误。</p>{said}"


def _recordings(talks: Sequence[Talk], *, with_sound: bool) -> str:
    rows = [
        (_when(one.started_at), one.kind.label, f"{round(one.seconds)}秒", f"{one.protected_until:%Y-%m-%d}", file)
        for talk in talks
        for one in talk.recordings
        for file in [sound_name(one) if with_sound and one.digest else "不含声音"]
    ]
    return _table(("时间", "种类", "时长", "至少保存至", "声音文件"), rows) if rows else _none("没有录音。")


def _messages(held: Held) -> str:
    rows = [(_when(at), text, state) for at, text, state in held.messages]
    return _table(("时间", "内容", "结果"), rows) if rows else _none("没有短信。")


def _registers(held: Held) -> str:
    rows = [(_when(at), register, words) for at, register, words in held.registers]
    return _table(("时间", "登记", "情况"), rows) if rows else _none("没有其他登记。")


def _looks(held: Held) -> str:
    rows = [(words, f"{count}次") for words, count in held.looks]
    return _table(("查看", "次数"), rows) if rows else _none("没有登记过查看完整信息或调听录音。")


def _section(title: str, body: str) -> str:
    return f"<h2>{escape(title)}</h2>{body}"


def _none(text: str) -> str:
    return f"<p class=quiet>{escape(text)}</p>"


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    head = "".join(f"<th>{escape(one)}</th>" for one in heads)
    body = []
    for first, *rest in rows:
        start = f"<td>{escape(first)}</td>" if heads else f"<th>{escape(first)}</th>"
        body.append(f"<tr>{start}{''.join(f'<td class=prose>{escape(one)}</td>' for one in rest)}</tr>")
    return f"<table{'' if heads else ' class=facts'}>{f'<tr>{head}</tr>' if heads else ''}{''.join(body)}</table>"


def _when(at: datetime) -> str:
    return f"{local(at):%Y-%m-%d %H:%M}"
