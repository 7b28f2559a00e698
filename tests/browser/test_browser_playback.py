"""A stored recording in a real Chromium: ranges, duration, moving time, seeking, waveform, keys, one look on record."""

import asyncio
import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from browser_data import fill
from playwright.async_api import Page, Response, Route, expect
from sqlalchemy import select
from test_browser_frame import picture

from core.db import Database
from core.ledger.models import LedgerEntry
from recordings.archive.rules import RATE
from recordings.archive.sound import encode
from recordings.forms import Encoding
from recordings.models import Recording

pytestmark = pytest.mark.browser
SECONDS = 240
BEYOND = """(at) => new Promise((done) => {
  const media = document.querySelector("audio");
  const look = () => {
    if (media.currentTime < at || media.seeking) return;
    media.ontimeupdate = null;
    done(media.currentTime);
  };
  media.ontimeupdate = look;
  look();
})"""
"""Resolves with the time once the sound has played beyond `at` seconds."""
LOADED = "(media) => media.readyState > 0 || new Promise((done) => { media.onloadedmetadata = () => done(true); })"
"""Resolves once the browser knows how long the sound is."""


async def stored(
    db: Database, site: Any, folder: Path, seconds: int = SECONDS, encoding: Encoding = Encoding.FLAC
) -> Recording:
    """The newest recording gets real sound: the citizen speaks in the first half, the agent in the second."""
    loud, soft = (np.random.default_rng(7).integers(-9000, 9000, seconds * RATE // 2, dtype=np.int16) for _ in "ab")
    silence = np.zeros(seconds * RATE // 2, dtype=np.int16)
    (folder / "citizen.sln").write_bytes(np.concatenate([loud, silence]).tobytes())
    (folder / "other.sln").write_bytes(np.concatenate([silence, soft]).tobytes())
    sound = io.BytesIO()
    made = encode([folder / "citizen.sln", folder / "other.sln"], sound, encoding)
    assert made.form is encoding.form
    async with db.session() as session:
        row = (await session.scalars(select(Recording).order_by(Recording.started_at.desc()).limit(1))).one()
        row.digest, row.size, row.seconds = made.digest, made.size, seconds
        row.store_key = f"2026/11/23/talk.{made.form}"
    await site.store.put(row.store_key, sound, made.digest)
    return row


async def opened(site: Any, row: Recording, at: str = "") -> Page:
    page: Page = await site.enter("lijianguo")
    await page.goto(f"{site.url}/recordings/{row.id}{at}")
    await give_reason(page)
    return page


async def give_reason(page: Page) -> None:
    await page.get_by_label("调听用途").select_option("核实诉求内容")
    await page.get_by_label("调听理由").fill("市民来电催办")
    await page.get_by_role("button", name="登记理由并调听").click()
    await expect(page.locator(".player audio")).to_be_visible()


@pytest.mark.parametrize("encoding", [Encoding.FLAC, Encoding.OPUS_24])
async def test_a_recording_plays_seeks_and_is_on_record_once(
    db: Database, site: Any, tmp_path: Path, encoding: Encoding
) -> None:
    await fill(db)
    row = await stored(db, site, tmp_path, encoding=encoding)
    page = await opened(site, row)
    await page.locator("audio").evaluate(LOADED)
    answers: list[Response] = []
    page.on("response", lambda one: answers.append(one) if "/audio?" in one.url else None)
    await page.goto(f"{site.url}/recordings/{row.id}")
    await give_reason(page)
    audio = page.locator("audio")
    await expect(page.locator(".wave canvas").first).to_be_visible()
    drawn = (
        "(all) => all.map((one) => one.getContext('2d').getImageData(0, 0, one.width, one.height).data.some(Boolean))"
    )
    assert (await page.locator(".wave canvas").evaluate_all(drawn)).count(True) >= 2, "both channels are drawn"
    await audio.evaluate(LOADED)
    assert await audio.evaluate("(media) => media.duration") == pytest.approx(SECONDS, abs=0.1)

    await page.locator(".player").focus()
    await page.keyboard.press("Space")
    assert await page.evaluate(BEYOND, 0.4) < 30, "it plays from the beginning"
    await audio.evaluate("(media) => { media.currentTime = 180; }")
    assert await page.evaluate(BEYOND, 180.3) < 200, "it goes on from where it was sent"
    await page.keyboard.press("Space")
    assert await audio.evaluate("(media) => media.paused")
    at = await audio.evaluate("(media) => media.currentTime")
    await page.keyboard.press("ArrowLeft")
    assert await audio.evaluate("(media) => media.currentTime") == pytest.approx(at - 5, abs=0.2)
    await page.locator(".wave").click(position={"x": 20, "y": 40})
    assert await page.evaluate(BEYOND, 0) < 30, "a click into the waveform seeks"
    await picture(page, f"playback-{encoding.form}")

    assert len(answers) >= 2, "seeking asks for a range of its own"
    for answer in answers:
        assert answer.status == 206
        headers = await answer.all_headers()
        assert headers["content-range"].endswith(f"/{row.size}") and headers["content-type"] == encoding.form.media_type
    async with db.session() as session:
        looks = await session.scalars(select(LedgerEntry).where(LedgerEntry.subject_id == str(row.id)))
        seen = [(one.action, one.reason) for one in looks.all()]
    why = "核实诉求内容：市民来电催办"
    once = [("recording.open", why), ("recording.listen", why)]
    assert sorted(seen) == sorted(once * 2), "two sittings, each opened and played once, however many ranges"


async def test_whoever_asks_last_is_followed_while_the_sound_is_still_on_its_way(
    db: Database, site: Any, tmp_path: Path
) -> None:
    await fill(db)
    page = await opened(site, await stored(db, site, tmp_path))
    await expect(page.locator(".player[data-drawn] .wave canvas").first).to_be_visible()
    audio = page.locator("audio")
    await audio.evaluate(LOADED)
    held = asyncio.Event()

    async def hold(route: Route) -> None:
        await held.wait()
        await route.continue_()

    await page.route("**/audio?*", hold)
    await audio.evaluate("(media) => { media.currentTime = 180; }")
    await page.wait_for_function("document.querySelector('audio').readyState < HTMLMediaElement.HAVE_FUTURE_DATA")
    await page.locator(".wave").click(position={"x": 20, "y": 40})
    clicked = await audio.evaluate("(media) => media.currentTime")
    assert clicked < 30, "a click counts at once"
    await page.keyboard.press("ArrowRight")
    held.set()
    assert await page.evaluate(BEYOND, 0) == pytest.approx(clicked + 5, abs=0.2), "the key came after the click"


async def test_a_sentence_plays_from_where_it_was_said(db: Database, site: Any, tmp_path: Path) -> None:
    await fill(db)
    row = await stored(db, site, tmp_path)
    async with db.session() as session:
        from recordings.models import Side, Source, TranscriptSegment

        words = {"text": "请问具体位置", "words": [], "source": Source.BATCH, "start_s": 120.0, "end_s": 122.0}
        session.add(TranscriptSegment(call_id=row.call_id, side=Side.OTHER, **words))
    page = await opened(site, row)
    sentence = page.get_by_role("button", name="请问具体位置")
    await sentence.focus()
    await page.keyboard.press("Enter")
    assert 120 < await page.evaluate(BEYOND, 120.3) < 140
