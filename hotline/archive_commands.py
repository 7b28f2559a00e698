"""The terminal's commands about what is kept: archive, backups, the ledger, keys of personal data.

What a command does is imported when it is asked for, so that each starts quickly.
"""

import asyncio
import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from hotline import settings


def register(app: typer.Typer) -> None:
    """Add them."""
    for command in (backup, restore, backup_done):
        app.command()(command)
    archive = typer.Typer(no_args_is_help=True, help="录音归档")
    archive.callback()(_archive)
    archive.command(name="rotate-key")(rotate_archive_key)
    archive.command(name="seal")(print_seal)
    archive.command(name="prove")(prove_object)
    archive.command(name="verify")(verify_archive)
    archive.command(name="import")(import_package)
    archive.command(name="export")(export_package)
    archive.command(name="whose")(whose_sound)
    archive.command(name="replay-disposals")(replay_disposals)
    archive.command(name="mirror")(mirror_archive)
    archive.command(name="switch")(switch_archive)
    app.add_typer(archive, name="archive")
    personal = typer.Typer(no_args_is_help=True, help="个人信息")
    personal.callback()(_personal)
    personal.command(name="rotate-key")(rotate_personal_key)
    app.add_typer(personal, name="personal")
    ledger = typer.Typer(no_args_is_help=True, help="审计日志")
    ledger.callback()(_ledger)
    ledger.command(name="verify")(verify_ledger)
    app.add_typer(ledger, name="ledger")


Folder = Annotated[Path | None, typer.Option(help="备份所在目录；不写为设置中的 backup.folder")]
KeysFolder = Annotated[Path | None, typer.Option(help="密钥备份所在目录；不写为设置中的 backup.keys")]


def backup(
    to: Folder = None,
    keys: KeysFolder = None,
    check: Annotated[bool, typer.Option("--check", help="不做备份，读出并核对最近的（或 --set 指定的）备份")] = False,
    set_: Annotated[str, typer.Option("--set", help="核对哪一份，例如 20261130-021500")] = "",
) -> None:
    """备份数据库、录音和附件、密钥，不影响通话；完成后登记在系统状态。"""
    from hotline.tools import backups

    if not check:
        print(asyncio.run(backups.take(settings.load(), to, keys, _aside)))
        return
    wrong = asyncio.run(backups.check(settings.load(), to, keys, set_))
    print("\n".join(wrong) or "备份完好。")
    raise typer.Exit(1 if wrong else 0)


def restore(
    from_: Annotated[Path | None, typer.Option("--from", help="备份所在目录；不写为设置中的 backup.folder")] = None,
    keys: KeysFolder = None,
    set_: Annotated[str, typer.Option("--set", help="恢复哪一份，例如 20261130-021500；不写为最近的")] = "",
    files_in_place: Annotated[
        bool, typer.Option("--files-in-place", help="录音和附件仍在原处（例如在 S3 上），不复制，只核验")
    ] = False,
    without_masters: Annotated[
        bool, typer.Option("--without-master-keys", help="密码设备已毁坏或暂时没有：恢复其余内容，不核验录音")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="不再询问")] = False,
) -> None:
    """按备份恢复本实例，并逐项核对；现有的数据库和密钥移到一旁，不删除。先用 hotline stop 停止全部。"""
    from hotline.tools import backups

    loaded = settings.load()
    if not yes:
        typer.confirm(f"将按备份恢复 {loaded.core.home}，备份以后的工单、通话记录不在其中。继续吗", abort=True)
    how = {"files_in_place": files_in_place, "without_masters": without_masters}
    done = asyncio.run(backups.restore(loaded, from_, keys, set_, **how, say=_aside))
    print("\n".join(done.as_text()))
    raise typer.Exit(1 if done.findings else 0)


def backup_done(
    at: Annotated[str, typer.Option(help="备份完成的时间，例如 2026-02-13T02:10；不写为现在")] = "",
    note: Annotated[str, typer.Option(help="说明，例如备份到何处、多大；显示在系统状态")] = "",
) -> None:
    """登记一次用别的工具完成的备份，由本局的备份脚本在最后调用；系统状态由此知道备份是否按时。"""
    from hotline.tools.backup_done import report
    from hotline.tools.reckon import chinese

    print(f"已登记 {chinese(asyncio.run(report(settings.load(), at, note)))} 的备份。")


def _archive() -> None:
    """录音归档。"""


def rotate_archive_key(
    rewrap: Annotated[bool, typer.Option("--rewrap", help="不生成新的主密钥，只改用现行的主密钥")] = False,
) -> None:
    """更换录音归档的主密钥：生成新的主密钥，重新包裹全部数据密钥；录音文件不重写，服务不停。"""
    from hotline.tools import archive

    done = asyncio.run(archive.rotate_key(settings.load(), make=not rewrap, say=_aside))
    print(f"现行主密钥 {done.master_id}，重新包裹 {done.rewrapped} 个数据密钥。请立即运行一次 hotline backup。")
    for line in done.refused:
        print(f"未能重新包裹：{line}", file=sys.stderr)
    raise typer.Exit(1 if done.refused else 0)


def print_seal(date: Annotated[str, typer.Option("--date", help="哪一天，例如 2026-11-29")]) -> None:
    """输出某一天的归档封存单（录音和附件），供打印存档。"""
    from hotline.tools import archive

    print(asyncio.run(archive.print_seal(settings.load(), archive.day_of(date))), end="")


def prove_object(of: Annotated[str, typer.Argument(help="录音或附件的编号")]) -> None:
    """输出一份录音或附件的存在证明（JSON），可用 docs/verify_archive.py 独立验证。"""
    from hotline.tools import archive

    proof = asyncio.run(archive.prove(settings.load(), archive.object_of(of)))
    print(json.dumps(proof, ensure_ascii=False, indent=1))


def whose_sound(file: Annotated[Path, typer.Argument(help="声音文件（WAV、FLAC、OGG、MP3）")]) -> None:
    """识别流出的声音是哪一次录音导出的副本：编号、导出人、用途和理由。"""
    from hotline.tools import marks

    print("\n".join(marks.as_text(asyncio.run(marks.whose(settings.load(), file)))))


def verify_archive(
    recording: Annotated[str, typer.Argument(help="只核验这一份录音或附件（编号）；不写为全部")] = "",
    date: Annotated[str, typer.Option("--date", help="只核验这一天归档的录音、附件和这一天的封存")] = "",
) -> None:
    """核验归档的录音和附件：逐份读出并比对摘要，比对封存与目录；发现问题时返回 1。"""
    from hotline.tools import archive

    one, day = archive.object_of(recording) if recording else None, archive.day_of(date) if date else None
    checked = asyncio.run(archive.verify(settings.load(), one, day, _aside))
    print("\n".join(archive.as_text(checked)))
    raise typer.Exit(1 if checked.findings else 0)


def import_package(
    package: Annotated[Path, typer.Argument(help="导出的 ZIP，或解压后的文件夹")],
    check: Annotated[bool, typer.Option("--check", help="只核验并说明内容，不导入")] = False,
    trust: Annotated[bool, typer.Option("--trust", help="接受其他系统签署的档案包（先核对公钥）")] = False,
) -> None:
    """导入一个工单档案包：先整体核验，再作为只读案卷导入，或恢复丢失的内容。"""
    from hotline.tools import packages

    if check:
        print("\n".join(packages.look(settings.load(), package, trust=trust)))
    else:
        print(asyncio.run(packages.bring_back(settings.load(), package, trust=trust)).said)


def export_package(
    number: Annotated[str, typer.Argument(help="工单编号")],
    folder: Annotated[Path, typer.Argument(help="写入的文件夹，须不存在")],
    reason: Annotated[str, typer.Option("--reason", help="导出原因，写入档案包和审计日志")],
    identity: Annotated[bool, typer.Option("--identity", help="含完整个人信息")] = False,
    sound: Annotated[bool, typer.Option("--sound", help="含录音")] = False,
) -> None:
    """把一张工单的档案包导出为文件夹。"""
    from crm.dossiers.rules import Asked
    from hotline.tools import packages

    done = asyncio.run(packages.take_out(settings.load(), number, folder, Asked(reason, identity, sound)))
    print(f"已导出到 {folder}，编号 {done}。可用 docs/verify_package.py 核验。")


def _personal() -> None:
    """个人信息。"""


def rotate_personal_key(
    rewrite: Annotated[bool, typer.Option("--rewrite", help="不生成新的密钥，只把旧密钥加密的改用现行密钥")] = False,
    index: Annotated[bool, typer.Option("--index", help="连同检索用的密钥一起更换；需先停止服务")] = False,
) -> None:
    """更换个人信息（姓名、电话、地址等）的加密密钥，并重新加密全部现有内容；服务不停。"""
    from hotline.tools import personal

    done = asyncio.run(personal.rotate_key(settings.load(), make=not rewrite, index=index, say=_aside))
    print(f"现行密钥为第 {done.number} 个，重新加密 {done.rows} 行。请立即运行一次 hotline backup。")


def _ledger() -> None:
    """审计日志。"""


def verify_ledger() -> None:
    """核验审计日志：逐条重算链上的摘要，并比对每天封存时的位置；发现问题时返回 1。"""
    from hotline.tools import ledger

    verified = asyncio.run(ledger.verify(settings.load()))
    print("\n".join(verified.as_text()))
    raise typer.Exit(1 if verified.findings else 0)


def replay_disposals() -> None:
    """按归档中的销毁记录再次销毁：从较早的备份恢复数据库以后、启动服务以前运行；可重复运行。"""
    from hotline.tools import archive

    done = asyncio.run(archive.replay(settings.load(), _aside))
    named = f"销毁证书 {len(done.certificates)} 份，所列录音、附件 {done.objects} 份"
    print(f"{named}，其中由备份带回、已再次销毁 {done.again} 份。")
    for line in done.refused:
        print(f"未执行：{line}", file=sys.stderr)
    raise typer.Exit(1 if done.refused else 0)


def mirror_archive(
    to: Annotated[str, typer.Option("--to", help="存储名称：recordings.replicas 中的一个，或 main")],
    mb_per_s: Annotated[float | None, typer.Option("--mb-per-s", help="每秒最多复制多少 MB；不写为不限")] = None,
) -> None:
    """把归档中缺少的文件全部复制到另一个存储并逐份核对；可随时中断、再次运行，不影响通话和归档。"""
    from hotline.tools import archive_stores

    done = asyncio.run(archive_stores.mirror(settings.load(), to, mb_per_s, _aside))
    print(f"复制 {done.copied} 份（{done.size / 1e6:.1f} MB）到“{to}”，{len(done.failed)} 份未能复制。")
    for line in done.failed:
        print(f"未能复制：{line}", file=sys.stderr)
    raise typer.Exit(1 if done.failed else 0)


def switch_archive(
    name: Annotated[str, typer.Argument(help="存储名称：recordings.replicas 中的一个，或 main")],
    lost: Annotated[bool, typer.Option("--primary-lost", help="原主存储已经损毁，只按记录和目录核对")] = False,
) -> None:
    """把另一个存储改为主存储：先核对它完整无缺，否则列出缺少的文件；立即生效，不影响通话和归档。"""
    from hotline.tools import archive_stores

    before = asyncio.run(archive_stores.switch(settings.load(), name, lost=lost))
    print(f"主存储已由“{before}”改为“{name}”；“{before}”从现在起是副本。")


def _aside(line: str) -> None:
    """How far a long command is, beside its result."""
    print(line, file=sys.stderr, flush=True)
