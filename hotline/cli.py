"""The command `hotline`: everything that is done to an instance from a terminal."""

import asyncio
import signal
import sys
from typing import TYPE_CHECKING, Annotated

import typer
import uvloop

from core import log
from core.errors import HotlineError
from hotline import commands, process_metrics, settings

if TYPE_CHECKING:
    from hotline.runtime import Runtime

app = typer.Typer(
    no_args_is_help=True, add_completion=False, help="12345 政务服务便民热线", pretty_exceptions_enable=False
)


def runtime() -> "Runtime":
    """This command's instance, opened."""
    from hotline.runtime import Runtime

    return Runtime(settings.load()).open()


def write_log(opened: "Runtime", role: str) -> None:
    """Log as the settings say; to a terminal in lines for a person."""
    core = opened.settings.core
    log.setup(core.log_level, json=core.log_json and not sys.stdout.isatty(), role=role)


@app.command()
def run(
    roles: Annotated[str, typer.Option(help="要运行的角色，以逗号分隔")] = "line,web,worker,speech",
    setup: Annotated[bool, typer.Option("--setup", help="先安装缺少的部分")] = False,
) -> None:
    """启动服务并守护；Ctrl-C 停止全部，SIGTERM 只停服务、不断通话，SIGHUP 重新读取设置。"""
    from hotline.ground import Ground
    from hotline.supervisor import Supervisor, only_one
    from hotline.welcome import welcome

    opened = runtime()
    with only_one(opened.home):
        if setup:
            from hotline.setup.command import ready

            ready(opened, lambda line: print(line, flush=True))
        write_log(opened, "supervisor")
        supervisor = Supervisor(Ground(opened), roles.split(","), runtime)
        everything = asyncio.run(supervisor.run(lambda: print(welcome(opened), flush=True)))
    print(
        "已停止。"
        if everything
        else "服务已停止；Asterisk 与数据库继续运行，通话不受影响。停止全部：.venv/bin/hotline stop",
        flush=True,
    )


@app.command()
def reload() -> None:
    """让运行中的服务重新读取设置：更新 Asterisk 的配置，重启各角色，不断通话。"""
    from hotline.supervisor import tell

    tell(settings.load().core.home, signal.SIGHUP)
    print("已通知服务重新读取设置。")


@app.command()
def role(names: Annotated[list[str], typer.Argument(help="line、web、worker、speech 中的一个或几个")]) -> None:
    """在本进程中运行指定的角色（由 hotline run 或集群的服务管理器调用）。"""
    opened = runtime()
    process_metrics.share(opened.home, names)
    from hotline import roles
    from hotline.wiring import ROLES

    write_log(opened, "+".join(names))
    unknown = [name for name in names if name not in ROLES]
    if unknown:
        raise typer.BadParameter(f"没有这样的角色：{'、'.join(unknown)}")
    uvloop.run(roles.run(names, opened))


@app.command()
def migrate() -> None:
    """把数据库升级到本版本。"""
    opened = runtime()
    if opened.postgres:
        opened.postgres.start()
    opened.migrate()
    print("数据库已是最新版本。")


@app.command()
def reindex() -> None:
    """重新建立工单的检索索引（可重复运行，不影响正在进行的工作）。"""
    from crm.search.index import reindex as rebuild

    wrong = uvloop.run(rebuild(runtime().db))
    print(f"检索索引已核对，更正 {wrong} 条。")


@app.command()
def stop() -> None:
    """停止本实例的全部：服务、Asterisk 和内置数据库（正在进行的通话将中断）。"""
    from hotline.ground import Ground
    from hotline.supervisor import end, only_one

    opened = runtime()
    end(opened.home)
    with only_one(opened.home):
        asyncio.run(Ground(opened).stop())
    print("已停止。")


def main() -> None:
    """Run the command; an expected error is one Chinese sentence and exit code 1."""
    commands.register(app)
    log.setup(
        "WARNING", json=False, to=sys.stderr
    )  # a command's own output is its result; services log as they are set
    try:
        app()
    except HotlineError as error:
        print(f"错误：{error.message}", file=sys.stderr)
        for name, what in error.fields.items():
            print(f"  {name}: {what}", file=sys.stderr)
        sys.exit(1)
