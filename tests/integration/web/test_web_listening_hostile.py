"""Whatever is sent to the listening desk: refused in words and on record, or answered rightly; no crash, no harm."""

import hashlib
import io
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import numpy as np
import pytest
import soundfile
from listening_room import WHY, Serve, encrypted, granted, heard, ledger, recorded, stored_at
from sqlalchemy import select, update
from web_desk import Desk, signed_in

from core.db import Database, new_id
from core.permissions import Role
from crm.installed import installed
from recordings.archive.ogg import checksum
from recordings.desk.exporting import Exporter
from recordings.desk.models import Export, ExportState, Mark, Redaction
from recordings.desk.policy import ListeningPolicy
from recordings.forms import Form
from recordings.models import Recording
from recordings.store.port import Store

SAFE = {200, 206, 303, 403, 404, 405, 409, 410, 416, 422}
OURS = ("Traceback", 'File "', "sqlalchemy", "psycopg", "soundfile", "<script>alert")


@pytest.fixture
def store(db: Database, home: Path) -> Store:
    return encrypted(db, home)


@pytest.fixture
async def archivist(db: Database, serve: Serve) -> Desk:
    return await signed_in(db, serve(), "chendang", Role.ARCHIVIST)


@pytest.fixture
async def talk(db: Database, store: Store, tmp_path: Path) -> Recording:
    return await recorded(db, store, tmp_path)


def altered(query: str, **changes: str | None) -> str:
    """The grant's query with other values, or without them."""
    from urllib.parse import parse_qsl

    given: dict[str, str | None] = {**dict(parse_qsl(query)), **changes}
    return urlencode({name: value for name, value in given.items() if value is not None}, quote_via=quote)


GRANTS: dict[str, dict[str, str | None]] = {
    "without sitting": {"sitting": None},
    "without term": {"until": None},
    "without reason": {"reason": None},
    "without grant": {"grant": None},
    "another sitting": {"sitting": "0" * 16},
    "a sitting in capitals": {"sitting": "A" * 16},
    "a sitting that is too long": {"sitting": "0" * 17},
    "a sitting as SQL": {"sitting": "' OR 1=1 --"},
    "a longer term": {"until": "9999999999"},
    "a term that is over": {"until": "1"},
    "a term below zero": {"until": "-1"},
    "a term beyond numbers": {"until": "9" * 40},
    "a term with a point": {"until": "1.5"},
    "a term in words": {"until": "tomorrow"},
    "another reason": {"reason": "核实诉求内容：好奇"},
    "an empty reason": {"reason": ""},
    "an endless reason": {"reason": "x" * 4000},
    "a reason with NUL": {"reason": "a\x00b"},
    "a reason as script": {"reason": "<script>alert(1)</script>"},
    "a grant of zeros": {"grant": "0" * 64},
    "a grant in another script": {"grant": "ａ" * 64},
    "a short grant": {"grant": "0" * 63},
    "a long grant": {"grant": "0" * 65},
    "a name nobody asked for": {"path": "../../etc/passwd"},
    "a polluted prototype": {"__proto__": "1"},
}


async def test_a_forged_grant_opens_nothing_and_is_on_record(
    db: Database, lead: Desk, archivist: Desk, talk: Recording, store: Store, tmp_path: Path
) -> None:
    query, other = await granted(lead, talk.id), await recorded(db, store, tmp_path)
    wrong: list[str] = []
    for what, change in GRANTS.items():
        for part in ("audio", "peaks", "fault", "redaction"):
            answer = await lead.get(f"/recordings/{talk.id}/{part}?{altered(query, **change)}")
            text = await answer.text()
            if answer.status not in {403, 422} or any(sign in text for sign in OURS):
                wrong.append(f"{what} at {part}: {answer.status} {text[:80]}")
    assert not wrong, wrong
    assert (await heard(lead, other.id, query))[0] == 403, "a grant is for one recording"
    assert (await heard(archivist, talk.id, query))[0] == 403, "and for one session"
    assert (await heard(lead, talk.id, query))[0] == 200
    twice = await lead.get(f"/recordings/{talk.id}/audio?{query}&sitting={'0' * 16}")
    assert twice.status == 422
    refused = await ledger(db, "recording.refused")
    assert len(refused) == 4 * len(GRANTS) + 3
    assert {(who, about) for who, _, about, _ in refused} >= {("李建国", str(talk.id)), ("陈档", str(talk.id))}


RANGES: dict[str, tuple[str, Callable[[int], tuple[int, int] | None]]] = {
    "from the beginning": ("bytes=0-", lambda n: (0, n)),
    "the first byte": ("bytes=0-0", lambda n: (0, 1)),
    "the last byte": ("bytes=-1", lambda n: (n - 1, n)),
    "more than there is at the end": ("bytes=-999999999", lambda n: (0, n)),
    "beyond the end": ("bytes=5-999999999", lambda n: (5, n)),
    "with blanks around": ("  bytes = 5-9 ", lambda n: (5, 10)),
    "in capitals": ("BYTES=5-9", lambda n: (5, 10)),
    "leading zeros": ("bytes=0005-0009", lambda n: (5, 10)),
    "zeros that fill the header": ("bytes=" + "0" * 7000 + "5-9", lambda n: (5, 10)),
    "more than any number at the end": ("bytes=-" + "9" * 7000, lambda n: (0, n)),
    "another unit": ("seconds=0-1", lambda n: None),
    "no unit": ("0-1", lambda n: None),
    "no dash": ("bytes=5", lambda n: None),
    "nothing": ("bytes=", lambda n: None),
    "a dash alone": ("bytes=-", lambda n: None),
    "several": ("bytes=0-1,5-6", lambda n: None),
    "thousands": ("bytes=" + ",".join(["0-1"] * 1000), lambda n: None),
    "below zero": ("bytes=-5-9", lambda n: None),
    "two dashes": ("bytes=5--9", lambda n: None),
    "hexadecimal": ("bytes=0x5-0x9", lambda n: None),
    "a power": ("bytes=1e3-", lambda n: None),
    "with a point": ("bytes=1.5-2", lambda n: None),
    "signed": ("bytes=+5-9", lambda n: None),
    "underscored": ("bytes=1_0-2_0", lambda n: None),
    "letters": ("bytes=a-b", lambda n: None),
    "a path": ("bytes=../../etc/passwd", lambda n: None),
}
NOT_SATISFIABLE = {
    "behind the end": "bytes=999999999-",
    "backwards": "bytes=9-5",
    "the last nothing": "bytes=-0",
    "beyond machine words": "bytes=" + "9" * 30 + "-",
    "a number that fills the header": "bytes=" + "9" * 7000 + "-",
    "beyond machine words twice": "bytes=" + "9" * 30 + "-" + "9" * 31,
}


async def test_a_range_is_answered_exactly_or_refused(db: Database, lead: Desk, talk: Recording, store: Store) -> None:
    query = await granted(lead, talk.id)
    whole = b"".join([block async for block in store.read(talk.store_key)])
    wrong = []
    for what, (header, expected) in RANGES.items():
        status, body = await heard(lead, talk.id, query, Range=header)
        part = expected(len(whole))
        good = (206, whole[slice(*part)]) if part else (200, whole)
        if (status, body) != good:
            wrong.append(f"{what}: {status}, {len(body)} bytes")
    for what, header in NOT_SATISFIABLE.items():
        status, _ = await heard(lead, talk.id, query, Range=header)
        if status != 416:
            wrong.append(f"{what}: {status}")
    assert not wrong, wrong
    assert len(await ledger(db, "recording.refused")) == len(NOT_SATISFIABLE)


PATHS = {
    "no id": "/recordings//audio",
    "an id of nobody": f"/recordings/{new_id()}",
    "not an id": "/recordings/1",
    "SQL": "/recordings/'%20OR%201=1--",
    "climbing": "/recordings/..%2F..%2Fetc%2Fpasswd",
    "climbing plainly": "/recordings/../../etc/passwd",
    "twice escaped": "/recordings/%252e%252e%252f/audio",
    "NUL": "/recordings/%00/audio",
    "a line end": "/recordings/%0d%0aSet-Cookie:%20a=b/audio",
    "another script": "/recordings/录音/audio",
    "not even UTF-8": "/recordings/%ff%fe/audio",
    "endless": "/recordings/" + "a" * 3000,
    "an export of nobody": f"/recording-exports/{new_id()}/file",
    "an export by number": "/recording-exports/LYD20261130-00000000/file",
    "an export climbing": "/recording-exports/..%2f..%2fsecrets/file",
    "a copy of nobody": f"/recordings/{new_id()}/redactions/{new_id()}/audio",
    "a copy climbing": f"/recordings/{new_id()}/redactions/..%2f..%2fx/audio",
    "the store itself": "/exports/LYD.zip",
    "the archive itself": "/archive/2026/11/30/talk.flac",
}
DESTINATIONS = ("document", "iframe", "empty", "script", "image", "track", "object", "x" * 200)


async def test_addresses_that_lead_nowhere_lead_nowhere(db: Database, archivist: Desk, talk: Recording) -> None:
    query = await granted(archivist, talk.id)
    wrong = []
    for what, path in PATHS.items():
        answer = await archivist.get(f"{path}?{query}" if "/audio" in path else path)
        text = await answer.text()
        if answer.status not in {403, 404, 422} or any(sign in text for sign in OURS):
            wrong.append(f"{what}: {answer.status} {text[:80]}")
        if "Set-Cookie" in answer.headers and "a=b" in answer.headers["Set-Cookie"]:
            wrong.append(f"{what}: header injected")
    for destination in DESTINATIONS:
        status, _ = await heard(archivist, talk.id, query, **{"Sec-Fetch-Dest": destination})
        if status != 403:
            wrong.append(f"a {destination[:10]} gets {status}")
    for destination in ("audio", "video"):
        assert (await heard(archivist, talk.id, query, **{"Sec-Fetch-Dest": destination}))[0] == 200
    assert not wrong, wrong


def flac(samples: np.ndarray[Any, Any], rate: int = 8000, **how: Any) -> bytes:
    made = io.BytesIO()
    soundfile.write(made, samples, rate, format=how.pop("format", "FLAC"), **how)
    return made.getvalue()


def streaminfo(content: bytes, *, samples: int = 8000, rate: int = 8000, channels: int = 1) -> bytes:
    """A FLAC file whose header claims this."""
    packed = rate << 44 | (channels - 1) << 41 | 15 << 36 | samples
    return content[:18] + struct.pack(">Q", packed) + content[26:]


def opus(samples: np.ndarray[Any, Any]) -> bytes:
    made = io.BytesIO()
    soundfile.write(made, samples, 8000, format="OGG", subtype="OPUS")
    return made.getvalue()


def last_granule(content: bytes, granule: int) -> bytes:
    """An Ogg file whose last page claims to end there."""
    at = content.rindex(b"OggS")
    page = bytearray(content[at:])
    page[6:14], page[22:26] = struct.pack("<q", granule), bytes(4)
    page[22:26] = struct.pack("<I", checksum(page))
    return content[:at] + bytes(page)


NOISE = np.random.default_rng(5).integers(-9000, 9000, 16000, dtype=np.int16)
GOOD, OPUS = flac(NOISE), opus(NOISE)
MEDIA: dict[str, bytes] = {
    "cut in a frame": GOOD[: len(GOOD) // 2],
    "cut in the header": GOOD[:20],
    "one byte": b"f",
    "the mark alone": b"fLaC",
    "a header alone": GOOD[:42],
    "a byte changed": GOOD[:9000] + bytes([GOOD[9000] ^ 255]) + GOOD[9001:],
    "frames changed": GOOD[:2000] + bytes(4000) + GOOD[6000:],
    "zeros": bytes(50_000),
    "noise": np.random.default_rng(6).bytes(50_000),
    "a text": "这不是录音。".encode() * 500,
    "a page": b"<html><script>alert(1)</script></html>" * 50,
    "a zip": b"PK\x03\x04" + bytes(2000),
    "a WAV under this name": flac(NOISE, format="WAV"),
    "an AIFF under this name": flac(NOISE, format="AIFF"),
    "an OGG under this name": flac(NOISE, format="OGG"),
    "no sample": flac(NOISE[:0]),
    "one sample": flac(NOISE[:1]),
    "another rate": flac(NOISE, rate=44100),
    "eight channels": flac(NOISE[: 8 * 1000].reshape(-1, 8)),
    "24 bits": flac(NOISE, subtype="PCM_24"),
    "a claim of 2^36 samples": streaminfo(GOOD, samples=2**36 - 1),
    "a claim of no sample": streaminfo(GOOD, samples=0),
    "a claim of eight channels": streaminfo(GOOD, channels=8),
    "a claim of rate zero": streaminfo(GOOD, rate=0),
    "a huge block of metadata": GOOD[:42] + b"\x01\xff\xff\xff" + bytes(1000),
    "endless empty metadata": b"fLaC" + GOOD[4:42].replace(b"\x80", b"\x00", 1) + b"\x01\x00\x00\x00" * 5000,
    "Opus cut in a page": OPUS[: len(OPUS) // 2],
    "Opus cut in its comments": OPUS[:200],
    "Opus without sound": OPUS[: OPUS.index(b"OggS", OPUS.index(b"OpusTags"))],
    "an Opus page's byte changed": OPUS[:5000] + bytes([OPUS[5000] ^ 255]) + OPUS[5001:],
    "Opus of 2^62 samples": last_granule(OPUS, 2**62),
    "Opus that ends before it begins": last_granule(OPUS, -5),
    "two Opus streams": OPUS + OPUS,
    "Opus of 255 channels": OPUS.replace(b"OpusHead\x01\x01", b"OpusHead\x01\xff"),
    "Vorbis under this name": flac(NOISE, format="OGG", subtype="VORBIS"),
}


async def replaced(db: Database, store: Store, row: Recording, content: bytes) -> None:
    """The archive holds this, and the catalogue says so: what went in was no sound to begin with."""
    form = Form.OPUS if content.startswith(b"OggS") else Form.FLAC
    digest, key = hashlib.sha256(content).hexdigest(), f"2026/11/30/{new_id()}.{form}"
    await store.put(key, io.BytesIO(content), digest)
    async with db.session() as session:
        values = {"store_key": key, "digest": digest, "size": len(content)}
        await session.execute(update(Recording).where(Recording.id == row.id).values(**values))


async def test_files_that_are_no_sound_do_no_harm(
    db: Database, archivist: Desk, store: Store, talk: Recording, home: Path
) -> None:
    exporter = Exporter(
        db, store, work=home / "work" / "exports", secret=lambda: "s", house="弋阳12345",
        policy=lambda: installed().policy[ListeningPolicy],
    )  # fmt: skip
    wrong = []
    for what, content in MEDIA.items():
        await replaced(db, store, talk, content)
        query = await granted(archivist, talk.id)
        status, body = await heard(archivist, talk.id, query)
        if (status, body) != (200, content) and (status, content) != (409, b""):
            wrong.append(f"{what}: sound {status}")
        for part in ("peaks", "fault"):
            answer = await archivist.get(f"/recordings/{talk.id}/{part}?{query}")
            if answer.status not in {200, 409}:
                wrong.append(f"{what}: {part} {answer.status} {(await answer.text())[:80]}")
        covering = {"stretch": ["0:0.5-1"], "why": "依法提供查询"}
        answer = await archivist.post(f"/recordings/{talk.id}/redactions?{query}", covering)
        if answer.status not in {303, 409, 422}:
            wrong.append(f"{what}: redaction {answer.status} {(await answer.text())[:80]}")
        await archivist.post(f"/recordings/{talk.id}/exports", WHY)
        await exporter.step()
        async with db.session() as session:
            one = (await session.scalars(select(Export).order_by(Export.id.desc()).limit(1))).one()
        if one.state not in (ExportState.READY, ExportState.FAILED) or "已记录" in one.trouble:
            wrong.append(f"{what}: export {one.state} {one.trouble}")
    assert not wrong, wrong
    assert list((home / "work" / "exports").iterdir()) == []


async def test_a_file_changed_in_the_archive_is_told_in_words(
    db: Database, archivist: Desk, talk: Recording, home: Path
) -> None:
    path = stored_at(home, talk)
    whole, wrong = path.read_bytes(), []
    changes = {
        "cut": whole[:-50],
        "longer": whole + b"x",
        "a byte": whole[:-30] + bytes([whole[-30] ^ 1]) + whole[-29:],
        "its header": b"x" + whole[1:],
        "emptied": b"",
        "another": whole[::-1],
    }
    for what, content in changes.items():
        path.write_bytes(content)
        query = await granted(archivist, talk.id)
        answer = await archivist.get(f"/recordings/{talk.id}/audio?{query}")
        if answer.status != 409 or "文件已损坏" not in await answer.text():
            wrong.append(f"{what}: {answer.status}")
        said = await (await archivist.get(f"/recordings/{talk.id}/fault?{query}")).json()
        if "已损坏或被改动" not in said["fault"]:
            wrong.append(f"{what}: {said}")
    path.unlink()
    answer = await archivist.get(f"/recordings/{talk.id}/audio?{await granted(archivist, talk.id)}")
    assert answer.status == 404 and "没有这份录音文件" in await answer.text()
    assert not wrong, wrong


BODIES: dict[str, tuple[str, dict[str, Any]]] = {
    "a mark before the beginning": ("marks", {"at": "-1", "note": "x"}),
    "a mark behind the end": ("marks", {"at": "99999", "note": "x"}),
    "a mark at infinity": ("marks", {"at": "inf", "note": "x"}),
    "a mark at no number": ("marks", {"at": "nan", "note": "x"}),
    "a mark that ends before": ("marks", {"at": "2", "end": "1", "note": "x"}),
    "a mark without a word": ("marks", {"at": "1", "note": "   "}),
    "an endless mark": ("marks", {"at": "1", "note": "长" * 201}),
    "a mark with NUL": ("marks", {"at": "1", "note": "a\x00"}),
    "a mark of another's name": ("marks", {"at": "1", "note": "x", "by_name": "主任"}),
    "removing nothing": ("marks/remove", {"mark": str(new_id())}),
    "removing no id": ("marks/remove", {"mark": "1"}),
    "no stretch": ("redactions", {"why": "理由足够"}),
    "a stretch of letters": ("redactions", {"why": "理由足够", "stretch": ["a:b-c"]}),
    "a stretch on a third channel": ("redactions", {"why": "理由足够", "stretch": ["2:0-1"]}),
    "a stretch backwards": ("redactions", {"why": "理由足够", "stretch": ["0:2-1"]}),
    "a stretch behind the end": ("redactions", {"why": "理由足够", "stretch": ["0:1-99999"]}),
    "a stretch at infinity": ("redactions", {"why": "理由足够", "stretch": ["0:0-inf"]}),
    "an endless stretch": ("redactions", {"why": "理由足够", "stretch": ["0:" + "1" * 500 + "-2"]}),
    "too many stretches": ("redactions", {"why": "理由足够", "stretch": ["0:0-1"] * 201}),
    "no reason": ("redactions", {"why": "", "stretch": ["0:0-1"]}),
    "no purpose": ("exports", {"reason": "理由足够"}),
    "a purpose of one's own": ("exports", {"purpose": "个人留存", "reason": "理由足够"}),
    "a copy of nobody": ("exports", {**WHY, "redaction": str(new_id())}),
    "a copy that is no id": ("exports", {**WHY, "redaction": "x"}),
    "a state smuggled in": ("exports", {**WHY, "state": "ready"}),
    "a number smuggled in": ("exports", {**WHY, "number": "LYD1"}),
    "a day that is none": ("requests", {**WHY, "until": "2026-02-30"}),
    "the last day that there is": ("requests", {**WHY, "until": "9999-12-31"}),
    "the first day that there is": ("requests", {**WHY, "until": "0001-01-01"}),
}


async def test_bodies_that_make_no_sense_change_nothing(
    db: Database, serve: Serve, archivist: Desk, talk: Recording
) -> None:
    both = await signed_in(db, serve(), "both", Role.ARCHIVIST, Role.AGENT)
    query, wrong = await granted(both, talk.id), []
    for what, (path, body) in BODIES.items():
        with_grant = "" if path in {"exports", "requests"} else f"?{query}"
        answer = await both.post(f"/recordings/{talk.id}/{path}{with_grant}", body)
        text = await answer.text()
        if answer.status not in {404, 422} or any(sign in text for sign in OURS):
            wrong.append(f"{what}: {answer.status} {text[:80]}")
    assert not wrong, wrong
    async with db.session() as session:
        for table in (Mark, Redaction, Export):
            assert (await session.scalars(select(table))).all() == []


async def test_a_mark_is_removed_by_its_author_alone(
    db: Database, lead: Desk, archivist: Desk, talk: Recording
) -> None:
    mine, others = await granted(lead, talk.id), await granted(archivist, talk.id)
    added = await lead.post(f"/recordings/{talk.id}/marks?{mine}", {"at": "1.5", "note": "<script>alert(1)</script>"})
    assert added.status == 200 and "<script>alert" not in await added.text()
    async with db.session() as session:
        mark = (await session.scalars(select(Mark))).one()
    answer = await archivist.post(f"/recordings/{talk.id}/marks/remove?{others}", {"mark": str(mark.id)})
    assert answer.status == 403 and "只能移除自己的标注" in await answer.text()
    assert (await lead.post(f"/recordings/{talk.id}/marks/remove?{mine}", {"mark": str(mark.id)})).status == 200
    assert ("陈档", "recording.refused") in {(who, act) for who, act, *_ in await ledger(db, "recording.refused")}


def test_there_are_enough_of_them() -> None:
    tables = (GRANTS, RANGES, NOT_SATISFIABLE, PATHS, DESTINATIONS, MEDIA, BODIES)
    assert sum(map(len, tables)) + 6 >= 120, sum(map(len, tables))
