"""Settings from file and environment together, and ports that move only where nobody chose them."""

from pathlib import Path

import pytest

from core.errors import Invalid
from hotline.settings import Settings, load


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOTLINE_HOME", str(tmp_path))
    monkeypatch.delenv("HOTLINE_PORT_OFFSET", raising=False)
    return tmp_path


def test_offset_moves_every_port_beside_other_settings_of_the_section(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOTLINE_PORT_OFFSET", "1000")
    monkeypatch.setenv("HOTLINE_LINE__NODE", "node2")
    monkeypatch.setenv("HOTLINE_WEB__HOST", "0.0.0.0")
    monkeypatch.setenv("HOTLINE_LINE__WAITS__DUTY_RING", "33")
    found = load()
    assert (found.line.sip_port, found.line.rtp_last, found.speech.port, found.web.port) == (6060, 21999, 10092, 9443)
    assert (found.line.node, found.line.waits.duty_ring, found.line.waits.first_queue) == ("node2", 33, 120)


def test_a_chosen_port_stays_where_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "hotline.toml").write_text("port_offset = 1000\n[line]\nsip_port = 5070\n", encoding="utf-8")
    assert (load().line.sip_port, load().line.ami_port) == (5070, 6038)


def test_environment_is_stronger_than_the_file_and_keeps_its_neighbours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "hotline.toml").write_text('[line]\nbind = "10.0.0.5"\ntrunk_to = "10.0.0.1"\n', encoding="utf-8")
    monkeypatch.setenv("HOTLINE_LINE__BIND", "10.0.0.6")
    assert (load().line.bind, load().line.trunk_to) == ("10.0.0.6", "10.0.0.1")


@pytest.mark.parametrize("text", ["[line]\nsip_prt = 5070\n", "[line]\nsip_port = 99999\n", "[lines]\n"])
def test_a_wrong_setting_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "hotline.toml").write_text(text, encoding="utf-8")
    with pytest.raises(Invalid, match="line"):
        load()


def test_an_empty_path_is_none(tmp_path: Path) -> None:
    (tmp_path / "hotline.toml").write_text('[speech]\nmodel = ""\n', encoding="utf-8")
    assert load().speech.model is None


def test_the_instance_folder_reaches_the_core(tmp_path: Path) -> None:
    assert Settings(home=tmp_path).core.home == tmp_path
