"""The installed model: found, checked, loaded, or a sentence that says why there is no text."""

from dataclasses import dataclass
from pathlib import Path

from core.log import get
from recordings.speech.digests import changed
from recordings.speech.engine import Engine
from recordings.speech.vosk_engine import VoskEngine

log = get(__name__)
NEEDED = ("am/final.mdl", "conf/mfcc.conf", "conf/model.conf")
NO_MODEL = "未安装语音识别模型，通话照常接听、录音和派单，只是没有文字。"


@dataclass(frozen=True)
class Loaded:
    """An engine, or none and the Chinese sentence that says why."""

    engine: Engine | None
    detail: str


def load(folder: Path | None) -> Loaded:
    """Load a model folder; never raises for what is wrong with it."""
    if folder is None:
        return Loaded(None, NO_MODEL)
    if trouble := check(folder):
        return Loaded(None, trouble)
    try:
        engine = VoskEngine(folder)
    except ValueError:
        log.exception("speech.model-refused")
        return Loaded(None, f"语音识别模型 {folder.name} 已损坏，无法加载，请重新安装。")
    return Loaded(engine, f"正在使用模型 {engine.name}。")


def check(folder: Path) -> str:
    """What is wrong with a model folder, in Chinese; empty when nothing is."""
    if not folder.is_dir():
        return f"找不到语音识别模型文件夹 {folder.name}，请检查设置。"
    if missing := [name for name in NEEDED if not (folder / name).is_file()]:
        return f"语音识别模型 {folder.name} 不完整，缺少 {'、'.join(missing)}。"
    if wrong := changed(folder):
        return f"语音识别模型 {folder.name} 的文件与校验值不符：{'、'.join(wrong)}，请重新安装。"
    return ""
