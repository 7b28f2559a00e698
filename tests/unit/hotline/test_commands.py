"""The commands of the terminal: complete, described in Chinese, quick where they are asked often."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from hotline import cli, commands
from hotline.runtime import Runtime
from hotline.settings import Settings
from hotline.welcome import welcome

ROOT = Path(__file__).parents[3]


def test_every_command_says_in_chinese_what_it_does() -> None:
    app = typer.Typer()
    commands.register(app)
    known = [*cli.app.registered_commands, *app.registered_commands]
    assert len(known) >= 12
    for command in known:
        assert command.callback
        assert re.match(r"[一-鿿]", command.callback.__doc__ or ""), command


def test_make_help_lists_every_target() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    phony = re.search(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)
    assert phony
    said = subprocess.run(["make", "-C", ROOT, "help"], capture_output=True, text=True, check=True).stdout
    listed = dict(re.findall(r"^  make ([a-z-]+) +(\S.*)$", said, re.MULTILINE))
    assert set(listed) == set(phony[1].split())
    assert all(re.search(r"[一-鿿]", text) for text in listed.values())


def test_the_health_check_loads_neither_the_database_nor_the_county() -> None:
    """Container engines run it every fifteen seconds, beside a line that needs the processor."""
    code = "import sys, hotline.cli, hotline.tools.healthy; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"sqlalchemy", "jieba", "pypinyin", "vosk", "numpy"} & set(loaded)


def test_nothing_to_reload_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOTLINE_HOME", str(tmp_path))
    done = CliRunner().invoke(cli.app, ["reload"])
    assert done.exit_code == 1
    assert "make run" in str(getattr(done.exception, "message", ""))


HOLDS = """
import signal, sys
from pathlib import Path
from hotline.supervisor import only_one
with only_one(Path(sys.argv[1])):
    print("holds", flush=True)
    print(signal.sigwait({signal.SIGINT}), flush=True)
"""


def test_stop_ends_a_running_service_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOTLINE_HOME", str(tmp_path))
    code = "import signal; signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})" + HOLDS
    with subprocess.Popen([sys.executable, "-c", code, tmp_path], stdout=subprocess.PIPE, text=True) as service:
        assert service.stdout
        assert service.stdout.readline() == "holds\n"
        refused = CliRunner().invoke(cli.app, ["run"])
        assert "hotline stop" in str(getattr(refused.exception, "message", ""))
        done = CliRunner().invoke(cli.app, ["stop"])
        assert (done.exit_code, done.stdout) == (0, "已停止。\n")
        assert service.wait(30) == 0


def test_a_start_names_one_account_of_each_role(tmp_path: Path) -> None:
    (tmp_path / "demo").mkdir()
    rows = ["agent1\ta-A\t李雯（话务员）", "agent2\tb-A\t王晓燕（话务员）", "cgj1\tc-A\t吴强（单位经办人）"]
    (tmp_path / "demo" / "accounts.txt").write_text("\n".join(rows) + "\n", encoding="utf-8")
    said = welcome(Runtime(Settings(home=tmp_path)))
    assert rows[0] in said and rows[2] in said and rows[1] not in said
    assert f"全部 3 个见 {tmp_path}" in said and "按 Ctrl-C 停止全部" in said
