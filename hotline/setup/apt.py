"""Packages' files from the machine's own archive, through a private apt state: nothing gets installed."""

import os
import re
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from hotline.setup.cache import Say, silent
from hotline.setup.sources import Source

INSTALL_LINE = re.compile(r"^Inst (?P<name>\S+) \((?P<version>\S+) ", re.MULTILINE)

CONF = """\
Dir::Etc::sourcelist "{state}/archive.sources";
Dir::Etc::sourceparts "{state}/none";
Dir::Etc::preferences "{state}/none/preferences";
Dir::Etc::preferencesparts "{state}/none";
Dir::State "{state}";
Dir::State::lists "{state}/lists";
Dir::State::status "{state}/status";
Dir::Cache "{state}/cache";
Acquire::Languages "none";
Acquire::Retries "3";
// A mirror kept at one day carries a Release file past its date; its signature is still checked.
Acquire::Check-Valid-Until "false";
APT::Install-Recommends "false";
APT::Sandbox::User "";
// Hooks of the machine's own apt are none of our business.
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
#clear DPkg::Post-Invoke;
#clear DPkg::Pre-Install-Pkgs;
"""


class AptError(Exception):
    """apt-get could not do what was asked; the text is its own last words."""


class PrivateApt:
    """An apt that believes nothing is installed and knows one archive only. Works as an ordinary user."""

    def __init__(self, state: Path, source: Source) -> None:
        self.state = state
        for folder in ("none", "lists/partial", "cache/archives/partial"):
            (state / folder).mkdir(parents=True, exist_ok=True)
        (state / "status").write_text("")
        (state / "archive.sources").write_text(source.stanza())
        (state / "apt.conf").write_text(CONF.format(state=state))

    def update(self) -> None:
        """Fetch and check the archive's index."""
        self._run("update", "--error-on=any")

    def closure(self, packages: Sequence[str]) -> dict[str, str]:
        """Package name to version of everything that `packages` need, themselves included."""
        plan = self._run("--simulate", "install", *packages)
        return {match["name"]: match["version"] for match in INSTALL_LINE.finditer(plan)}

    def download(self, versions: dict[str, str], into: Path, say: Say = silent) -> list[Path]:
        """Package files in `into`; those already there are kept, each new one arrives whole or not at all."""
        into.mkdir(parents=True, exist_ok=True)
        have = {tuple(path.name.split("_")[:2]): path for path in into.glob("*.deb")}
        keys = {name: (name, version.replace(":", "%3a")) for name, version in versions.items()}
        missing = [f"{name}={versions[name]}" for name, key in keys.items() if key not in have]
        if missing:
            say(f"下载 {len(missing)} 个软件包……")
            with tempfile.TemporaryDirectory(dir=into, prefix="partial-") as partial:
                self._run("download", *missing, cwd=Path(partial))
                for path in Path(partial).glob("*.deb"):
                    path.rename(into / path.name)
            have = {tuple(path.name.split("_")[:2]): path for path in into.glob("*.deb")}
        return [have[key] for key in keys.values()]

    def _run(self, *arguments: str, cwd: Path | None = None) -> str:
        command = ["apt-get", "-c", str(self.state / "apt.conf"), "-q", *arguments]
        done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False, env=_plain_environment())
        if done.returncode != 0:
            complaint = [line for line in done.stderr.splitlines() if line.startswith(("E:", "W:"))]
            raise AptError("\n".join(complaint[-3:]) or done.stderr[-500:])
        return done.stdout


def _plain_environment() -> dict[str, str]:
    return {**os.environ, "LC_ALL": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive"}
