"""The parts of an archive package that need no database: canonical JSON, masking, addenda, the page, the streams."""

import io
import json
import tracemalloc
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from crm_package import Made, canonical
from hypothesis import given
from hypothesis import strategies as st

from core.errors import Conflict, Invalid
from core.secrets import Secrets
from crm.dossiers import canonical as forms
from crm.dossiers.keeper import DossierKeeper
from crm.dossiers.manifest import FIRST, Entry, Manifest, Need, Signed, added, newest, statement
from crm.dossiers.masking import CLOSED, Masker
from crm.dossiers.page import catalogue, page
from crm.dossiers.rows import salted, written
from crm.dossiers.rules import withheld
from crm.dossiers.targets import FolderTarget, ZipTarget
from crm.dossiers.writing import Package, Taken, write
from recordings.proof.signing import Signer
from recordings.store.digests import digests_of
from recordings.store.folder import FolderStore

BOTH = ("identity", "sound")
AT = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)
TAKEN = Taken("DA20260302-0A1B2C3D", AT, "陈档", "移交", False, True)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(st.characters(codec="utf-8")),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("abcXYZ_09", max_size=5), inner, max_size=4),
)


@given(VALUES)
def test_what_is_written_is_read_again_and_written_alike(value: Any) -> None:
    data = forms.canonical(value)
    assert forms.read(data, "it") == value and forms.canonical(json.loads(data)) == data


def test_the_form_is_that_of_rfc_8785() -> None:
    assert forms.canonical({"b": [1, True, None], "a": '€$\u000f\nA\'B"\\"/', "A": ""}) == (
        '{"A":"","a":"€$\\u000f\\nA\'B\\"\\\\\\"/","b":[1,true,null]}'.encode()
    )


@pytest.mark.parametrize(
    "value", [1.5, float("nan"), 2**53, {"工": 1}, {1: 2}, b"x", "\ud800", {"a": object()}, [1.0], (1,)]
)
def test_what_has_no_canonical_form_is_refused(value: Any) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - UnicodeEncodeError is one as well
        forms.canonical(value)


@pytest.mark.parametrize("data", [b'{"b":1,"a":2}', b"{ }", b'"\\u0041"', b"1.0", b"\xff", b"", b'{"a":1}\n', b"[1,]"])
def test_another_form_of_the_same_is_refused(data: bytes) -> None:
    with pytest.raises(Invalid, match="不是规范的 JSON"):
        forms.read(data, "manifest")


def test_the_citizen_is_masked_wherever_he_stands() -> None:
    masker = Masker(["张小明", ""], ["+8613800001234", "+867935901234"], sealed=False)
    told = {
        "caller_name": "张小明",
        "caller_phone": "+8613800001234",
        "to": "+867935901234",
        "query_code": "4821",
        "address": "胜利路15号3栋2单元501室",
        "content": "张小明 13800001234 0793-5901234 07935901234 身份证362325199001010011",
        "proposals": {"caller_name": {"value": "张小明"}},
        "list": ["张小明", 7, None],
        "sha256": "13812345678" + "a" * 53,
        "id": "01a22cd3-31f8-71bf-b306-13812345678a",
        "phone": "138****1234",
    }
    masked = masker.value(told)
    assert masked == {
        "caller_name": "张*明", "caller_phone": "138****1234", "to": "0793-***1234", "query_code": CLOSED,
        "address": "胜利路**号**栋**单元**室",
        "content": "张*明 138****1234 0793-***1234 0793-***1234 身份证362325********0011",
        "proposals": {"caller_name": {"value": "张*明"}}, "list": ["张*明", 7, None],
        "sha256": told["sha256"], "id": told["id"], "phone": "138****1234",
    }  # fmt: skip
    sealed = json.dumps(Masker(["张小明"], ["+8613800001234"], sealed=True).value(told), ensure_ascii=False)
    assert not any(one in sealed for one in ("张", '138****1234", "to', "13800001234", "4821"))


def test_a_salt_is_the_same_for_the_same_alone() -> None:
    one, same, other = (salted("s", "identity/x.json", {"a": n}) for n in (1, 1, 2))
    assert one == same and json.loads(one)["salt"] != json.loads(other)["salt"]
    assert (
        salted("t", "identity/x.json", {"a": 1}) != one
        and written({"b": 1, "a": "中"}) == b'{\n "a": "\xe4\xb8\xad",\n "b": 1\n}\n'
    )


def entry(path: str, sha256: str = "a", *needs: str) -> Entry:
    return Entry(
        path=path, title=path, media_type="application/json", size=1, sha256=sha256 * 64, sm3="b" * 64, needs=[*needs]
    )


def test_an_addendum_holds_what_differs_and_no_mere_look() -> None:
    before = {one.path: (0, one) for one in (entry("data/order.json"), entry("data/audit.json"))}
    passing = frozenset({"audit.json"})
    assert added([entry("data/order.json"), entry("data/audit.json", "c")], before, passing) == []
    both = [entry("data/order.json", "c"), entry("data/audit.json", "c")]
    assert added([*both], before, passing) == both
    assert added([entry("data/audit.json")], {}, passing) == [entry("data/audit.json")]


@pytest.mark.parametrize(
    ("needs", "taken", "why"),
    [((), (), ""), (("sound",), (), "sound"), (("sound",), ("sound",), ""), (BOTH, ("sound",), "identity"),
     (BOTH, ("identity",), "sound"), (BOTH, BOTH, "")],
)  # fmt: skip
def test_what_goes_along_is_what_was_allowed(needs: tuple[str, ...], taken: tuple[str, ...], why: str) -> None:
    assert withheld(entry("data/x.json", "a", *needs), frozenset(map(Need, taken))) == why


def manifests() -> list[Manifest]:
    made = Made()
    made.files()
    return [Manifest.model_validate(part) for part in made.parts]


def test_the_page_shows_a_package_of_another_version() -> None:
    about: dict[str, Any] = {"number": "DA1", "at": "2026-03-02T02:00:00+00:00", "by": "陈档", "reason": "移交"}
    about |= {"identity": False, "sound": True, "title": "弋阳12345"}
    strange = canonical(
        {"order": {"state": "a-later-state", "category": "a-later-one", "caller_phone": "+8613800001234"}}
    )
    shown = page(manifests(), {"data/order.json": strange}, {"00/data/history.json": "absent"}, about, {})
    assert "a-later-state" in shown and "13800001234" in shown and "本系统没有此件" in shown
    items = catalogue(manifests(), {}, {})
    assert [item.n for item in items] == [1, 2, 3, 4, 5] and items[0].title == "data/order.json"
    assert newest(manifests())["data/names.json"][0] == 1


async def packed(tmp_path: Path, size: int) -> tuple[DossierKeeper, Package]:
    """A package of one sound of this size."""
    keeper = DossierKeeper.of(
        tmp_path / "home", FolderStore(tmp_path / "store"), Signer(Secrets(tmp_path / "secrets")), "弋阳12345"
    )
    sound = tmp_path / "sound"
    with sound.open("wb") as file:
        file.truncate(size)
    with sound.open("rb") as file:
        digests = digests_of(file)
        await keeper.store.put("recordings/x.flac", file, digests.sha256)
    one = Entry(
        path="recordings/x.flac", title="录音", media_type="audio/flac", size=size, sha256=digests.sha256,
        sm3=digests.sm3, needs=["sound"], about={"call": "c"},
    )  # fmt: skip
    manifest = manifests()[0].model_copy(update={"entries": [one], "previous": FIRST})
    key = keeper.signer.public_key()
    text = statement(manifest, "a" * 64, "b" * 64, key)
    signed = Signed(text, key, keeper.signer.sign(text))
    return keeper, Package([(manifest, signed)], {"00/recordings/x.flac": "recordings/x.flac"}, {})


async def test_a_long_recording_is_never_in_memory(tmp_path: Path) -> None:
    keeper, package = await packed(tmp_path, 128 * 2**20)
    told = list[int]()

    async def hear(done: int) -> None:
        told.append(done)

    target = tmp_path / "package.zip"
    tracemalloc.start()
    with target.open("w+b") as file:
        await write(keeper, package, TAKEN, ZipTarget(file, (2026, 3, 2, 10, 0, 0)), hear)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 24 * 2**20 and told == [128 * 2**20]
    with zipfile.ZipFile(target) as whole:
        assert whole.getinfo("00/recordings/x.flac").file_size == 128 * 2**20
        assert whole.getinfo("00/recordings/x.flac").compress_type == zipfile.ZIP_STORED


async def test_what_is_no_longer_right_does_not_leave(tmp_path: Path) -> None:
    keeper, package = await packed(tmp_path, 1000)

    async def deaf(done: int) -> None:
        return None

    (tmp_path / "store" / "recordings" / "x.flac").write_bytes(b"other")
    with pytest.raises(Conflict, match="与卷内目录不符或已丢失"):
        await write(keeper, package, TAKEN, ZipTarget(io.BytesIO(), (2026, 3, 2, 10, 0, 0)), deaf)
    await keeper.store.delete("recordings/x.flac")
    with pytest.raises(Conflict, match="与卷内目录不符或已丢失"):
        await write(keeper, package, TAKEN, FolderTarget(tmp_path / "folder"), deaf)
    with pytest.raises(Invalid, match="已存在"):
        FolderTarget(tmp_path / "folder")
