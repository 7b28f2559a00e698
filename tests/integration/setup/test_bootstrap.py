"""What an ordinary user without sudo is told on a machine that lacks everything: one command for the administrator."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from core.errors import Unavailable
from hotline.setup import packages

ROOT = Path(__file__).parents[3]
NOBODY = 65534
WITHOUT_VENV = """#!/bin/sh
case "$*" in *"import ensurepip"*) exit 1 ;; esac
exec {python} "$@"
"""


@pytest.fixture
def bare(tmp_path: Path) -> dict[str, str]:
    """An environment in which nothing of ours is installed and nobody may become root."""
    tools = tmp_path / "bin"
    tools.mkdir(mode=0o755)
    for name in ("sh", "head"):
        (tools / name).symlink_to(str(shutil.which(name)))
    (tools / "id").write_text(f"#!/bin/sh\necho {NOBODY}\n")
    python = tools / "python-of-a-distribution"
    python.write_text(WITHOUT_VENV.format(python=sys.executable))
    for script in (python, tools / "id"):
        script.chmod(0o755)
    return {"PATH": str(tools), "PYTHON": str(python), "LANG": "C.UTF-8"}


def test_all_that_is_missing_is_asked_for_at_once(bare: dict[str, str], tmp_path: Path) -> None:
    done = subprocess.run(
        ["sh", ROOT / "hotline/setup/bootstrap.sh"], cwd=tmp_path, env=bare | {"PYTHONPATH": str(ROOT)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    version = ".".join(map(str, sys.version_info[:2]))
    wanted = [f"python{version}-venv", *(need.package for need in packages.TO_RUN)]
    assert done.stderr.strip().endswith(f"--no-install-recommends {' '.join(wanted)}"), done.stderr
    assert "请管理员执行：apt-get update && apt-get install" in done.stderr
    assert not (tmp_path / ".venv").exists()


def test_later_steps_ask_in_the_same_way(bare: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", bare["PATH"])
    monkeypatch.setattr(os, "geteuid", lambda: NOBODY)
    lacking = packages.missing(packages.TO_RUN)
    with pytest.raises(Unavailable) as error:
        packages.install(lacking, lambda _line: None)
    assert error.value.id == "needs-administrator"
    assert error.value.message.endswith(f"apt-get install -y --no-install-recommends {' '.join(lacking)}")


def test_another_python_is_refused_by_name(bare: dict[str, str], tmp_path: Path) -> None:
    old = Path(bare["PATH"]) / "python3.9"
    old.write_text("#!/bin/sh\n[ \"$1\" = -V ] && echo 'Python 3.9.2'\nexit 1\n")
    old.chmod(0o755)
    done = subprocess.run(
        ["sh", ROOT / "hotline/setup/bootstrap.sh"], cwd=tmp_path, env=bare | {"PYTHON": str(old)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert "Python 3.9.2" in done.stderr
