"""How a backup lies on its disk, and which there are.

    FOLDER/sets/20261130-021500/   manifest.json  database.dump  files.tsv
    FOLDER/files/…                 the archive's files, shared by all sets, never deleted
    KEYS/20261130-021500/          manifest.json  archive-keys.dump  secrets/…  tls/…  hotline.toml

A set is written as `NAME.part` and renamed when it is whole. Keys lie elsewhere and are kept for days only. A set is
restored with the newest keys: what was lawfully destroyed since the set was made has none there.
"""

import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from core.clock import local
from core.errors import Invalid, NotFound
from hotline.backup.files import digest_at, durable
from hotline.backup.inventory import Held

FORMAT = 1
MANIFEST = "manifest.json"
DATABASE, KEYS_DUMP, SECRETS = "database.dump", "archive-keys.dump", "secrets"
TLS, SETTINGS = "tls", "hotline.toml"
"""Certificates that browsers trust, and settings, which may hold passwords: both lie with the keys."""
PART = ".part"


@dataclass(frozen=True)
class Manifest:
    """What a set says of itself: when, the schema's revision, the files' digests, what the tables held; and a set of
    keys which master keys its data keys need, wherever these are."""

    made_at: datetime
    revision: str
    digests: Mapping[str, str]
    tables: Mapping[str, Held]
    masters: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """As it is written."""
        tables = {name: asdict(held) for name, held in self.tables.items()}
        head = {"format": FORMAT, "made_at": self.made_at.isoformat(), "revision": self.revision}
        return head | {"digests": dict(self.digests), "tables": tables, "masters": self.masters}


def name_of(at: datetime) -> str:
    """`20261130-021500`, of Asia/Shanghai."""
    return f"{local(at):%Y%m%d-%H%M%S}"


def free_name(at: datetime, *folders: Path) -> str:
    """The name of a set of this moment, or of the next second in which none of the folders has one yet."""
    while any((folder / name_of(at)).exists() for folder in folders):
        at += timedelta(seconds=1)
    return name_of(at)


def sets(folder: Path) -> list[Path]:
    """The whole sets in a folder, the oldest first."""
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if path.suffix != PART and (path / MANIFEST).is_file())


def newest(folder: Path, what: str) -> Path:
    """The last one. Raises `NotFound("no-backup")`."""
    found = sets(folder)
    if not found:
        raise NotFound("no-backup", f"{folder} 中没有{what}备份。")
    return found[-1]


def chosen(folder: Path, name: str) -> Path:
    """The set of this name in a backup's folder, or the last one. Raises `NotFound("no-backup")`."""
    if not name:
        return newest(folder / "sets", "")
    found = folder / "sets" / name
    if Path(name).name != name or not found.is_dir():
        raise NotFound("no-backup", f"{folder} 中没有备份 {name}。")
    return found


def draft(folder: Path, name: str) -> Path:
    """A new set's folder while it is written; what was left of another try is removed."""
    made = folder / f"{name}{PART}"
    shutil.rmtree(made, ignore_errors=True)
    made.mkdir(mode=0o700, parents=True)
    return made


def finish(draft: Path, at: datetime, revision: str, tables: Mapping[str, Held], masters: tuple[str, ...] = ()) -> Path:
    """Write the manifest over all that lies in the draft, durably, and give the set its name."""
    files = sorted(path for path in draft.rglob("*") if path.is_file())
    for path in files:
        durable(path)
    digests = {path.relative_to(draft).as_posix(): digest_at(path) for path in files}
    path = draft / MANIFEST
    text = json.dumps(Manifest(at, revision, digests, tables, masters).as_json(), ensure_ascii=False, indent=1)
    path.write_text(text + "\n", encoding="utf-8")
    durable(path)
    made = draft.with_name(draft.name.removesuffix(PART))
    draft.rename(made)
    durable(made.parent)
    return made


def opened(folder: Path) -> Manifest:
    """A set's manifest, its files compared with it. Raises `Invalid("backup-damaged" | "backup-unknown")`."""
    try:
        said = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        if said["format"] != FORMAT:
            raise Invalid("backup-unknown", f"{folder} 是另一版本的备份，本版本不能识别。")
        tables = {name: Held(int(one["rows"]), str(one["digest"])) for name, one in said["tables"].items()}
        masters = tuple(map(str, said.get("masters", ())))  # older sets name none
        at = datetime.fromisoformat(said["made_at"])
        found = Manifest(at, str(said["revision"]), said["digests"], tables, masters)
        paths = {name: (folder / name).resolve() for name in found.digests}
        inside = all(path.is_relative_to(folder.resolve()) for path in paths.values())
        wrong = [name for name, path in paths.items() if not inside or digest_at(path) != found.digests[name]]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise Invalid("backup-damaged", f"备份 {folder} 不完整或已损坏：{error}") from error
    if wrong:
        raise Invalid("backup-damaged", f"备份 {folder} 已损坏：{'、'.join(wrong)}")
    return found


def prune(folder: Path, at: datetime, days: int) -> list[str]:
    """Remove sets older than `days`, never the last, and what broken tries left -> their names."""
    before = name_of(at - timedelta(days=days))
    old = [path for path in sets(folder)[:-1] if path.name < before]
    broken = [path for path in folder.glob(f"*{PART}") if path.name < name_of(at)] if folder.is_dir() else []
    for path in [*old, *broken]:
        shutil.rmtree(path)
    return [path.name for path in old]


def copy_private(source: Path, target: Path) -> None:
    """A folder of secrets, each readable by the owner only; drafts that a dead process left are no secrets."""
    target.mkdir(mode=0o700)
    for path in sorted(source.iterdir()):
        if path.is_file() and not path.name.startswith("."):
            copy_private_file(path, target / path.name)


def copy_private_file(source: Path, target: Path) -> None:
    """One of them."""
    with os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(source.read_bytes())
