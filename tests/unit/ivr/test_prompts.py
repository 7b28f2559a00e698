"""Prompts: all rendered, only what changed again, a human voice first; the notice is short enough."""

import audioop
import wave
from pathlib import Path

import pytest

from callflow.menu import Does, Menu, MenuKey, MenuPolicy
from core.errors import Invalid
from crm import installed
from ivr.prompts.render import render_all, texts, write

COUNTY = Path(__file__).parents[3] / "counties" / "yiyang"

pytestmark = pytest.mark.xdist_group("prompts")  # rendered once, in one process


@pytest.fixture(scope="module")
def menu() -> Menu:
    return installed.read(COUNTY).policy[MenuPolicy].menu


@pytest.fixture(scope="module")
def sounds(tmp_path_factory: pytest.TempPathFactory, menu: Menu) -> Path:
    """As the county is rendered."""
    folder = tmp_path_factory.mktemp("data") / "sounds"
    render_all(folder, county=COUNTY, menu=menu)
    return folder


def seconds(path: Path) -> float:
    with wave.open(str(path)) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, 8000)
        assert audioop.rms(file.readframes(file.getnframes()), 2) > 200
        return file.getnframes() / 8000


def test_every_prompt_is_there_and_audible(sounds: Path) -> None:
    for name in texts():
        assert 0.1 < seconds(sounds / f"zh/{name}.wav") < 12, name
    assert seconds(sounds / "zh/beep.wav") < 1
    assert seconds(sounds.parent / "moh/waiting.wav") > 30


def test_notice_and_greeting_take_at_most_eight_seconds(sounds: Path) -> None:
    assert seconds(sounds / "zh/hotline/notice.wav") + seconds(sounds / "zh/hotline/greeting.wav") <= 8


def test_a_menu_without_words_still_makes_sentences() -> None:
    assert texts(county=COUNTY)["hotline/greeting"] == "弋阳12345为您服务。"
    assert texts()["hotline/status-end"] == "如需人工服务，请保持在线。"


def test_another_key_is_offered_by_its_name(menu: Menu) -> None:
    keys = (MenuKey(key="*", does=Does.STATUS, says="查工单"), MenuKey(key="1", does=Does.REPEAT, says="重听"))
    said = texts(menu=menu.model_copy(update={"keys": keys}))
    assert said["hotline/greeting"] == "12345热线为您服务，查工单请按星号键，重听请按一。"
    assert said["hotline/status-end"] == "重听请按一，如需人工服务，请保持在线。"


def test_keeping_the_place_is_offered_only_to_who_waits(menu: Menu) -> None:
    said = texts(menu=menu)
    assert said["hotline/keep-offer"] == "话务员正忙，请稍候，挂机保留排队请按一，查工单请按二，重听请按九。"
    assert not any("保留排队请按" in text for name, text in said.items() if name != "hotline/keep-offer")


@pytest.mark.parametrize(
    "text",
    [
        '[prompts]\n"hotline/unheard-of" = "你好"',
        '[words]\n"hotline/greeting" = "你好"',
        "[prompts",
        '[prompts]\n"hotline/greeting" = "按{key}"',
    ],
)
def test_a_county_cannot_say_what_nobody_asks_for(tmp_path: Path, text: str) -> None:
    (tmp_path / "prompts.toml").write_text(text)
    with pytest.raises(Invalid, match="bad-prompt"):
        texts(county=tmp_path)


def test_a_second_rendering_changes_nothing_and_a_recording_replaces_one(
    sounds: Path, tmp_path: Path, menu: Menu
) -> None:
    def again(recorded: Path | None = None) -> list[str]:
        return render_all(sounds, recorded=recorded, county=COUNTY, menu=menu)

    assert again() == []
    write(tmp_path / "hotline/notice.wav", b"\x00\x20" * 8000)
    assert again(tmp_path) == ["hotline/notice"]
    assert seconds(sounds / "zh/hotline/notice.wav") == 1
    assert again() == ["hotline/notice"]


@pytest.mark.parametrize("content", [b"", b"RIFF", b"not a sound at all"])
def test_a_file_that_is_no_recording_is_refused(sounds: Path, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "hotline").mkdir()
    (tmp_path / "hotline/notice.wav").write_bytes(content)
    with pytest.raises(Invalid, match="notice"):
        render_all(sounds, recorded=tmp_path)


@pytest.mark.parametrize("entry", ['"../x" = "你好"', '"x" = ""', '"x" = 5'])
def test_a_wrong_catalogue_is_refused(tmp_path: Path, entry: str) -> None:
    (tmp_path / "c.toml").write_text(f"[prompts]\n{entry}\n")
    with pytest.raises(Invalid):
        texts(tmp_path / "c.toml")
