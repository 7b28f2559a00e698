"""`hotline speech-model NAME`: a real Vosk model for this instance, downloaded and verified."""

from typing import Annotated

import typer

from hotline import settings
from recordings.speech.install import install


def register(app: typer.Typer) -> None:
    """Add the command to the program."""

    @app.command(name="speech-model")
    def speech_model(
        name: Annotated[str, typer.Argument(help="模型名，例如 vosk-model-small-cn-0.22")],
    ) -> None:
        """下载并校验真实语音模型，放在本实例目录下，并说明如何启用。"""
        home = settings.load().core.home
        folder = install(name, home / "models", progress=_tell)
        print(f'\n已安装。请在 {home / "hotline.toml"} 中设置，然后重新启动服务：\n\n[speech]\nmodel = "{folder}"')


def _tell(done: int, total: int) -> None:
    print(f"\r下载 {done / 1e6:.0f} / {total / 1e6:.0f} MB", end="", flush=True)
