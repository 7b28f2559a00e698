"""The rule console and the calendar through the real web role: two persons, previews, conflicts, hostile input."""

import re
from collections.abc import Callable
from datetime import timedelta
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from web_desk import Desk, signed_in

from core.clock import local, now
from core.db import Database
from core.permissions import Role
from core.rules.keeper import RulesKeeper
from crm import installed
from crm.policy import LimitsPolicy

TEXT = (Path(__file__).parents[3] / "counties" / "yiyang" / "policy.toml").read_text(encoding="utf-8")
NOTICE = """国务院办公厅关于2027年部分节假日安排的通知
一、元旦：1月1日（周五）至3日（周日）放假，共3天。
二、春节：2月5日（周五）至12日（周五）放假调休，共8天。2月14日（周日）、2月20日（周六）上班。
三、清明节：4月3日（周六）至5日（周一）放假，共3天。
四、劳动节：5月1日（周六）至5日（周三）放假调休，共5天。4月25日（周日）、5月8日（周六）上班。
五、端午节：6月9日（周三）放假1天，不调休。
六、中秋节：9月15日（周三）放假1天，不调休。
七、国庆节：10月1日（周五）至7日（周四）放假调休，共7天。9月26日（周日）、10月9日（周六）上班。
"""
HIDDEN = re.compile(r'name="based_on" value="([^"]+)"')
WHOLE = re.compile(r'<textarea name="text" hidden>(.*?)</textarea>', re.DOTALL)


@pytest.fixture
async def clerk(db: Database, serve: Callable[[], Desk], keeper: RulesKeeper) -> Desk:
    return await signed_in(db, serve(), "xu.zhen", Role.SUPERVISOR)


@pytest.fixture
async def chief(db: Database, serve: Callable[[], Desk], keeper: RulesKeeper) -> Desk:
    return await signed_in(db, serve(), "he.ju", Role.BUREAU_LEADER)


def sent(page: str, **changed: str) -> dict[str, str]:
    """The section's form as a browser would send it back."""
    found = dict(re.findall(r'<input id="field-[\w-]+" name="((?:value|basis)_\w+)" type="\w+" value="([^"]*)"', page))
    found |= dict(re.findall(r'<textarea[^>]* name="((?:value|basis)_\w+)"[^>]*>(.*?)</textarea>', page, re.DOTALL))
    for name, options in re.findall(r'<select id="[^"]+" name="(value_\w+)">(.*?)</select>', page, re.DOTALL):
        chosen = re.search(r'value="([^"]*)" selected', options)
        found[name] = chosen[1] if chosen else ""
    return {name: unescape(text) for name, text in found.items()} | changed


async def proposed(desk: Desk, preview: str, path: str = "/policy/proposals", **more: str) -> Any:
    base, text = HIDDEN.search(preview), WHOLE.search(preview)
    assert base
    assert text
    given = {"based_on": base[1], "text": unescape(text[1]), "document": "弋政数字〔2026〕3号", "note": "试行", **more}
    return await desk.post(path, given)


def soon() -> str:
    return local(now() + timedelta(days=2)).strftime("%Y-%m-%dT00:00")


@pytest.mark.proves("F06-1", "A06-1", "A31-1", "F31-1", "A01-1")
async def test_a_limit_is_changed_by_two_persons(db: Database, clerk: Desk, chief: Desk, keeper: RulesKeeper) -> None:
    page = await (await clerk.get("/policy")).text()
    assert '#第十三条">第十三条</a>：投诉类工单自派发之日起10个工作日内办结' in page
    form = await (await clerk.get("/policy/sections/limits")).text()
    preview = await (await clerk.post("/policy/sections/limits", sent(form, value_complaint="8"))).text()
    assert "投诉类（工作日）" in preview
    assert "V03" in preview
    assert "V01" not in preview
    made = await proposed(clerk, preview, since=soon())
    assert made.status == 303, await made.text()
    at = made.headers["Location"]
    own = await (await clerk.get(at)).text()
    assert "须由您以外的人员确认" in own
    assert (await clerk.post(f"{at}/confirm")).status == 403
    other = await (await chief.get(at)).text()
    assert "确认变更，到时生效" in other
    assert "2026年3月20日" in other
    assert (await chief.post(f"{at}/confirm")).status == 303
    await keeper.look()
    later = installed.installed().rules.policy_at(now() + timedelta(days=3))
    assert later is not None
    assert (later[LimitsPolicy].complaint, installed.installed().policy[LimitsPolicy].complaint) == (8, 10)
    assert "待生效" in await (await clerk.get("/policy")).text()
    assert (await clerk.post(f"{at}/withdraw", {"reason": "文号有误"})).status == 303
    assert "已撤回" in await (await clerk.get(at)).text()


async def test_nothing_is_proposed_for_the_past_or_without_a_document(clerk: Desk) -> None:
    form = await (await clerk.get("/policy/sections/clock")).text()
    preview = await (await clerk.post("/policy/sections/clock", sent(form, value_due_time="17:30"))).text()
    past = await proposed(clerk, preview, since="2026-01-01T00:00")
    assert past.status == 422
    assert "生效时间须晚于现在" in await past.text()
    for far in ("9999-12-31T23:59", "9999-12-31T23:59:59Z", "0001-01-01T00:00", "-1", "1e400", "明天"):
        assert (await proposed(clerk, preview, since=far)).status == 422, far
    nameless = await proposed(clerk, preview, since=soon(), document="")
    assert nameless.status == 422
    assert "请填写文号或文件名称" in await nameless.text()


async def test_the_same_again_is_no_change(clerk: Desk) -> None:
    form = await (await clerk.get("/policy/sections/limits")).text()
    same = await clerk.post("/policy/sections/limits", sent(form))
    assert same.status == 422
    assert "没有差别" in await same.text()


async def test_a_whole_text_is_checked(clerk: Desk) -> None:
    assert "[limits]" in await (await clerk.get("/policy/text")).text()
    preview = await clerk.post("/policy/text", {"text": TEXT.replace("help = 5", "help = 4")})
    assert preview.status == 200
    assert "求助类" in await preview.text()
    for text in ("", "title = 1", TEXT.replace("help = 5", "help = 0"), TEXT + "\n[sudo]\n", "<script>", "x" * 200_001):
        answer = await clerk.post("/policy/text", {"text": text})
        assert answer.status == 422, text[:40]
        assert "<script>" not in (await answer.text()).replace('<script type="module"', "")


async def test_a_proposal_on_an_old_base_is_a_conflict(clerk: Desk, chief: Desk, keeper: RulesKeeper) -> None:
    form = await (await clerk.get("/policy/sections/limits")).text()
    preview = await (await clerk.post("/policy/sections/limits", sent(form, value_help="4"))).text()
    at = (await proposed(clerk, preview, since=soon())).headers["Location"]
    assert (await chief.post(f"{at}/confirm")).status == 303
    await keeper.look()
    assert (await proposed(clerk, preview, since=soon())).status == 409
    assert (await chief.post(f"{at}/confirm")).status == 409


@pytest.mark.proves("D1", "D4")
async def test_next_years_notice_is_pasted_checked_and_confirmed(clerk: Desk, chief: Desk, keeper: RulesKeeper) -> None:
    assert "尚未导入" in await (await clerk.get("/calendar?year=2027")).text()
    preview = await (await clerk.post("/calendar/notice", {"notice": NOTICE})).text()
    assert "2027年2月14日（周日）" in preview
    assert "V16" in preview
    made = await proposed(clerk, preview, "/calendar/proposals")
    assert made.status == 303, await made.text()
    at = made.headers["Location"]
    assert (await clerk.post(f"{at}/confirm")).status == 403
    assert "确认日历，立即生效" in await (await chief.get(at)).text()
    assert (await chief.post(f"{at}/confirm")).status == 303
    await keeper.look()
    assert 2027 in installed.installed().calendar.years
    assert "尚未导入" not in await (await clerk.get("/calendar?year=2027")).text()


async def test_a_wrong_notice_names_its_sentence(clerk: Desk) -> None:
    answer = await clerk.post("/calendar/notice", {"notice": NOTICE.replace("2月14日（周日）", "2月14日（周一）")})
    assert answer.status == 422
    assert "不是星期一" in await answer.text()
    for notice in ("", "<script>alert(1)</script>", "一" * 20_001):
        assert (await clerk.post("/calendar/notice", {"notice": notice})).status == 422


@pytest.mark.proves("D1")
async def test_a_closure_needs_working_days_and_a_document(clerk: Desk) -> None:
    given = {"first": "2026-12-07", "last": "2026-12-08", "name": "暴雪停工", "document": "弋府办字〔2026〕51号"}
    preview = await (await clerk.post("/calendar/closure", given)).text()
    assert "休息（暴雪停工（弋府办字〔2026〕51号））" in preview
    wrongs = (
        {"first": "2026-12-05"},
        {"last": "2026-12-01"},
        {"last": "2027-12-01"},
        {"document": ""},
        {"name": "x" * 41},
        {"first": "9999-12-30", "last": "9999-12-31"},
        {"first": "0001-01-01", "last": ""},
    )
    for wrong in wrongs:
        answer = await clerk.post("/calendar/closure", {**given, **wrong})
        assert answer.status == 422, wrong


async def test_only_the_bureau_decides(db: Database, serve: Callable[[], Desk], keeper: RulesKeeper) -> None:
    reader = await signed_in(db, serve(), "ban.zhang", Role.SHIFT_LEAD)
    assert (await reader.get("/policy")).status == 200
    assert "提出变更" not in await (await reader.get("/policy")).text()
    for path in ("/policy/sections/limits", "/policy/text"):
        assert (await reader.get(path)).status == 403
    assert (await reader.post("/calendar/notice", {"notice": NOTICE})).status == 403
    nobody = await signed_in(db, serve(), "hua.wu", Role.AGENT)
    assert (await nobody.get("/policy")).status == 403
    assert (await nobody.get("/calendar")).status == 403
