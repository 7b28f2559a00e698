"""What `hotline run` prints when everything is up: address, demo logins, number to dial, softphone."""

import os

from hotline.demo import accounts_file, phones_file
from hotline.runtime import Runtime

WHICH_INSTANCE = ("HOTLINE_HOME", "HOTLINE_PORT_OFFSET")
"""What another terminal must be told to reach this instance."""


def welcome(runtime: Runtime) -> str:
    """The text, in Chinese."""
    line, web = runtime.settings.line, runtime.settings.web
    host = "localhost" if web.host == "127.0.0.1" else web.host
    lines = [
        "",
        "12345 政务服务便民热线已就绪。",
        f"  工作台    https://{host}:{web.port}/",
        f"  拨打      sip:12345@{line.bind}:{line.sip_port}（软电话直呼，无需注册）",
    ]
    phones = phones_file(runtime.home)
    if phones.exists():
        lines.append(f"  注册分机  服务器 {line.bind}:{line.sip_port}（UDP，A-law），分机号与口令见 {phones}")
    accounts = accounts_file(runtime.home)
    if accounts.exists():
        rows = accounts.read_text(encoding="utf-8").splitlines()
        lines += [
            f"  演示账号  每个岗位一个，全部 {len(rows)} 个见 {accounts}：",
            *(f"    {row}" for row in _one_each(rows)),
        ]
    same = "".join(f"{name}={os.environ[name]} " for name in WHICH_INSTANCE if name in os.environ)
    lines += [
        f"  演示坐席  {same}make agent",
        f'  模拟来电  {same}make call SAY="我要投诉小区门口占道经营"',
        "  按 Ctrl-C 停止全部。",
        "",
    ]
    return "\n".join(lines)


def _one_each(rows: list[str]) -> list[str]:
    """The first account of each role: `login<TAB>password<TAB>name（roles…）`."""
    first: dict[str, str] = {}
    for row in rows:
        first.setdefault(row.partition("（")[2], row)
    return list(first.values())
