"""What `hotline doctor` looks at on the machine: programs, packages, room, and what its processor can transcribe."""

import os
import re
import shutil
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from core.health import Health
from hotline.settings import Settings
from hotline.setup import assets, asterisk, packages, speech_capacity
from recordings.settings import SpeechSettings
from recordings.speech.model import load

SETUP = "运行 make setup"
LEAST_FREE_GB = 5
"""A day of a busy county: 200 hours of lossless stereo, and room for the database to grow."""
LOCK = Path(__file__).parents[2] / "requirements.in"
MODEL = "运行 make speech-model NAME=vosk-model-small-cn-0.22，或把设置 speech.model 改为已有的模型目录；电话不受影响"


def python() -> Health:
    """3.11 to 3.13."""
    here = ".".join(map(str, sys.version_info[:3]))
    ok = (3, 11) <= sys.version_info[:2] <= (3, 13)
    return Health("Python", ok, here, "make clean 后以 make setup PYTHON=/路径/python3.12 重装")


def python_packages() -> Health:
    """What requirements.in names is installed."""
    names = [line for line in LOCK.read_text().splitlines() if line and line[0] not in "#-" and _applies(line)]
    lacking = []
    for name in names:
        plain = re.split(r"[;=\[<>~ ]", name, maxsplit=1)[0]
        try:
            version(plain)
        except PackageNotFoundError:
            lacking.append(plain)
    detail = f"缺少 {'、'.join(lacking)}" if lacking else f"{len(names)} 个齐全"
    return Health("Python 软件包", not lacking, detail, "make clean 后运行 make setup")


def _applies(requirement: str) -> bool:
    """Whether a line's marker, of which we use one kind only, holds for this Python."""
    marker = re.search(r'; *python_version *>= *"3\.(\d+)"', requirement)
    return marker is None or sys.version_info[1] >= int(marker[1])


def system_packages() -> Health:
    """Programs of the distribution."""
    lacking = packages.missing(packages.TO_RUN)
    return Health("系统软件包", not lacking, "缺少 " + "、".join(lacking) if lacking else "齐全", SETUP)


def asterisk_program() -> Health:
    """An Asterisk with every module that is loaded."""
    part, install = "Asterisk 程序", asterisk.find()
    if install is None:
        return Health(part, False, "没有可用的 Asterisk", SETUP)
    modules = len(asterisk.required_modules())
    return Health(part, True, f"{install.version}，{modules} 个模块齐全，{install.binary}")


def web_assets() -> Health:
    """Built of the present sources."""
    ok = assets.built()
    return Health("网页组件", ok, "已打包" if ok else "没有打包或已过时", SETUP)


def disks(settings: Settings) -> Health:
    """Room on each file system that the database, recordings on their way, and the archive lie on."""
    home, recordings = settings.core.home, settings.recordings
    archive = [] if recordings.s3 else [recordings.archive or home]
    archive += [one.folder for one in recordings.replicas.values() if one.folder]
    spots = {os.stat(spot).st_dev: spot for spot in map(_nearest, [*archive, recordings.spool or home, home])}
    free = {spot: shutil.disk_usage(spot).free / 1e9 for spot in spots.values()}
    ok = all(room >= LEAST_FREE_GB for room in free.values())
    detail = "，".join(f"{spot} 剩余 {room:.1f} GB" for spot, room in free.items())
    mend = f"至少留出 {LEAST_FREE_GB} GB：清理磁盘，或用设置 recordings.archive 把录音档案移到更大的磁盘"
    return Health("磁盘", ok, detail, mend)


def _nearest(path: Path) -> Path:
    """`path`, or the first folder above it that is there."""
    return next(one for one in (path, *path.absolute().parents) if one.exists())


def speech(chosen: SpeechSettings) -> Health:
    """The model, and how much of it this machine carries."""
    part = "实时转写"
    if chosen.model is None:
        return Health(part, True, "没有设置语音模型，不转写")
    loaded = load(chosen.model)
    if loaded.engine is None:
        return Health(part, False, loaded.detail, MODEL)
    threads = chosen.threads or os.cpu_count() or 1
    measured = speech_capacity.measure(loaded.engine, threads)
    detail = (
        f"模型 {loaded.engine.name}，{threads} 线程每秒解码 {measured.rate:.0f} 秒语音，"
        f"可同时转写约 {measured.streams} 路（{measured.streams // 2} 个通话）"
    )
    return Health(part, measured.streams >= 2, detail, "换用小模型或增加处理器；其余通话会在挂机后转写")
