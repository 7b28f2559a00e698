"""The list of steps: what is done is left alone, what fails stops the rest."""

from pathlib import Path

import pytest

from core.errors import Unavailable
from hotline.runtime import Runtime
from hotline.settings import Settings
from hotline.setup.cache import Say
from hotline.setup.command import steps
from hotline.setup.steps import Step, carry_out


def test_only_what_is_not_done_runs_and_in_order() -> None:
    ran: list[str] = []
    said: list[str] = []

    def step(name: str, done: bool) -> Step:
        return Step(name, lambda: done, lambda _say: ran.append(name))

    assert carry_out([step("甲", False), step("乙", True), step("丙", False)], said.append) == ["甲", "丙"]
    assert ran == ["甲", "丙"]
    assert "[2/3] 乙：已就绪" in said


def test_an_error_stops_the_steps_after_it() -> None:
    ran: list[str] = []

    def fail(_say: Say) -> None:
        raise Unavailable("needs-administrator", "请管理员执行：……")

    steps = [Step("甲", lambda: False, fail), Step("乙", lambda: False, lambda _say: ran.append("乙"))]
    with pytest.raises(Unavailable, match="needs-administrator"):
        carry_out(steps, lambda _line: None)
    assert ran == []


def test_the_archive_gets_its_keys_once(tmp_path: Path) -> None:
    runtime = Runtime(Settings(home=tmp_path))
    said: list[str] = []
    (keys,) = (step for step in steps(runtime) if step.name == "录音归档的密钥")
    assert not keys.done()
    keys.run(said.append)
    made = {path.name: path.read_text() for path in (tmp_path / "secrets").iterdir()}
    assert set(made) == {"archive-master-1", "archive-seal-1"}
    assert keys.done() and "另行备份" in said[0]
    keys.run(said.append)
    assert {path.name: path.read_text() for path in (tmp_path / "secrets").iterdir()} == made
