"""The player in a real Chromium: an hour of sound, addresses that lead to a second, loop, sides, speed, marks, keys."""

import asyncio
import hashlib
import re
import zipfile
from pathlib import Path
from typing import Any

import pytest
from browser_data import PASSWORD, fill
from playwright.async_api import Page, expect
from sqlalchemy import select
from test_browser_frame import picture
from test_browser_playback import BEYOND, LOADED, SECONDS, give_reason, opened, stored

from core.actor import SYSTEM
from core.db import Database
from core.identity import service as identity
from core.live import hint
from core.permissions import Role
from crm.installed import installed
from recordings.archive import sound
from recordings.desk import redactions, waveform
from recordings.desk.exporting import Exporter
from recordings.desk.models import MakingState, Mark, Redaction, Waveform
from recordings.desk.policy import ListeningPolicy
from recordings.desk.redactions import Redactor
from recordings.models import Recording, Side, Source, TranscriptSegment

pytestmark = [pytest.mark.browser]
HOUR = 3600
SEEKED_AFTER = """(at) => new Promise((done) => {
  const media = document.querySelector("audio"), began = performance.now();
  media.onseeked = () => { if (media.readyState >= 3) done(performance.now() - began); };
  media.currentTime = at;
})"""
"""Milliseconds until the sound at `at` is there and playing goes on."""
EARS = """
const connect = AudioNode.prototype.connect;
AudioNode.prototype.connect = function (to, ...rest) {
  if (to instanceof AudioDestinationNode) {
    window.ears ??= (() => {
      const split = this.context.createChannelSplitter(2);
      const each = [0, 1].map(() => this.context.createAnalyser());
      each.forEach((one, ear) => connect.call(split, one, ear));
      return { split, each };
    })();
    connect.call(this, window.ears.split);
  }
  return connect.call(this, to, ...rest);
};
window.loudness = () => window.ears.each.map((one) => {
  const samples = new Float32Array(one.fftSize);
  one.getFloatTimeDomainData(samples);
  return Math.sqrt(samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length);
});
"""
"""Measures what reaches each ear."""


async def said(db: Database, row: Recording, *lines: tuple[float, Side, str]) -> None:
    async with db.session() as session:
        for at, side, text in lines:
            given = {"text": text, "words": [], "source": Source.BATCH, "start_s": at, "end_s": at + 2}
            session.add(TranscriptSegment(call_id=row.call_id, side=side, **given))


async def now_at(page: Page) -> float:
    at: float = await page.locator("audio").evaluate("(media) => media.currentTime")
    return at


async def test_an_hour_is_drawn_once_and_sounds_at_once_wherever_one_goes(
    db: Database, site: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await fill(db)
    row = await stored(db, site, tmp_path, HOUR)
    decoded = []
    monkeypatch.setattr(waveform, "peaks_of", lambda *given: decoded.append(given) or sound.peaks_of(*given))
    page = await opened(site, row, "#t=3000")
    assert await page.locator("audio").evaluate(LOADED)
    await expect(page.locator(".player[data-drawn]")).to_be_visible()
    assert await now_at(page) == pytest.approx(3000, abs=0.5), "the address leads to its second"
    await page.goto(f"{site.url}/recordings/{row.id}")
    await give_reason(page)
    await expect(page.locator(".player[data-drawn]")).to_be_visible()
    assert len(decoded) == 1, "the second look decodes nothing"
    async with db.session() as session:
        kept = await session.get_one(Waveform, row.id)
    assert (kept.channels, len(kept.points)) == (2, 2 * waveform.MOST_POINTS)

    await page.locator("audio").evaluate(LOADED)
    asked: list[str] = []
    page.on("request", lambda one: asked.append(one.url) if "/audio?" in one.url else None)
    jumps = (1800, 3500, 60, 2700, 900)
    took = [await page.evaluate(SEEKED_AFTER, at) for at in jumps]
    assert sorted(took)[len(took) // 2] < 1000, f"milliseconds, 100 on a machine of its own: {took}"
    assert len(asked) <= 4 * len(jumps), "the seek table leads there, nothing is halved again and again"
    await picture(page, "player-hour")


async def test_loop_speed_sides_and_keys(db: Database, site: Any, tmp_path: Path) -> None:
    await fill(db)
    row = await stored(db, site, tmp_path)
    await said(
        db, row, (10, Side.CITIZEN, "我要反映一个问题"), (20, Side.OTHER, "请您讲"), (200, Side.OTHER, "已经记下")
    )
    page = await site.enter("lijianguo")
    await page.add_init_script(EARS)
    await page.goto(f"{site.url}/recordings/{row.id}#t=9")
    await give_reason(page)
    await expect(page.locator(".player[data-drawn]")).to_be_visible()
    assert await now_at(page) == pytest.approx(9, abs=0.2)
    audio, body = page.locator("audio"), page.locator("main#page")

    await body.focus()
    await page.keyboard.press("Space")
    await page.evaluate(BEYOND, 10.2)
    await expect(page.locator(".talk [aria-current]")).to_have_text(re.compile("我要反映一个问题"))
    await page.keyboard.press("[")
    await page.evaluate(BEYOND, 11.0)
    await page.keyboard.press("]")
    await expect(page.locator("output.loop")).to_have_text(re.compile("循环 0:1"))
    await page.wait_for_function("() => document.querySelector('audio').currentTime < 10.9")
    begins = float(
        re.findall(r"[\d.]+", await page.evaluate("() => String(document.querySelector('audio').currentTime)"))[0]
    )
    assert 10 < begins < 11.5, "it goes round within the stretch"
    await page.keyboard.press("\\")
    await expect(page.locator("output.loop")).to_have_text("在波形上拖选一段，循环播放")
    await page.keyboard.press("+")
    assert await audio.evaluate("(media) => media.playbackRate") == 1.25
    await page.get_by_label("速度").select_option("0.75")
    assert await audio.evaluate("(media) => media.playbackRate") == 0.75
    await page.get_by_label("速度").select_option("2")

    await page.evaluate("() => document.activeElement.blur()")
    await page.keyboard.press("2")
    await page.wait_for_function("() => window.loudness().every((ear) => ear > 0.01)")
    await page.keyboard.press("3")
    await page.wait_for_function("() => window.loudness().every((ear) => ear < 0.0001)")
    assert not await audio.evaluate("(media) => media.paused"), "the other side is silent here and goes on playing"
    await page.keyboard.press("1")
    await page.wait_for_function("() => window.loudness()[0] > 0.01 && window.loudness()[1] < 0.0001")
    await page.keyboard.press("?")
    await expect(page.locator("details.keys p")).to_be_visible()

    line = page.get_by_role("button", name="已经记下")
    await line.click()
    assert 199 < await page.evaluate(BEYOND, 200.1) < 215
    await page.evaluate("() => { location.hash = '#t=33.5'; }")
    await page.wait_for_function(
        "() => { const at = document.querySelector('audio').currentTime; return at >= 33 && at < 60; }"
    )
    wave = page.locator(".wave")
    await wave.scroll_into_view_if_needed()
    box = await wave.bounding_box()
    assert box
    await page.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + 30)
    await page.mouse.down()
    await page.mouse.move(box["x"] + box["width"] * 0.6, box["y"] + 30, steps=8)
    await page.mouse.up()
    await expect(page.locator("output.loop")).to_have_text(re.compile("循环 2:0"))
    assert await now_at(page) == pytest.approx(SECONDS / 2, abs=6)
    await picture(page, "player-loop")


async def test_marks_stay_for_whoever_may_listen_and_only_their_author_removes_them(
    db: Database, site: Any, tmp_path: Path
) -> None:
    await fill(db)
    row = await stored(db, site, tmp_path)
    page = await opened(site, row, "#t=65")
    await expect(page.locator(".player[data-drawn]")).to_be_visible()
    await page.locator(".player").focus()
    await page.keyboard.press("m")
    await expect(page.get_by_label("在 1:05 标注")).to_be_focused()
    await page.keyboard.type("市民说明了地点")
    await page.keyboard.press("Enter")
    mark = page.locator("#marks li")
    await expect(mark).to_contain_text("市民说明了地点")
    await expect(mark).to_contain_text("李建国")
    await expect(page.get_by_label("标注", exact=False).locator("visible=true").last).to_have_value("")
    async with db.session() as session:
        kept = (await session.scalars(select(Mark))).one()
    assert (kept.at_s, kept.by_name) == (pytest.approx(65, abs=0.5), "李建国")
    await picture(page, "player-marks")

    other = await site.enter("zhou.an")
    await other.goto(f"{site.url}/recordings/{row.id}")
    await give_reason(other)
    await expect(other.locator("#marks li")).to_contain_text("市民说明了地点")
    await expect(other.get_by_role("button", name="移除标注")).to_have_count(0)
    await other.locator("#marks .jump").click()
    assert 64 < await other.evaluate(BEYOND, 65.1) < 80

    await page.get_by_role("button", name="移除标注").click()
    await expect(page.locator("#marks")).to_contain_text("还没有标注")


async def test_who_listens_stands_over_the_player_and_damage_is_told_in_words(
    db: Database, site: Any, tmp_path: Path
) -> None:
    await fill(db)
    row = await stored(db, site, tmp_path)
    page = await opened(site, row)
    mark = await page.locator(".watermark").get_attribute("data-mark")
    assert mark and "李建国" in mark and "核实诉求内容：市民来电催办" in mark and "2026年" in mark
    path = site.store._path(row.store_key)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 3])
    assert hashlib.sha256(path.read_bytes()).hexdigest() != row.digest
    await page.locator("audio").evaluate(
        "(media) => { media.load(); media.currentTime = 200; media.play().catch(() => {}); }"
    )
    await expect(page.locator(".fault")).to_contain_text("录音无法完整播放：文件应为")
    await picture(page, "player-damaged")
    path.unlink()
    await page.goto(f"{site.url}/recordings/{row.id}")
    await give_reason(page)
    await expect(page.locator(".fault")).to_contain_text("归档文件不存在")


async def test_a_link_is_followed_while_the_page_still_loads_what_draws_it(
    db: Database, site: Any, tmp_path: Path
) -> None:
    await fill(db)
    row = await stored(db, site, tmp_path)
    page = await site.enter("lijianguo")
    left = asyncio.Event()

    async def late(route: Any) -> None:
        await left.wait()
        await route.continue_()

    async def later(route: Any) -> None:
        left.set()
        await page.locator(".player[data-drawn]").wait_for()
        await route.continue_()

    await page.route("**/player-*.js", late)
    await page.route("**/redaction?*", later)
    await page.goto(f"{site.url}/recordings/{row.id}")
    await give_reason(page)
    await page.get_by_role("link", name="制作脱敏副本").click()
    await expect(page.locator("h1")).to_have_text("制作脱敏副本")


async def test_stretches_are_chosen_by_words_and_by_dragging_and_the_copy_is_heard(
    db: Database, site: Any, tmp_path: Path
) -> None:
    await fill(db)
    row = await stored(db, site, tmp_path)
    words = [{"w": word, "start": 20.0 + at, "end": 20.8 + at, "conf": 1.0} for at, word in enumerate(("我叫", "张三"))]
    async with db.session() as session:
        given = {"text": "我叫张三", "words": words, "source": Source.BATCH, "start_s": 20.0, "end_s": 21.8}
        session.add(TranscriptSegment(call_id=row.call_id, side=Side.CITIZEN, **given))
    page = await opened(site, row)
    await page.get_by_role("link", name="制作脱敏副本").click()
    await expect(page.locator("h1")).to_have_text("制作脱敏副本")
    await expect(page.locator(".player[data-drawn]")).to_be_visible()
    word = page.get_by_role("button", name="张三")
    await word.click()
    await expect(word).to_have_attribute("aria-pressed", "true")
    await expect(page.locator(".stretches li")).to_have_count(1)
    box = await page.locator(".wave").bounding_box()
    assert box
    await page.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + 30)
    await page.mouse.down()
    await page.mouse.move(box["x"] + box["width"] * 0.55, box["y"] + 30, steps=8)
    await page.mouse.up()
    await expect(page.locator(".stretches li")).to_have_count(2)
    await page.get_by_label("脱敏理由").fill("依法提供查询")
    await picture(page, "redaction")
    await page.get_by_role("button", name="生成脱敏副本").click()
    await expect(page.locator("h1")).to_have_text("通话录音")
    copies = page.locator("#recording-copies")
    await expect(copies).to_contain_text("排队中")
    async with db.session() as session:  # as the worker notes it while it works
        one = (await session.scalars(select(Redaction))).one()
        one.state, one.done = MakingState.RUNNING, one.total * 4 // 10
        hint(session, redactions.TOPIC, row.id)
    await expect(copies).to_contain_text("40%")
    await picture(page, "redaction-progress")
    await give_reason(page)
    await expect(copies).to_contain_text("40%")
    await Redactor(db, site.store, work=tmp_path / "redactions").step()
    copy = page.locator(".copies audio")
    await expect(copy).to_be_visible()
    await copy.evaluate("(media) => media.play()")
    await page.wait_for_function("() => document.querySelector('.copies audio').currentTime > 0.3")
    await page.get_by_text("文字和摘要").click()
    await expect(page.locator(".copies details")).to_contain_text("我叫■■")
    await picture(page, "redacted-copy")
    async with db.session() as session:
        made = (await session.scalars(select(Redaction))).one()
    assert [one["channel"] for one in made.stretches] == [0, 0, 1]


async def test_an_agent_asks_and_an_officer_approves_and_a_file_is_taken_along(
    db: Database, site: Any, tmp_path: Path
) -> None:
    await fill(db)
    row = await stored(db, site, tmp_path)
    async with db.session() as session:
        roles = frozenset({Role.ARCHIVIST})
        await identity.create_user(session, SYSTEM, login="dangan", name="陈档", roles=roles, password=PASSWORD)
    agent = await site.enter("wangli")
    await agent.goto(f"{site.url}/recordings/{row.id}")
    await agent.get_by_label("调听用途").select_option("核实诉求内容")
    await agent.get_by_label("申请理由").fill("市民来电催办")
    await picture(agent, "listening-ask")
    await agent.get_by_role("button", name="提交调听申请").click()
    await expect(agent.locator("#my-listening")).to_contain_text("待审批")
    officer = await site.enrol("dangan")
    await officer.goto(f"{site.url}/listening-requests")
    await picture(officer, "listening-requests")
    await officer.get_by_role("button", name="批准调听").click()
    await expect(officer.locator("#listening")).to_contain_text("已批准")
    await picture(officer, "listening-decided")
    await expect(agent.locator("#my-listening")).to_contain_text("已批准")
    await picture(agent, "my-listening")
    await agent.get_by_role("link", name=re.compile("^调听 .*通话录音$")).click()
    await agent.get_by_role("button", name="登记理由并调听").click()
    await agent.locator("audio").evaluate("(media) => media.play()")
    await agent.wait_for_function("() => document.querySelector('audio').currentTime > 0.2")

    await officer.goto(f"{site.url}/recordings/{row.id}")
    await give_reason(officer)
    await officer.get_by_text("导出这份录音").click()
    await officer.get_by_label("导出用途").select_option("依法提供查询")
    await officer.get_by_label("导出理由").fill("公安机关调取")
    await officer.get_by_role("button", name="登记理由并导出").click()
    await expect(officer.locator("#exports")).to_contain_text("排队中")
    exporter = Exporter(
        db, site.store, work=tmp_path / "exports", secret=lambda: "secret", house="弋阳12345",
        policy=lambda: installed().policy[ListeningPolicy],
    )  # fmt: skip
    await exporter.step()
    await expect(officer.locator("#exports")).to_contain_text("可以下载")
    await picture(officer, "exports")
    async with officer.expect_download() as started:
        await officer.get_by_role("link", name="下载").click()
    download = await started.value
    await download.save_as(tmp_path / "taken.zip")
    assert len([name for name in zipfile.ZipFile(tmp_path / "taken.zip").namelist() if name.endswith(".flac")]) == 1
    await officer.goto(f"{site.url}/recordings")
    await officer.get_by_role("link", name="导出声音").click()
    await expect(officer.locator("h1")).to_have_text("导出录音")
    await picture(officer, "export-new")
