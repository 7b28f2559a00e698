"""What the doctor says of a machine that lacks something: the fault, and how to mend it."""

import os
import shutil
from pathlib import Path

import pytest

from core.settings import CoreSettings
from hotline.settings import Settings
from hotline.setup import checks_machine as checks
from recordings.settings import TINY_MODEL, RecordingSettings, SpeechSettings


def settings(home: Path, **sections: object) -> Settings:
    return Settings(core=CoreSettings(home=home), **sections)  # type: ignore[arg-type]


def test_room_is_asked_for_on_every_file_system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = Path("/dev/shm")
    if os.stat(other).st_dev == os.stat(tmp_path).st_dev:
        pytest.skip("this machine has one file system only")
    home = tmp_path / "not" / "yet"
    found = checks.disks(settings(home, recordings=RecordingSettings(archive=other)))
    assert str(other) in found.detail
    assert str(tmp_path) in found.detail

    room = shutil.disk_usage(tmp_path).free / 1e9
    monkeypatch.setattr(checks, "LEAST_FREE_GB", room * 2 + 1000)
    full = checks.disks(settings(home))
    assert not full.ok
    assert "recordings.archive" in full.mend


@pytest.mark.parametrize(
    ("damage", "detail"),
    [("gone", "找不到语音识别模型文件夹"), ("part", "缺少 am/final.mdl"), ("changed", "与校验值不符：final.mdl")],
)
def test_a_model_that_cannot_be_used(tmp_path: Path, damage: str, detail: str) -> None:
    folder = tmp_path / "model"
    if damage != "gone":
        shutil.copytree(TINY_MODEL, folder)
    if damage == "part":
        (folder / "am" / "final.mdl").unlink()
    if damage == "changed":
        with (folder / "am" / "final.mdl").open("r+b") as file:
            file.write(b"rubbish")
    found = checks.speech(SpeechSettings(model=folder))
    assert not found.ok
    assert detail in found.detail
    assert "make speech-model" in found.mend


def test_no_model_is_a_choice(tmp_path: Path) -> None:
    assert checks.speech(SpeechSettings(model=None)).ok


def test_a_missing_program_names_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    found = checks.system_packages()
    assert not found.ok
    assert "ffmpeg" in found.detail
    assert found.mend == checks.SETUP
