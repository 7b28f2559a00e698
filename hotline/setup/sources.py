"""The machine's own package sources, read from apt's files: which archive, which keyring."""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path


@dataclass(frozen=True)
class Source:
    """One enabled binary archive. `signed_by` is a keyring path, a fingerprint, an embedded key, or ""."""

    uri: str
    suites: tuple[str, ...]
    components: tuple[str, ...]
    signed_by: str = ""

    def of_suites(self, *suites: str) -> "Source":
        """The same archive and key, asked for other suites."""
        return replace(self, suites=suites)

    def stanza(self) -> str:
        """This source in deb822 form (sources.list(5))."""
        lines = [
            "Types: deb",
            f"URIs: {self.uri}",
            f"Suites: {' '.join(self.suites)}",
            f"Components: {' '.join(self.components)}",
        ]
        if self.signed_by:
            lines.append("Signed-By: " + self.signed_by.replace("\n", "\n "))
        return "\n".join(lines) + "\n"


@dataclass(frozen=True)
class Distribution:
    """What /etc/os-release says: `id` such as "debian", `codename` such as "bookworm" (may be empty)."""

    id: str
    codename: str


def parse_deb822(text: str) -> Iterator[Source]:
    """Sources of a `.sources` file; disabled stanzas and source-code archives are left out."""
    for block in re.split(r"\n[ \t]*\n", text):
        fields: dict[str, str] = {}
        last = ""
        for line in block.splitlines():
            if line.startswith("#") or not line.strip():
                continue
            if line[0] in " \t":
                fields[last] = f"{fields.get(last, '')}\n{line.strip()}".strip()
                continue
            last, _, value = line.partition(":")
            last = last.strip().lower()
            fields[last] = value.strip()
        enabled = fields.get("enabled", "yes").lower() not in {
            "no",
            "false",
            "0",
            "off",
            "without",
            "disable",
        }
        if not enabled or "deb" not in fields.get("types", "").split():
            continue
        for uri in fields.get("uris", "").split():
            yield Source(
                uri,
                tuple(fields.get("suites", "").split()),
                tuple(fields.get("components", "").split()),
                fields.get("signed-by", ""),
            )


ONE_LINE = re.compile(r"^deb\s+(?:\[(?P<options>[^]]*)\]\s+)?(?P<rest>\S.*)$")


def parse_one_line(text: str) -> Iterator[Source]:
    """Sources of a classic `.list` file: `deb [options] uri suite component...`."""
    for line in text.splitlines():
        match = ONE_LINE.match(line.partition("#")[0].strip())
        if match is None:
            continue
        uri, suite, *components = match["rest"].split()
        options = dict(word.split("=", 1) for word in shlex.split(match["options"] or "") if "=" in word)
        yield Source(uri, (suite,), tuple(components), options.get("signed-by", ""))


def read_sources(etc: Path = Path("/etc/apt")) -> list[Source]:
    """Every enabled source of this machine, in apt's own order of files."""
    found: list[Source] = []
    classic = etc / "sources.list"
    parts = sorted((etc / "sources.list.d").glob("*"))
    for path in [classic, *parts]:
        if not path.is_file():
            continue
        text = path.read_text(encoding="utf-8", errors="replace")
        if path.suffix == ".list":
            found += parse_one_line(text)
        elif path.suffix == ".sources":
            found += parse_deb822(text)
    return found


def read_distribution(path: Path = Path("/etc/os-release")) -> Distribution:
    """The distribution whose packages this machine runs (a derivative names its parent)."""
    fields: dict[str, str] = {}
    if path.is_file():
        for line in path.read_text(encoding="utf-8").splitlines():
            key, eq, value = line.partition("=")
            if eq:
                fields[key.strip()] = "".join(shlex.split(value))
    own, parents = fields.get("ID", ""), fields.get("ID_LIKE", "").split()
    known = next((name for name in [own, *parents] if name in {"debian", "ubuntu"}), own)
    codename = fields.get("UBUNTU_CODENAME") if known == "ubuntu" else None
    return Distribution(known, codename or fields.get("VERSION_CODENAME", ""))


def main_archive(sources: list[Source], distribution: Distribution) -> Source | None:
    """The archive that carries the distribution itself: not its security updates, no third party."""
    by_suite = {suite: source for source in reversed(sources) for suite in source.suites if "main" in source.components}
    aliases = (distribution.codename, "stable", "oldstable", "testing", "unstable", "sid")
    return next((by_suite[name] for name in aliases if name in by_suite), None)
