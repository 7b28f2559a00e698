"""`hotline due`: a date for whoever only wants to check one."""

import json
from datetime import datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from core.clock import SHANGHAI
from core.errors import HotlineError
from hotline import cli, commands

POLICY = Path(__file__).parents[3] / "counties" / "yiyang" / "policy.toml"
commands.register(cli.app)


@pytest.fixture(autouse=True)
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No instance on this machine."""
    monkeypatch.setenv("HOTLINE_HOME", str(tmp_path))


def ask(*arguments: str) -> str:
    done = CliRunner().invoke(cli.app, ["due", *arguments])
    if done.exception is not None:
        raise done.exception
    return done.stdout


def refusal(*arguments: str) -> str:
    done = CliRunner().invoke(cli.app, ["due", *arguments])
    assert isinstance(done.exception, HotlineError)
    return done.exception.message


@pytest.mark.proves("F13-1", "A13-1")
def test_json_carries_the_due_and_how_it_came_about() -> None:
    found = json.loads(ask("--category", "投诉", "--from", "2026-02-13T10:00", "--json"))
    assert found["due"] == "2026-03-06T00:00:00+08:00"
    assert (found["due_date"], found["provisional"], found["limit"]) == ("2026-03-05", False, 10)
    assert found["from"] == "2026-02-13T10:00:00+08:00"
    assert found["days"][0] == {"day": "2026-02-13", "number": None, "reason": "派发当日不计"}
    assert {"day": "2026-02-28", "number": 6, "reason": "春节调休"} in found["days"]
    assert found["days"][-1]["number"] == 10
    assert found["basis"].startswith("第十三条")


def test_a_person_reads_sentences() -> None:
    said = ask("--category", "咨询", "--from", "2026-12-31T09:00", "--explain")
    assert "咨询，2026年12月31日 09:00派发，限2个工作日。" in said
    assert "到期：2027年1月5日（周二） 24:00（暂定：当年节假日安排尚未公布）" in said
    assert "2027年1月1日（周五）  不计  元旦" in said


def test_signing_and_difficult_matters_have_limits_too() -> None:
    assert json.loads(ask("--category", "签收", "--from", "2026-02-14", "--json"))["due_date"] == "2026-02-24"
    assert json.loads(ask("--category", "疑难复杂", "--from", "2026-09-21", "--json"))["due_date"] == "2026-10-19"


def test_an_instant_with_an_offset_is_that_instant() -> None:
    found = json.loads(ask("--category", "咨询", "--from", "2026-03-02T16:00:00+00:00", "--json"))
    assert found["due_date"] == "2026-03-05"


def test_without_a_time_it_is_now() -> None:
    found = json.loads(ask("--category", "咨询", "--json"))
    assert datetime.fromisoformat(found["due"]) > datetime.now(SHANGHAI)


@pytest.mark.proves("D2", "D3")
def test_another_policy_file_counts_otherwise(tmp_path: Path) -> None:
    other = tmp_path / "other.toml"
    text = POLICY.read_text(encoding="utf-8")
    text = text.replace("complaint = 10", "complaint = 7").replace("count_start_day = false", "count_start_day = true")
    other.write_text(text.replace('"24:00"', '"17:30"'), encoding="utf-8")
    found = json.loads(ask("--category", "投诉", "--from", "2026-03-02T09:00", "--policy", str(other), "--json"))
    assert (found["limit"], found["due"]) == (7, "2026-03-10T17:30:00+08:00")
    assert "到期：2026年3月10日（周二） 17:30" in ask(
        "--category", "投诉", "--from", "2026-03-02", "--policy", str(other)
    )


def test_what_cannot_be_understood_is_said_in_chinese(tmp_path: Path) -> None:
    assert "可以写：咨询、求助" in refusal("--category", "表扬", "--from", "2026-03-02")
    assert "2026-02-13T10:00 的样式" in refusal("--category", "投诉", "--from", "昨天")
    assert "尚未施行" in refusal("--category", "投诉", "--from", "2023-06-04T23:59")
    assert "无法读取" in refusal("--category", "投诉", "--policy", str(tmp_path / "none.toml"))
    (tmp_path / "bad.toml").write_text("title = 1", encoding="utf-8")
    assert "无法使用" in refusal("--category", "投诉", "--policy", str(tmp_path / "bad.toml"))
