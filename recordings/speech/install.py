"""`hotline speech-model NAME`: fetch a Vosk model, verify it against the publisher's list, unpack it safely."""

import hashlib
import json
import re
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

from core.errors import Invalid, Unavailable
from recordings.speech.digests import write_digests
from recordings.speech.model import check

CATALOGUE = "https://alphacephei.com/vosk/models/model-list.json"
"""The publisher's list: name, url, md5 and size of each model; TLS vouches for it."""
TIMEOUT_S = 30
BLOCK = 1 << 20
LARGEST = 8 << 30
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,80}")

Progress = Callable[[int, int], None]


def install(
    name: str, models: Path, *, catalogue: str = CATALOGUE, progress: Progress = lambda done, total: None
) -> Path:
    """Install the model `name` below `models` -> its folder; one that is there and whole is kept.

    Raises `Invalid("model-unknown" | "model-damaged")`, `Unavailable("model-unreachable")`; leaves nothing half.
    """
    if not _NAME.fullmatch(name):
        raise Invalid("model-unknown", f"没有名为 {name[:80]} 的语音识别模型。")
    target = models / name
    if target.is_dir() and not check(target):
        return target
    entry = _entry(name, catalogue)
    models.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=models) as folder:
        archive = Path(folder) / "model.zip"
        try:
            digest = _download(entry["url"], archive, int(entry["size"]), progress)
        except (URLError, OSError, TimeoutError) as error:
            raise Unavailable("model-unreachable", "下载语音识别模型失败，请检查网络或改用本地文件夹。") from error
        if digest != entry["md5"]:
            raise Invalid("model-damaged", f"模型 {name} 下载后的校验值不符，未安装。")
        unpacked = _unpack(archive, Path(folder) / "unpacked", name)
        if trouble := check(unpacked):
            raise Invalid("model-damaged", trouble)
        write_digests(unpacked)
        if target.exists():
            shutil.rmtree(target)
        unpacked.rename(target)
    return target


def _entry(name: str, catalogue: str) -> dict[str, Any]:
    try:
        with urlopen(catalogue, timeout=TIMEOUT_S) as answer:
            entries = json.loads(answer.read(LARGEST >> 10))
    except (URLError, OSError, TimeoutError, ValueError) as error:
        raise Unavailable("model-unreachable", "无法取得语音识别模型目录，请检查网络。") from error
    for entry in entries:
        if entry.get("name") == name and {"url", "md5", "size"} <= set(entry):
            return dict(entry)
    raise Invalid("model-unknown", f"模型目录中没有 {name}。")


def _download(url: str, target: Path, size: int, progress: Progress) -> str:
    digest = hashlib.md5(usedforsecurity=False)
    done = 0
    with urlopen(url, timeout=TIMEOUT_S) as answer, target.open("wb") as file:
        while block := answer.read(BLOCK):
            done += len(block)
            if done > LARGEST:
                raise Invalid("model-damaged", "模型文件过大，未安装。")
            digest.update(block)
            file.write(block)
            progress(done, size)
    return digest.hexdigest()


def _unpack(archive: Path, target: Path, name: str) -> Path:
    """Unpack; zipfile itself keeps names below `target`."""
    try:
        with zipfile.ZipFile(archive) as file:
            if sum(item.file_size for item in file.infolist()) > LARGEST:
                raise Invalid("model-damaged", "模型文件过大，未安装。")
            file.extractall(target)
    except zipfile.BadZipFile as error:
        raise Invalid("model-damaged", f"模型 {name} 的压缩包已损坏，未安装。") from error
    return target / name
