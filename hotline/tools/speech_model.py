"""`hotline speech-model NAME`: a real Vosk model, fetched, verified, and the setting that puts it to use."""

import sys
from typing import Annotated

import typer

from hotline import settings
from hotline.runtime import Runtime
from recordings.speech.install import install

FOLDER = "models"


def register(app: typer.Typer) -> None:
    """Add the command to the program."""

    @app.command(name="speech-model")
    def speech_model(
        name: Annotated[str, typer.Argument(help="模型名称，如 vosk-model-small-cn-0.22")],
    ) -> None:
        """下载并校验语音识别模型；已安装且完整的不再下载。"""
        runtime = Runtime(settings.load())
        folder = install(name, runtime.home / FOLDER, progress=_Progress().show)
        print(f"模型已安装在 {folder}")
        if runtime.settings.speech.model != folder:
            print(f"要使用它，请在 {runtime.home / 'hotline.toml'} 中写入下面两行，然后重新启动服务：")
            print(f'[speech]\nmodel = "{folder}"')


class _Progress:
    """One line, rewritten at each further percent, only where a person watches."""

    def __init__(self) -> None:
        self._shown = -1

    def show(self, done: int, total: int) -> None:
        percent = min(100, done * 100 // max(1, total))
        if percent != self._shown and sys.stderr.isatty():
            self._shown = percent
            print(f"\r下载 {percent:3d}%", end="\n" if percent == 100 else "", file=sys.stderr, flush=True)
