"""Packages that nobody should take in: each crafted archive is refused with its reason, in Chinese and English."""

import os
import stat
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from crm_package import PUBLIC, SOUND, Files, Made, canonical, digests, entry, unpacked, zipped
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from core.errors import Invalid
from crm.dossiers import opening, verifying
from crm.dossiers.opening import open_package
from crm.dossiers.page import page
from crm.dossiers.verifying import told, verify

KNOWN = frozenset({PUBLIC})
ORDER, MANIFEST = "00/data/order.json", "00/manifest.json"


def take(path: Path, known: frozenset[str] | None = KNOWN) -> verifying.Verified:
    """What an import does first."""
    opened = open_package(path)
    try:
        return verify(opened, known)
    finally:
        opened.close()


def zip_of(tmp: Path, files: Files, change: Callable[[zipfile.ZipInfo], object] | None = None) -> Path:
    path = tmp / "package.zip"
    path.write_bytes(zipped(files, change))
    return path


def test_a_good_package_is_verified_as_zip_and_folder(tmp_path: Path) -> None:
    files = Made().files()
    for path in (zip_of(tmp_path, files), unpacked(tmp_path / "folder", files)):
        verified = take(path)
        assert set(verified.here) == set(Made().contents) and len(verified.parts) == 2 and verified.keys == KNOWN
        assert told(verified)[0] == "相符：YY20260302-00001 的档案包 2 卷，4 件与目录一致，录音 1。"
        assert told(verified)[-1] == "未随包：00/identity/order.json（含个人信息）"
    assert take(zip_of(tmp_path, files), None).first.number == "YY20260302-00001"


# --- names: what could lead out or mean two things ---
NAMES = (
    "../evil.json", "../../etc/passwd", "00/../../evil", "00/data/../../../x", "/etc/passwd", "//server/share/x",
    "C:/Windows/x.dll", "C:\\Windows\\x.dll", "..\\evil", "00\\data\\x.json", "00/data/", "./x", "00/./x", "00//x",
    ".hidden", "00/.git/config", "x\x00.json", "x\n.json", "x\u202egnp.exe", "工单.json", "data/\u00e9.json",
    "data/e\u0301.json", "con", "00/aux.json", "00/NUL", "lpt1.txt", "x.", "00/data./x", " x", "x ", "~/x", "$HOME",
    "x:y", "a/b/c/d/e", "x" * 101, "00/data/" + "y" * 120, "%2e%2e/x", "x*", "x?", 'x"y', "<x>", "|",
)  # fmt: skip


@pytest.mark.parametrize("name", NAMES, ids=[repr(name)[:40] for name in NAMES])
def test_a_name_that_no_export_has_is_refused(tmp_path: Path, name: str) -> None:
    def renamed(about: zipfile.ZipInfo) -> None:
        about.filename = name if about.filename == "x" else about.filename

    path = zip_of(tmp_path, Made().files() | {"x": b"{}"}, renamed)
    with pytest.raises(Invalid) as refused:
        take(path)
    assert refused.value.id in {"package-name", "package-more"}
    assert "没有导入任何内容" in refused.value.message and "（" in refused.value.message


@pytest.mark.parametrize("pair", [("x.json", "x.json"), ("x.json", "X.json"), ("00/Data", "00/data")])
def test_two_names_that_are_one_are_refused(tmp_path: Path, pair: tuple[str, str]) -> None:
    path = tmp_path / "package.zip"
    with zipfile.ZipFile(path, "w") as package:
        for name in pair:
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr("warnings.warn", lambda *a, **k: None)
                package.writestr(name, b"{}")
    with pytest.raises(Invalid, match="重复（duplicate file name）"):
        take(path)


# --- what a member is ---
def mode(kind: int) -> Callable[[zipfile.ZipInfo], object]:
    def change(about: zipfile.ZipInfo) -> None:
        if about.filename == ORDER:
            about.external_attr = (kind | 0o777) << 16

    return change


def packed_as(kind: int) -> Callable[[zipfile.ZipInfo], object]:
    def change(about: zipfile.ZipInfo) -> None:
        about.compress_type = kind

    return change


@pytest.mark.parametrize(
    ("change", "id"),
    [
        (mode(stat.S_IFLNK), "package-name"),
        (mode(stat.S_IFIFO), "package-name"),
        (mode(stat.S_IFCHR), "package-name"),
        (mode(stat.S_IFSOCK), "package-name"),
        (mode(stat.S_IFDIR), "package-name"),
        (packed_as(zipfile.ZIP_BZIP2), "package-damaged"),
        (packed_as(zipfile.ZIP_LZMA), "package-damaged"),
    ],
)
def test_a_member_that_is_no_plain_file_is_refused(
    tmp_path: Path, change: Callable[[zipfile.ZipInfo], object], id: str
) -> None:
    with pytest.raises(Invalid) as refused:
        take(zip_of(tmp_path, Made().files(), change))
    assert refused.value.id == id


@pytest.mark.parametrize("kind", ["link out", "link inside", "link to a folder", "pipe", "the folder is a link"])
def test_a_folder_with_links_or_pipes_is_refused(tmp_path: Path, kind: str) -> None:
    root = unpacked(tmp_path / "package", Made().files())
    order = root / ORDER
    if kind == "the folder is a link":
        (tmp_path / "link").symlink_to(root)
        root = tmp_path / "link"
    elif kind == "link to a folder":
        (root / "02").symlink_to(root / "01")
    else:
        order.unlink()
        if kind == "pipe":
            os.mkfifo(order)
        else:
            order.symlink_to("/etc/passwd" if kind == "link out" else root / "00/data/history.json")
    with pytest.raises(Invalid) as refused:
        take(root)
    assert refused.value.id in {"package-name", "package-missing"}


# --- bombs ---
def bombs() -> dict[str, tuple[bytes, str]]:
    files = Made().files()

    def deflated(about: zipfile.ZipInfo) -> None:
        about.compress_type = zipfile.ZIP_DEFLATED

    swollen = zipped(files | {"00/data/zeros.json": bytes(50_000_000)}, deflated)
    good = zipped(files)
    lying = bytearray(good)
    at = good.rindex(b"PK\x01\x02")
    struct.pack_into("<I", lying, at + 24, 2**31)
    overlap = bytearray(good)
    first, second = good.index(b"PK\x01\x02"), good.index(b"PK\x01\x02", good.index(b"PK\x01\x02") + 4)
    overlap[second + 42 : second + 46] = overlap[first + 42 : first + 46]
    return {
        "a page of zeros": (swollen, "package-bomb"),
        "a size that lies": (bytes(lying), "package-bomb"),
        "two members over each other": (bytes(overlap), "package-bomb"),
    }


@pytest.mark.parametrize("kind", list(bombs()))
def test_a_bomb_is_refused_before_it_swells(tmp_path: Path, kind: str) -> None:
    data, id = bombs()[kind]
    path = tmp_path / "bomb.zip"
    path.write_bytes(data)
    with pytest.raises(Invalid) as refused:
        take(path)
    assert refused.value.id == id


@pytest.mark.parametrize(("limit", "value"), [("MOST_FILES", 5), ("MOST_BYTES", 5_000)])
def test_too_much_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: str, value: int) -> None:
    monkeypatch.setattr(opening, limit, value)
    files = Made().files()
    for path in (zip_of(tmp_path, files), unpacked(tmp_path / "folder", files)):
        with pytest.raises(Invalid) as refused:
            take(path)
        assert refused.value.id == "package-too-large"


# --- damaged files ---
def cut(data: bytes) -> bytes:
    return data[:-100]


def no_end(data: bytes) -> bytes:
    return data[: data.rindex(b"PK\x05\x06")]


def flipped(data: bytes) -> bytes:
    at = data.index(bytes(range(256)))
    return data[: at + 7] + bytes([data[at + 7] ^ 1]) + data[at + 8 :]


def encrypted(data: bytes) -> bytes:
    made, at = bytearray(data), data.index(b"PK\x01\x02")
    made[at + 8] |= 1
    return bytes(made)


def renamed_inside(data: bytes) -> bytes:
    return data.replace(b"00/data/order.json", b"00/data/order.jsox", 1)


@pytest.mark.parametrize(
    "damage",
    [cut, no_end, flipped, encrypted, renamed_inside, lambda data: b"", lambda data: b"PK", lambda data: data[:50],
     lambda data: b"x" * 1000, lambda data: data[1000:]],
)  # fmt: skip
def test_a_damaged_zip_is_refused(tmp_path: Path, damage: Callable[[bytes], bytes]) -> None:
    path = tmp_path / "package.zip"
    path.write_bytes(damage(zipped(Made().files())))
    with pytest.raises(Invalid) as refused:
        take(path)
    assert refused.value.id in {"package-damaged", "package-digest"}


def test_nothing_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="没有找到 none"):
        take(tmp_path / "none.zip")
    with pytest.raises(Invalid, match="缺少 export"):
        take(tmp_path)


# --- after it was signed ---
def changed(name: str, data: bytes) -> Callable[[Files], object]:
    return lambda files: files.update({name: data})


def without(name: str) -> Callable[[Files], object]:
    return lambda files: files.pop(name)


def swapped(files: Files) -> None:
    files[ORDER], files["00/data/history.json"] = files["00/data/history.json"], files[ORDER]


def resigned(files: Files) -> None:
    files["00/manifest.sig"] = files["01/manifest.sig"]


def spaced(files: Files) -> None:
    files[MANIFEST] = files[MANIFEST].replace(b'","', b'", "')


AFTER: list[tuple[str, Callable[[Files], object], str]] = [
    ("a byte of a document", lambda f: changed(ORDER, f[ORDER].replace(b"YY", b"YZ"))(f), "package-digest"),
    ("a longer document", lambda f: changed(ORDER, f[ORDER] + b" ")(f), "package-digest"),
    ("an empty document", changed(ORDER, b""), "package-digest"),
    ("two documents swapped", swapped, "package-digest"),
    ("a sound cut short", lambda f: changed(f"00/recordings/{SOUND}.flac", b"fLaC")(f), "package-digest"),
    ("the page changed", changed("index.html", b"<script>"), "package-digest"),
    ("a document dropped", without(ORDER), "package-incomplete"),
    ("the sound dropped", without(f"00/recordings/{SOUND}.flac"), "package-incomplete"),
    ("the page dropped", without("index.html"), "package-incomplete"),
    ("a manifest dropped", without(MANIFEST), "package-incomplete"),
    ("an addendum's manifest dropped", without("01/manifest.json"), "package-incomplete"),
    ("a signature dropped", without("01/manifest.sig"), "package-incomplete"),
    ("the export dropped", without("export.json"), "package-incomplete"),
    ("its signature dropped", without("export.sig"), "package-incomplete"),
    ("a file added", changed("00/data/more.json", b"{}"), "package-more"),
    ("a program added", changed("run.exe", b"MZ"), "package-more"),
    ("what was withheld, added", changed("00/identity/order.json", b"{}"), "package-more"),
    ("a signature of another part", resigned, "package-signature"),
    ("an empty signature", changed("00/manifest.sig", b""), "package-signature"),
    ("a signature that is no text", changed("00/manifest.sig", b"\xff\xfe"), "package-signature"),
    ("a signature of a megabyte", changed("00/manifest.sig", b"x" * 2**20), "package-too-large"),
    ("a manifest with spaces", spaced, "package-json"),
    ("a manifest that is no JSON", changed(MANIFEST, b"{"), "package-json"),
    ("a manifest in UTF-16", lambda f: changed(MANIFEST, f[MANIFEST].decode().encode("utf-16"))(f), "package-json"),
    ("a manifest with a name twice", changed(MANIFEST, b'{"a":1,"a":1}'), "package-json"),
    ("a manifest without end", changed(MANIFEST, b"[" * 100_000 + b"]" * 100_000), "package-json"),
    ("a manifest with NaN", changed(MANIFEST, b'{"a":NaN}'), "package-json"),
    ("a manifest with a fraction", changed(MANIFEST, b'{"a":1.5}'), "package-json"),
    ("a manifest with 1e400", changed(MANIFEST, b'{"a":1e400}'), "package-json"),
    ("a manifest that is a list", changed(MANIFEST, b"[]"), "package-manifest"),
    ("a manifest with nothing", changed(MANIFEST, b"{}"), "package-manifest"),
    ("an export with nothing", changed("export.json", b"{}"), "package-manifest"),
    ("a manifest of 17 MB", changed(MANIFEST, b'"' + b"x" * (17 * 2**20) + b'"'), "package-too-large"),
]


@pytest.mark.parametrize(("name", "change", "id"), AFTER, ids=[one[0] for one in AFTER])
@pytest.mark.parametrize("form", ["zip", "folder"])
def test_what_was_changed_after_signing_is_refused(
    tmp_path: Path, form: str, name: str, change: Callable[[Files], object], id: str
) -> None:
    files = Made().files()
    change(files)
    path = zip_of(tmp_path, files) if form == "zip" else unpacked(tmp_path / "folder", files)
    with pytest.raises(Invalid) as refused:
        take(path)
    assert refused.value.id == id, refused.value.message
    assert "（" in refused.value.message


# --- signed, and still wrong ---
def set_in(n: int, /, **values: Any) -> Callable[[Made], object]:
    return lambda made: made.parts[n].update(values)


def set_entry(n: int, /, **values: Any) -> Callable[[Made], object]:
    return lambda made: made.parts[n]["entries"][0].update(values)


def twice(made: Made) -> None:
    made.parts[0]["entries"].append(dict(made.parts[0]["entries"][0]))


def unlike(made: Made) -> None:
    made.parts[0]["entries"].append(dict(made.parts[0]["entries"][0]) | {"path": "data/History.json"})


def stays(path: str, why: str) -> Callable[[Made], object]:
    return lambda made: made.export["withheld"].append({"path": path, "why": why})


def document(data: bytes) -> Callable[[Made], object]:
    def change(made: Made) -> None:
        made.contents[ORDER] = data
        made.parts[0]["entries"][1].update(digests(data))

    return change


def strange_key(made: Made) -> None:
    made.key = Ed25519PrivateKey.generate()


SIGNED: list[tuple[str, Callable[[Made], object], str]] = [
    ("another format", set_in(0, format="hotline-archive-package-2"), "package-manifest"),
    ("a part of another package", set_in(1, package="01890000-0000-7000-8000-00000000000f"), "package-chain"),
    ("a package that is no id", set_in(0, package="1"), "package-manifest"),
    ("a part out of turn", set_in(1, part=5), "package-signature"),
    ("a part below zero", set_in(0, part=-1), "package-manifest"),
    ("a part that is a text", set_in(0, part="0"), "package-manifest"),
    ("a chain that skips", set_in(1, previous="0" * 64), "package-chain"),
    ("a chain that begins elsewhere", set_in(0, previous="1" * 64), "package-chain"),
    ("parts of two orders", set_in(1, number="YY20260302-00002"), "package-chain"),
    ("a 举报 in one part alone", set_in(1, sealed=True), "package-chain"),
    ("a closing that is no moment", set_in(0, closed_at="yesterday"), "package-manifest"),
    ("a closing on 30 February", set_in(0, closed_at="2026-02-30T00:00:00.000000+00:00"), "package-manifest"),
    ("a title too long", set_in(0, title="长" * 61), "package-manifest"),
    ("a field more", set_in(0, more=1), "package-manifest"),
    ("an entry that climbs", set_entry(0, path="data/../../x"), "package-manifest"),
    ("an entry at the root", set_entry(0, path="/etc/passwd"), "package-manifest"),
    ("an entry in Chinese", set_entry(0, path="data/工单.json"), "package-manifest"),
    ("an entry without folder", set_entry(0, path="x.json"), "package-manifest"),
    ("an entry twice", twice, "package-manifest"),
    ("an entry that differs by case", unlike, "package-manifest"),
    ("a size below zero", set_entry(0, size=-1), "package-manifest"),
    ("a size beyond every disk", set_entry(0, size=2**60), "package-json"),
    ("a size that is true", set_entry(0, size=True), "package-manifest"),
    ("a digest too short", set_entry(0, sha256="ab"), "package-manifest"),
    ("a digest in capitals", set_entry(0, sha256="AB" * 32), "package-manifest"),
    ("a wrong SHA-256", set_entry(0, sha256="ab" * 32), "package-digest"),
    ("a wrong SM3", set_entry(0, sm3="ab" * 32), "package-digest"),
    ("a wrong size", set_entry(0, size=7), "package-digest"),
    ("a need that nobody knows", set_entry(0, needs=["root"]), "package-manifest"),
    ("a media type with markup", set_entry(0, media_type="text/<b>"), "package-manifest"),
    ("a withheld document without need", stays("00/data/order.json", "identity"), "package-manifest"),
    ("a withheld thing that was never there", stays("00/data/none.json", "absent"), "package-manifest"),
    ("a reason that nobody knows", stays("00/data/order.json", "lost"), "package-manifest"),
    ("a page of another name", lambda made: made.beside.update({"start.html": b"x"}), "package-manifest"),
    ("an export without parts", lambda made: made.export.update(parts=[]), "package-manifest"),
    ("an export of another part", lambda made: made.export.update(parts=["ab" * 32]), "package-chain"),
    ("an export without number", lambda made: made.export["export"].update(number="1\nx: y"), "package-manifest"),
    ("an export at no time", lambda made: made.export["export"].update(at="soon"), "package-json"),
    ("a key that is not its own", strange_key, "package-signature"),
    ("a document that is no JSON", document(b"<html>"), "package-json"),
    ("a document that is a list", document(b"[]"), "package-json"),
    ("a document without end", document(b'{"a":' * 50_000), "package-json"),
    ("a document of other things", document(canonical({"order": {"opened_at": "soon"}})), "package-json"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "change", "id"), SIGNED, ids=[one[0] for one in SIGNED])
def test_what_is_signed_and_still_wrong_is_refused(
    tmp_path: Path, name: str, change: Callable[[Made], object], id: str
) -> None:
    made = Made()
    change(made)
    with pytest.raises(Invalid) as refused:
        take(zip_of(tmp_path, made.files()))
    assert refused.value.id == id, refused.value.message


def test_a_strangers_key_is_named_and_taken_only_when_told(tmp_path: Path) -> None:
    path = zip_of(tmp_path, Made().files())
    with pytest.raises(Invalid, match=PUBLIC) as refused:
        take(path, frozenset())
    assert refused.value.id == "package-key"
    assert take(path, None).keys == KNOWN


def test_documents_are_bounded_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verifying, "MOST_DOCUMENTS", 100)
    with pytest.raises(Invalid, match="总量过大"):
        take(zip_of(tmp_path, Made().files()))


def test_markup_in_what_was_said_stays_text(tmp_path: Path) -> None:
    made = Made()
    document(canonical({"order": {"title": "<script>alert(1)</script>", "state": "archived"}}))(made)
    path = zip_of(tmp_path, made.files())
    opened = open_package(path)
    verified = verify(opened, KNOWN)
    documents = verifying.documents_of(opened, [one for one, _ in verified.parts], verified.here)
    shown = page([one for one, _ in verified.parts], documents, {}, verified.export.export.model_dump(), {})
    opened.close()
    assert "<script" not in shown and "&lt;script&gt;" in shown


def test_how_many_are_crafted() -> None:
    assert len(NAMES) + 2 * len(AFTER) + len(SIGNED) + len(bombs()) >= 80
    assert entry("data/x.json", b"{}")["size"] == 2
