"""`hotline doctor`: every part of this installation, what is wrong with it, and how to mend it."""

import json
import os
import re
import shutil
import socket
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Annotated

import psycopg
import typer

from callflow.asterisk import Folders
from core.errors import Conflict, HotlineError
from core.health import Health
from hotline import settings
from hotline.node import node
from hotline.runtime import Runtime
from hotline.setup import assets, asterisk, certificate, packages, speech_capacity
from hotline.supervisor import only_one
from ivr.prompts.render import STAMP
from recordings.speech.vosk_engine import VoskEngine

SETUP = "运行 make setup"
LEAST_FREE_GB = 5
"""A day of a busy county: 200 hours of lossless stereo, and room for the database to grow."""
LOCK = Path(__file__).parents[2] / "requirements.in"


def register(app: typer.Typer) -> None:
    """Add the command to the program."""

    @app.command()
    def doctor(
        as_json: Annotated[bool, typer.Option("--json", help="以 JSON 输出")] = False,
    ) -> None:
        """检查各部分，说明问题与修复办法，测量本机能承担多少路实时转写。"""
        found: list[Health] = []
        for health in examine(Runtime(settings.load()).open()):
            found.append(health)
            if not as_json:
                print(f"{'正常' if health.ok else '异常'}  {health.part}：{health.detail}", flush=True)
                if not health.ok:
                    print(f"      修复：{health.mend}", flush=True)
        if as_json:
            print(json.dumps([asdict(health) for health in found], ensure_ascii=False, indent=1))
        raise typer.Exit(0 if all(health.ok for health in found) else 1)


def examine(runtime: Runtime) -> Iterator[Health]:
    """Each part in turn; an unexpected refusal of one is that part's state and stops no other."""
    checks: list[tuple[str, Callable[[], Health]]] = [
        ("Python", python),
        ("Python 软件包", python_packages),
        ("系统软件包", system_packages),
        ("Asterisk", line),
        ("网页组件", web_assets),
        ("语音提示", lambda: prompts(runtime)),
        ("证书", lambda: tls(runtime)),
        ("端口", lambda: ports(runtime)),
        ("数据库", lambda: database(runtime)),
        ("磁盘", lambda: disk(runtime.home)),
        ("实时转写", lambda: speech(runtime)),
    ]
    for part, check in checks:
        try:
            yield check()
        except (HotlineError, OSError) as error:
            yield Health(part, False, getattr(error, "message", str(error)), SETUP)


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
    return Health(
        "Python 软件包", not lacking, "、".join(lacking) or f"{len(names)} 个齐全", "make clean 后运行 make setup"
    )


def _applies(requirement: str) -> bool:
    """Whether a line's marker, of which we use one kind only, holds for this Python."""
    marker = re.search(r'; *python_version *>= *"3\.(\d+)"', requirement)
    return marker is None or sys.version_info[1] >= int(marker[1])


def system_packages() -> Health:
    """Programs of the distribution."""
    lacking = packages.missing(packages.TO_RUN)
    return Health("系统软件包", not lacking, "缺少 " + "、".join(lacking) if lacking else "齐全", SETUP)


def line() -> Health:
    """An Asterisk with every module that is loaded."""
    install = asterisk.find()
    if install is None:
        return Health("Asterisk", False, "没有可用的 Asterisk", SETUP)
    return Health(
        "Asterisk", True, f"{install.version}，{len(asterisk.required_modules())} 个模块齐全，{install.binary}"
    )


def web_assets() -> Health:
    """Built of the present sources."""
    ok = assets.built()
    return Health("网页组件", ok, "已打包" if ok else "没有打包或已过时", SETUP)


def prompts(runtime: Runtime) -> Health:
    """Rendered once; the set-up renders what changed."""
    ok = (Folders(runtime.home).sounds / "zh" / STAMP).exists()
    return Health("语音提示", ok, "已生成" if ok else "没有生成", SETUP)


def tls(runtime: Runtime) -> Health:
    """The installation's own certificate, or the given one is readable."""
    web = runtime.settings.web
    if web.certificate is not None:
        ok = os.access(web.certificate, os.R_OK)
        return Health("证书", ok, str(web.certificate), "检查设置 web.certificate 所指的文件")
    return certificate.check(runtime.home / "tls", certificate.names([web.host]))


def ports(runtime: Runtime) -> Health:
    """Every port is free, or taken while our own program that uses it runs."""
    line, web, speech = runtime.settings.line, runtime.settings.web, runtime.settings.speech
    node_runs, service_runs = _node_runs(runtime), _service_runs(runtime.home)
    wanted = [
        ("SIP", socket.SOCK_DGRAM, line.bind, line.sip_port, node_runs),
        ("AMI", socket.SOCK_STREAM, line.private, line.ami_port, node_runs),
        ("SIP WebSocket", socket.SOCK_STREAM, line.private, line.websocket_port, node_runs),
        ("FastAGI", socket.SOCK_STREAM, line.private, line.agi_port, service_runs),
        ("AudioSocket", socket.SOCK_STREAM, speech.host, speech.port, service_runs),
        ("HTTPS", socket.SOCK_STREAM, web.host, web.port, service_runs),
    ]
    taken = [f"{name} {port}" for name, kind, host, port, ours in wanted if not ours and not _free(kind, host, port)]
    mend = "停止占用端口的程序，或用 HOTLINE_PORT_OFFSET=1000 换一组端口"
    return Health("端口", not taken, f"被其他程序占用：{'、'.join(taken)}" if taken else "可用", mend)


def _free(kind: int, host: str, port: int) -> bool:
    with socket.socket(type=kind) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, int(kind == socket.SOCK_STREAM))
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def _node_runs(runtime: Runtime) -> bool:
    install = asterisk.find()
    return install is not None and node(runtime).alive()


def _service_runs(home: Path) -> bool:
    try:
        with only_one(home):
            return False
    except Conflict:
        return True


def database(runtime: Runtime) -> Health:
    """Answers, and is PostgreSQL 15 or newer. The embedded one may rest: the service starts it."""
    if runtime.postgres and runtime.postgres.pid() is None:
        ready = (runtime.home / "postgres").is_dir()
        return Health("数据库", ready, "内置数据库已建立，未在运行" if ready else "没有建立", SETUP)
    try:
        with psycopg.connect(runtime.db.url.replace("+psycopg", ""), connect_timeout=5) as connection:
            number = connection.info.server_version // 10000
    except psycopg.Error as error:
        return Health("数据库", False, str(error).strip(), "检查 HOTLINE_DATABASE_URL 与数据库服务")
    return Health("数据库", number >= 15, f"PostgreSQL {number}", "请使用 PostgreSQL 15 以上版本")


def disk(home: Path) -> Health:
    """Room for recordings."""
    free = shutil.disk_usage(home).free / 1e9
    return Health("磁盘", free >= LEAST_FREE_GB, f"{home} 剩余 {free:.0f} GB", "清理磁盘或把录音目录移到更大的磁盘")


def speech(runtime: Runtime) -> Health:
    """The model, and how much of it this machine carries."""
    chosen = runtime.settings.speech
    if chosen.model is None:
        return Health("实时转写", True, "没有设置语音模型，不转写")
    try:
        engine = VoskEngine(chosen.model)
    except ValueError:
        return Health(
            "实时转写", False, f"模型 {chosen.model} 不能用", "make speech-model NAME=vosk-model-small-cn-0.22"
        )
    threads = chosen.threads or os.cpu_count() or 1
    measured = speech_capacity.measure(engine, threads)
    ok = measured.streams >= 2
    detail = (
        f"模型 {engine.name}，{threads} 线程每秒解码 {measured.rate:.0f} 秒语音，"
        f"可同时转写约 {measured.streams} 路（{measured.streams // 2} 个通话）"
    )
    return Health("实时转写", ok, detail, "换用小模型或增加处理器；其余通话会在挂机后转写")
