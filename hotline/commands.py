"""What each command of the terminal takes; what it does is imported when asked for, so that each starts quickly."""

import asyncio
import json
import sys
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from hotline import archive_commands, settings


def register(app: typer.Typer) -> None:
    """Add the commands beside those of the service itself."""
    for command in (setup, doctor, agent, call, healthy, due):
        app.command()(command)
    app.command(name="speech-model")(speech_model)
    app.command(name="assets")(build_assets)
    knowledge = typer.Typer(no_args_is_help=True, help="知识库")
    knowledge.callback()(_group)
    knowledge.command(name="evaluate")(evaluate_knowledge)
    app.add_typer(knowledge, name="knowledge")
    archive_commands.register(app)
    emergencies = typer.Typer(no_args_is_help=True, help="突发事件")
    emergencies.callback()(_emergencies)
    emergencies.command(name="evaluate")(evaluate_emergencies)
    app.add_typer(emergencies, name="emergencies")


def setup(
    tests: Annotated[bool, typer.Option(help="同时安装测试所需的软件包")] = False,
    refresh: Annotated[bool, typer.Option(help="检查并安装更新的 Asterisk")] = False,
) -> None:
    """安装所需的一切：系统软件包、Asterisk、网页组件、证书、密钥、提示音、数据库。可重复运行。"""
    from hotline.runtime import Runtime
    from hotline.setup.command import ready

    ready(Runtime(settings.load()).open(), partial(print, flush=True), tests=tests, refresh=refresh)


def build_assets() -> None:
    """只打包网页组件（制作镜像时使用）。"""
    from hotline.setup import assets

    if not assets.built():
        assets.build(print)


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="以 JSON 输出")] = False,
    line: Annotated[bool, typer.Option("--line", help="并拨打一次本线路：应答、按键、双向声音")] = False,
) -> None:
    """检查各部分，说明问题与修复办法，测量本机能承担多少路实时转写。"""
    from hotline.setup.doctor import examine

    found = []
    for health in examine(settings.load(), line=line):
        found.append(health)
        if not as_json:
            print(f"{'正常' if health.ok else '异常'}  {health.part}：{health.detail}", flush=True)
            if not health.ok:
                print(f"      修复：{health.mend}", flush=True)
    if as_json:
        print(json.dumps([asdict(health) for health in found], ensure_ascii=False, indent=1))
    raise typer.Exit(0 if all(health.ok for health in found) else 1)


def agent(
    login: Annotated[str, typer.Argument(help="演示账号")] = "agent1",
    greeting: Annotated[str, typer.Option(help="接通后说的话")] = "您好，弋阳一二三四五热线，请讲。",
) -> None:
    """启动一名演示话务员：分机自动应答，签入排队；Ctrl-C 签出。"""
    from hotline.runtime import Runtime
    from hotline.tools.demo_agent import work

    asyncio.run(work(Runtime(settings.load()).open(), login, greeting))


def call(
    say: Annotated[str, typer.Option(help="市民说的话")] = "我要投诉小区门口占道经营",
    caller: Annotated[str, typer.Option("--from", help="主叫号码")] = "13800000001",
    to: Annotated[str, typer.Option(help="被叫号码")] = "12345",
    dtmf: Annotated[str, typer.Option(help="接通后按的键")] = "",
) -> None:
    """以市民身份拨打一次真实的 SIP 电话，说一句话，并以 JSON 报告结果。"""
    from hotline.runtime import Runtime
    from hotline.tools.place_call import place

    report = asyncio.run(place(Runtime(settings.load()).open(), say, caller, to, dtmf))
    print(json.dumps(report, ensure_ascii=False, indent=1))


def speech_model(name: Annotated[str, typer.Argument(help="模型名，例如 vosk-model-small-cn-0.22")]) -> None:
    """下载并校验真实语音模型，放在本实例目录下，并说明如何启用。"""
    from recordings.speech.install import install

    def tell(done: int, total: int) -> None:
        print(f"\r下载 {done / 1e6:.0f} / {total / 1e6:.0f} MB", end="", flush=True)

    home = settings.load().core.home
    folder = install(name, home / "models", progress=tell)
    print(f'\n已安装。请在 {home / "hotline.toml"} 中设置，然后运行 hotline reload：\n\n[speech]\nmodel = "{folder}"')


def healthy() -> None:
    """询问本实例各部分是否正常；正常返回 0，否则返回 1。"""
    from hotline.tools.healthy import ask_instance

    wrong = asyncio.run(ask_instance(settings.load()))
    for line in wrong:
        print(line, file=sys.stderr)
    raise typer.Exit(1 if wrong else 0)


def due(
    category: Annotated[str, typer.Option(help="咨询、求助、建议、意见、投诉、举报、疑难复杂或签收")],
    from_: Annotated[str, typer.Option("--from", help="派发时间，例如 2026-02-13T10:00；不写为现在")] = "",
    policy: Annotated[Path | None, typer.Option(help="按这个政策文件计算")] = None,
    explain: Annotated[bool, typer.Option("--explain", help="逐日列出计入和不计的日子及原因")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="以 JSON 输出")] = False,
) -> None:
    """计算一件工单的到期时间（第十三条）：按本系统现行的规则，服务未运行时按县的政策文件。"""
    from hotline.tools import reckon, rules

    book = rules.from_file(policy) if policy else rules.of_instance(settings.load())
    answer = reckon.reckon(category, from_, book)
    if as_json:
        print(json.dumps(reckon.as_json(answer), ensure_ascii=False, indent=1))
    else:
        print("\n".join(reckon.as_text(answer, explain=explain)))


def _group() -> None:
    """知识库。"""


def evaluate_knowledge(
    questions: Annotated[Path, typer.Argument(help="问题文件（TSV 或 CSV，首行为表头）：问题、应查到的条目编号")],
    from_county: Annotated[bool, typer.Option("--county", help="不查数据库，只查县文件中的演示条目")] = False,
) -> None:
    """测评知识库检索：应查到的条目排在第一、前三的比例，并列出没有查到的问题。"""
    from hotline.tools import knowledge

    loaded = settings.load()
    verdict = asyncio.run(knowledge.evaluate(loaded, questions, from_county=from_county))
    print("\n".join(knowledge.as_text(verdict)))


def _emergencies() -> None:
    """突发事件。"""


def evaluate_emergencies(
    cases: Annotated[
        Path, typer.Argument(help="用例文件（TSV）：一段话、它的种类（代码或名称；不是突发事件的为空或“-”）")
    ],
) -> None:
    """测评突发事件识别：识别率、误报率，并列出每个漏报和误报。"""
    from hotline.tools import emergencies

    print("\n".join(emergencies.as_text(emergencies.evaluate(settings.load(), cases))))
