"""What `hotline doctor` looks at in one instance: its files, its ports, its database, and what runs of it."""

import asyncio
import socket

import psycopg

from callflow.asterisk import PROBE_SECRET, Folders
from callflow.current import menu
from core.errors import Conflict, Unavailable
from core.health import Health
from crm.installed import installed
from crm.policy import SmsPolicy
from crm.sms.check import check
from hotline.line_probe import probe
from hotline.node import node, require_listening, wanted
from hotline.runtime import Runtime
from hotline.setup import asterisk, certificate
from hotline.setup.checks_machine import SETUP
from hotline.supervisor import only_one
from hotline.tools.healthy import ask_instance
from ivr.prompts.render import STAMP
from recordings.store.choose import masters_of
from recordings.store.suite import Suite, sm4_is_there

_OWNED = "SELECT 1 FROM pg_class WHERE relname = 'ledger' AND pg_has_role(relowner, 'USAGE')"
"""A row where this user could alter the ledger's table."""
OLDEST_POSTGRES = 15
DEVICE_MEND = "检查密码设备、网络、驱动和 secrets 中的 PIN；详见处置手册“录音”"


def prompts(runtime: Runtime) -> Health:
    """Rendered once; the set-up renders what changed."""
    ok = (Folders(runtime.home).sounds / "zh" / STAMP).exists()
    return Health("语音提示", ok, "已生成" if ok else "没有生成", SETUP)


def certificate_of(runtime: Runtime) -> Health:
    """The desks' certificate: the given one, else the installation's own."""
    web, tls = runtime.settings.web, runtime.home / "tls"
    if web.certificate is not None:
        return certificate.check_given(web.certificate, web.certificate_key)
    return certificate.check(tls, certificate.names(runtime.own_names()))


def encryption(runtime: Runtime) -> Health:
    """This machine has the algorithm and a master key; whether all of them are there the running service tells."""
    part, chosen = "录音加密", runtime.settings.recordings.encryption
    if chosen == "off":
        return Health(part, True, "设置为不加密")
    if Suite(chosen) is Suite.SM4 and not sm4_is_there():
        return Health(part, False, "本机的 OpenSSL 不含 SM4", "改用 recordings.encryption = aes-256-gcm")
    masters, device = masters_of(runtime.settings.recordings, runtime.secrets), runtime.settings.recordings.pkcs11
    try:
        known = asyncio.run(masters.known())
        if device:
            asyncio.run(masters.present())  # where files are in use there is one, or asking would make it
    except Unavailable as error:
        return Health(part, False, error.message, DEVICE_MEND)
    where = f"，现行的在密码设备“{device.token}”中" if device else ""
    return Health(part, bool(known), f"{chosen}，主密钥 {len(known)} 个{where}" if known else "没有主密钥", SETUP)


def ports(runtime: Runtime) -> Health:
    """Every port is free, or taken while our own program that uses it runs."""
    line, web, speech = runtime.settings.line, runtime.settings.web, runtime.settings.speech
    node_runs, service_runs = _node_runs(runtime), _service_runs(runtime)
    needed = [
        ("SIP", socket.SOCK_DGRAM, line.bind, line.sip_port, node_runs),
        ("AMI", socket.SOCK_STREAM, line.private, line.ami_port, node_runs),
        ("SIP WebSocket", socket.SOCK_STREAM, line.private, line.websocket_port, node_runs),
        ("FastAGI", socket.SOCK_STREAM, line.private, line.agi_port, service_runs),
        ("AudioSocket", socket.SOCK_STREAM, speech.host, speech.port, service_runs),
        ("HTTPS", socket.SOCK_STREAM, web.host, web.port, service_runs),
    ]
    if (sms := runtime.settings.sms).gateway == "mas" and sms.mas.push_token:
        needed.append(("云MAS 推送", socket.SOCK_STREAM, sms.mas.push_host, sms.mas.push_port, service_runs))
    refused = [
        f"{name} {host}:{port}（{why}）"
        for name, kind, host, port, ours in needed
        if not ours and (why := _refused(kind, host, port))
    ]
    mend = "停止占用端口的程序，或用 HOTLINE_PORT_OFFSET=1000 换一组端口；地址不属于本机的，改正设置"
    return Health("端口", not refused, f"不能监听：{'、'.join(refused)}" if refused else "可用", mend)


def _refused(kind: int, host: str, port: int) -> str:
    """Why nobody can listen there; empty: it is free."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, kind) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, int(kind == socket.SOCK_STREAM))
        try:
            probe.bind((host, port))
        except OSError as error:
            return {98: "被其他程序占用", 99: "不是本机地址"}.get(error.errno or 0, error.strerror or "")
    return ""


def line(runtime: Runtime) -> Health:
    """One call to the running line, which is no call of anybody's."""
    mend = "查看服务是否在运行，以及 asterisk/log/messages.log"
    try:
        asyncio.run(probe(runtime.settings.line, runtime.secrets.get(PROBE_SECRET), menu()))
    except Unavailable as error:
        return Health("线路自检", False, error.message, mend)
    return Health("线路自检", True, "应答、按键和双向声音正常")


def _node_runs(runtime: Runtime) -> bool:
    return asterisk.find() is not None and node(runtime).alive()


def _service_runs(runtime: Runtime) -> bool:
    try:
        with only_one(runtime.home):
            return False
    except Conflict:
        return True


def database(runtime: Runtime) -> Health:
    """Answers, and is new enough. The embedded one may rest while its files are whole: the service starts it."""
    part = "数据库"
    if runtime.postgres and runtime.postgres.pid() is None:
        if damage := runtime.postgres.damage():
            mend = f"从备份恢复 {runtime.home / 'postgres'}；没有备份时移走该目录再运行 make setup，将从空库开始"
            return Health(part, False, damage, mend)
        if not runtime.postgres.made():
            return Health(part, False, "没有建立", SETUP)
        return Health(part, True, "内置数据库已建立，未在运行")
    mend = "检查设置 database_url 与数据库服务"
    if runtime.postgres:
        mend = f"查看 {runtime.home / 'postgres' / 'log'}，再重新启动服务"
    try:
        with psycopg.connect(runtime.db.dsn, connect_timeout=5) as connection:
            number = connection.info.server_version // 10000
            whose = connection.execute(_OWNED).fetchone()
    except psycopg.Error as error:
        return Health(part, False, f"没有应答：{str(error).strip()}", mend)
    alone = "，服务账号就是表的所有者：建议分设两个账号，见 docs/howto/postgresql.md" if whose else ""
    return Health(part, number >= OLDEST_POSTGRES, f"PostgreSQL {number}{alone}", "请使用 PostgreSQL 15 以上版本")


def sms(runtime: Runtime) -> Health:
    """The operator's gateway, as far as it can be known from here."""
    return check(runtime.settings.sms, installed().policy[SmsPolicy])


def asterisk_running(runtime: Runtime) -> Health:
    """Runs while the service runs; without the service it may rest."""
    part = "Asterisk 运行"
    if _node_runs(runtime):
        try:
            asyncio.run(require_listening(node(runtime)))
        except Unavailable as error:
            mend = "改正设置 line.bind、line.sip_port，没有通话时停止服务，运行 hotline stop，再启动服务"
            return Health(part, False, error.message, mend)
        return Health(part, True, f"正在运行，监听 {wanted(node(runtime))}")
    if not _service_runs(runtime):
        return Health(part, True, "未在运行，服务启动时一并启动")
    log = Folders(runtime.home).log / "messages.log"
    return Health(part, False, "服务在运行而 Asterisk 没有运行", f"查看 {log}；旁置的 Asterisk 请查看它的容器")


def service(runtime: Runtime) -> Health:
    """What the running service says of its parts."""
    if not _service_runs(runtime):
        return Health("服务", True, "未在运行，用 make run 启动")
    wrong = asyncio.run(ask_instance(runtime.settings))
    return Health("服务", not wrong, "；".join(wrong) or "各部分正常", "查看服务日志，或在工作台打开“系统状态”")
