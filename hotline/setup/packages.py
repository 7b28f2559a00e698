"""System packages: what is missing, and installing it as root, with sudo, or by telling the administrator."""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from core.errors import Unavailable
from hotline.setup.cache import Say


@dataclass(frozen=True)
class Need:
    """A package of Debian and Ubuntu; it is there when one of `signs` is: a program, or a path with wildcards."""

    package: str
    signs: tuple[str, ...]

    def met(self) -> bool:
        return any(
            any(Path("/").glob(sign.lstrip("/"))) if sign.startswith("/") else shutil.which(sign) for sign in self.signs
        )


TO_RUN = (
    Need("ffmpeg", ("ffmpeg",)),
    Need("espeak-ng", ("espeak-ng",)),
    Need("baresip-core", ("baresip",)),
)
TO_TEST = (
    Need("chromium", ("chromium", "chromium-browser", "google-chrome")),
    Need("fonts-noto-cjk", ("/usr/share/fonts/opentype/noto/NotoSansCJK*", "/usr/share/fonts/*/NotoSansCJK*")),
)


def missing(needs: tuple[Need, ...]) -> list[str]:
    """Names of the packages that are not here."""
    return [need.package for need in needs if not need.met()]


def install(packages: list[str], say: Say) -> None:
    """Install with apt-get. Raises Unavailable("needs-administrator") with the command to ask for."""
    wanted = f"apt-get install -y --no-install-recommends {' '.join(packages)}"
    rights = _rights()
    if rights is None or shutil.which("apt-get") is None:
        raise Unavailable("needs-administrator", f"缺少系统软件包，请管理员执行：{wanted}")
    say(f"安装 {'、'.join(packages)}")
    apt = [*rights, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-q", "-o", "DPkg::Lock::Timeout=300"]
    if _run([*apt, "install", "-y", "--no-install-recommends", *packages]).returncode == 0:
        return
    say("更新软件包目录……")
    _run([*apt, "update"])
    done = _run([*apt, "install", "-y", "--no-install-recommends", *packages])
    if done.returncode != 0:
        why = [line for line in done.stderr.splitlines() if line.startswith("E:")]
        raise Unavailable("needs-administrator", f"系统软件包没有装上（{'；'.join(why)}），请管理员执行：{wanted}")


def _rights() -> list[str] | None:
    """What stands before a command that needs root; None where it cannot be had."""
    if os.geteuid() == 0:
        return []
    if shutil.which("sudo"):
        if _run(["sudo", "-n", "true"]).returncode == 0:
            return ["sudo", "-n"]
        if sys.stdin.isatty():
            return ["sudo"]
    return None


def _run(command: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False)
