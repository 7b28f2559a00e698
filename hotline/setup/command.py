"""`hotline setup`, `hotline assets`: the steps that make this clone and this instance ready."""

import asyncio
from pathlib import Path

from callflow.asterisk import Folders
from callflow.menu import MenuPolicy
from core.clock import now
from hotline import demo
from hotline.runtime import Runtime
from hotline.setup import assets, asterisk, certificate, packages, radosgw, softhsm
from hotline.setup.cache import Say
from hotline.setup.steps import Step, carry_out
from hotline.tools.rules import of_instance
from ivr.prompts.render import render_all
from recordings.proof.signing import SECRET as SEAL
from recordings.proof.signing import Signer
from recordings.store.choose import masters_of
from recordings.store.masters import SECRET as MASTER


def ready(runtime: Runtime, say: Say, *, tests: bool = False, refresh: bool = False) -> list[str]:
    """Carry out every step that is not done; names of those that ran."""
    return carry_out(steps(runtime, tests=tests, refresh=refresh), say)


def steps(runtime: Runtime, *, tests: bool = False, refresh: bool = False) -> list[Step]:
    """The set-up of one instance, in order."""
    needs = packages.TO_RUN + (packages.TO_TEST if tests else ())
    tls = runtime.home / "tls"
    wanted = certificate.names(runtime.own_names())
    return [
        Step(
            "系统软件包",
            lambda: not packages.missing(needs),
            lambda say: packages.install(packages.missing(needs), say),
        ),
        Step(
            "Asterisk",
            lambda: not refresh and asterisk.find() is not None,
            lambda say: say(str(asterisk.ensure(say, refresh=refresh).binary)),
        ),
        Step("网页组件", assets.built, assets.build),
        Step(
            "密钥与证书",
            lambda: runtime.settings.web.certificate is not None or certificate.check(tls, wanted).ok,
            lambda say: certificate.issue(tls, wanted, say),
        ),
        Step(
            "录音归档的密钥",
            lambda: (
                bool(runtime.settings.recordings.master_keys or runtime.secrets.numbered(MASTER) or _in_device(runtime))
                and bool(runtime.secrets.numbered(SEAL))
            ),
            lambda say: _archive_keys(runtime, say),
        ),
        *([_radosgw(), _softhsm()] if tests else []),
        Step("语音提示", lambda: False, lambda say: _prompts(runtime, say)),
        Step("数据库与演示县", lambda: False, lambda say: _database(runtime, say)),
    ]


def _radosgw() -> Step:
    return Step("S3 服务（测试用）", lambda: radosgw.find() is not None, lambda say: say(str(radosgw.ensure(say).root)))


def _softhsm() -> Step:
    return Step(
        "密码设备（测试用）", lambda: softhsm.find() is not None, lambda say: say(str(softhsm.ensure(say).root))
    )


def _in_device(runtime: Runtime) -> bool:
    """Whether master keys are a device's, where `hotline archive rotate-key` makes them: it may be away now."""
    return runtime.settings.recordings.pkcs11 is not None


def _archive_keys(runtime: Runtime, say: Say) -> None:
    """The master key of encrypted recordings, and the key that signs the daily seals."""
    Signer(runtime.secrets).public_key()
    if _in_device(runtime):
        return
    present = asyncio.run(masters_of(runtime.settings.recordings, runtime.secrets).present())
    say(f"主密钥 {present}；请把 {runtime.home / 'secrets'} 另行备份：没有它，录音不能恢复")


def _prompts(runtime: Runtime, say: Say) -> None:
    recorded = runtime.home / "prompts"
    county, menu = runtime.settings.core.county, of_instance(runtime.settings).present(now())[MenuPolicy].menu
    changed = render_all(Folders(runtime.home).sounds, recorded=_if_there(recorded), county=county, menu=menu)
    say(f"新生成 {len(changed)} 段" if changed else "没有变化")


def _database(runtime: Runtime, say: Say) -> None:
    """Upgrade the tables; an embedded server that we started for it is stopped again."""
    server = runtime.postgres
    stopped = server is not None and server.pid() is None
    if server is not None:
        server.start()
    try:
        runtime.migrate()
        say(asyncio.run(_demo(runtime)))
    finally:
        if server is not None and stopped:
            server.stop()
    say("数据库已是最新版本")


async def _demo(runtime: Runtime) -> str:
    try:
        return await demo.seed(runtime)
    finally:
        await runtime.db.close()


def _if_there(folder: Path) -> Path | None:
    return folder if folder.is_dir() else None
