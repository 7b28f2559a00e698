"""The command `hotline`: everything that is done to an instance from a terminal."""

import asyncio
import sys
from typing import Annotated

import typer
import uvloop

from core import log
from core.errors import HotlineError
from hotline import settings
from hotline.runtime import Runtime

app = typer.Typer(
    no_args_is_help=True, add_completion=False, help="12345 政务服务便民热线", pretty_exceptions_enable=False
)


def runtime() -> Runtime:
    """This command's instance, opened."""
    return Runtime(settings.load()).open()


@app.command()
def run(
    roles: Annotated[str, typer.Option(help="要运行的角色，以逗号分隔")] = "line,web,worker,speech",
) -> None:
    """启动服务并守护；Ctrl-C 停止全部，SIGTERM 只停服务、不断通话。"""
    from hotline.ground import Ground
    from hotline.supervisor import Supervisor, only_one
    from hotline.welcome import welcome

    opened = runtime()
    log.setup(opened.settings.core.log_level, json=opened.settings.core.log_json, role="supervisor")

    async def serve() -> None:
        ground = Ground(opened)
        await ground.start()
        print(welcome(opened), flush=True)
        await Supervisor(ground, roles.split(",")).run()

    with only_one(opened.home):
        asyncio.run(serve())


@app.command()
def role(names: Annotated[list[str], typer.Argument(help="line、web、worker、speech 中的一个或几个")]) -> None:
    """在本进程中运行指定的角色（由 hotline run 或集群的服务管理器调用）。"""
    from hotline import roles

    opened = runtime()
    log.setup(opened.settings.core.log_level, json=opened.settings.core.log_json, role="+".join(names))
    unknown = [name for name in names if name not in roles.ROLES]
    if unknown:
        raise typer.BadParameter(f"没有这样的角色：{'、'.join(unknown)}")
    uvloop.run(roles.run(names, opened))


@app.command()
def migrate() -> None:
    """把数据库升级到本版本。"""
    from hotline.schema import migrate as upgrade

    opened = runtime()
    if opened.postgres:
        opened.postgres.start()
    upgrade(opened.db.url)
    print("数据库已是最新版本。")


@app.command()
def stop() -> None:
    """停止本实例的 Asterisk 和内置数据库（服务已停止之后使用；正在进行的通话将中断）。"""
    from hotline.ground import Ground
    from hotline.supervisor import only_one

    opened = runtime()
    with only_one(opened.home):
        asyncio.run(Ground(opened).stop())
    print("已停止。")


def main() -> None:
    """Run the command; an expected error is one Chinese sentence and exit code 1."""
    from hotline import commands

    commands.register(app)
    try:
        app()
    except HotlineError as error:
        print(f"错误：{error.message}", file=sys.stderr)
        for name, what in error.fields.items():
            print(f"  {name}: {what}", file=sys.stderr)
        sys.exit(1)
