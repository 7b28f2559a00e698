"""`hotline speech-model`: what the administrator reads before, after and when it fails."""

import hashlib
import json
import shutil
import zipfile
from functools import partial
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from core.errors import Invalid
from hotline import commands
from recordings.settings import TINY_MODEL
from recordings.speech import install
from recordings.speech.model import load

NAME = "vosk-model-tiny-cn"


@pytest.fixture
def publisher(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A publisher's list with one model, on this disk."""
    shutil.copytree(TINY_MODEL, tmp_path / "made" / NAME, ignore=shutil.ignore_patterns("SHA256SUMS"))
    archive = tmp_path / "model.zip"
    with zipfile.ZipFile(archive, "w") as file:
        for path in (tmp_path / "made" / NAME).rglob("*"):
            file.write(path, path.relative_to(tmp_path / "made"))
    digest = hashlib.md5(archive.read_bytes(), usedforsecurity=False).hexdigest()
    catalogue = tmp_path / "model-list.json"
    entry = {"name": NAME, "url": archive.as_uri(), "md5": digest, "size": archive.stat().st_size}
    catalogue.write_text(json.dumps([entry]), encoding="utf-8")
    monkeypatch.setattr(install, "install", partial(install.install, catalogue=catalogue.as_uri()))
    monkeypatch.setenv("HOTLINE_HOME", str(tmp_path / "home"))
    return tmp_path


def command() -> typer.Typer:
    app = typer.Typer()
    commands.register(app)
    return app


def test_a_model_is_installed_and_the_setting_is_said(publisher: Path) -> None:
    done = CliRunner().invoke(command(), ["speech-model", NAME])
    assert done.exit_code == 0, done.output
    folder = publisher / "home" / "models" / NAME
    assert f'model = "{folder}"' in done.output
    assert load(folder).engine is not None


def test_an_unknown_model_is_one_clear_error(publisher: Path) -> None:
    done = CliRunner().invoke(command(), ["speech-model", "vosk-model-of-nobody"])
    assert isinstance(done.exception, Invalid)
    assert done.exception.id == "model-unknown"
    assert not list((publisher / "home").rglob("*.zip"))
