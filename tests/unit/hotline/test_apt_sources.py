"""apt's two file formats, as machines really carry them."""

from pathlib import Path

import pytest

from hotline.setup.sources import (
    Distribution,
    Source,
    main_archive,
    parse_deb822,
    parse_one_line,
    read_distribution,
    read_sources,
)

DEBIAN_12 = """\
Types: deb
# a comment inside a stanza
URIs: http://mirror.test/debian
Suites: bookworm bookworm-updates
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
URIs: http://mirror.test/debian-security
Suites: bookworm-security
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
"""

EMBEDDED_KEY = """\
Types: deb deb-src
URIs: https://mirror.test/debian/
Suites: trixie
Components: main contrib
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 mDMEYy
 -----END PGP PUBLIC KEY BLOCK-----
"""


def test_deb822_stanzas_with_comments_and_several_suites() -> None:
    first, second = parse_deb822(DEBIAN_12)
    assert first == Source(
        "http://mirror.test/debian",
        ("bookworm", "bookworm-updates"),
        ("main",),
        "/usr/share/keyrings/debian-archive-keyring.gpg",
    )
    assert second.suites == ("bookworm-security",)


def test_an_embedded_key_survives_reading_and_writing() -> None:
    (source,) = parse_deb822(EMBEDDED_KEY)
    assert source.signed_by.splitlines()[1] == "."
    assert list(parse_deb822(source.stanza())) == [source]


@pytest.mark.parametrize(
    "stanza",
    [
        DEBIAN_12.replace("Types: deb\n", "Types: deb-src\n"),
        DEBIAN_12.replace("Types: deb\n", "Enabled: no\nTypes: deb\n"),
        "# nothing but a comment\n",
        "",
    ],
)
def test_what_is_switched_off_is_not_a_source(stanza: str) -> None:
    assert list(parse_deb822(stanza)) == []


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (
            "deb http://mirror.test/debian bookworm main contrib",
            Source("http://mirror.test/debian", ("bookworm",), ("main", "contrib")),
        ),
        (
            "deb [arch=amd64 signed-by=/etc/apt/k.gpg] http://mirror.test/ubuntu noble main universe # own",
            Source("http://mirror.test/ubuntu", ("noble",), ("main", "universe"), "/etc/apt/k.gpg"),
        ),
        ("deb-src http://mirror.test/debian bookworm main", None),
        ("# deb http://mirror.test/debian bookworm main", None),
        ("", None),
    ],
)
def test_one_line_sources(line: str, expected: Source | None) -> None:
    assert list(parse_one_line(line)) == ([expected] if expected else [])


def test_the_archive_is_the_distribution_s_own(tmp_path: Path) -> None:
    folder = tmp_path / "sources.list.d"
    folder.mkdir()
    (folder / "debian.sources").write_text(DEBIAN_12)
    (folder / "a-vendor.list").write_text("deb [signed-by=/k.gpg] https://vendor.test/apt tool-bookworm main\n")
    (folder / "off.list.disabled").write_text("deb http://wrong.test/debian bookworm main\n")
    sources = read_sources(tmp_path)
    archive = main_archive(sources, Distribution("debian", "bookworm"))
    assert archive is not None
    assert archive.uri == "http://mirror.test/debian"
    assert main_archive(sources, Distribution("debian", "trixie")) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('ID=debian\nVERSION_CODENAME=bookworm\nNAME="Debian GNU/Linux"\n', Distribution("debian", "bookworm")),
        (
            'ID=linuxmint\nID_LIKE="ubuntu debian"\nVERSION_CODENAME=wilma\nUBUNTU_CODENAME=noble\n',
            Distribution("ubuntu", "noble"),
        ),
        ("ID=alpine\nVERSION_ID=3.22\n", Distribution("alpine", "")),
    ],
)
def test_the_distribution_names_its_parent(tmp_path: Path, text: str, expected: Distribution) -> None:
    (tmp_path / "os-release").write_text(text)
    assert read_distribution(tmp_path / "os-release") == expected
