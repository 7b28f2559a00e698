"""CMPP on the wire: against clients that we did not write, by the specification's own numbers, and against nonsense."""

import struct
import sys
from typing import Any

import cmppy
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pycmpp.request import ConnectRequestInstance, SubmitRequestInstance
from pycmpp.response import ConnectResponseInstance, SubmitResponseInstance

from crm.sms.cmpp import pdu
from crm.sms.cmpp.pdu import LAYOUTS, Command, Layout, Malformed
from crm.sms.cmpp.text import parts, words
from crm.sms.port import Refused

V2, V3 = LAYOUTS["2.0"], LAYOUTS["3.0"]
BOTH = pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
GIVEN: dict[str, Any] = {
    "service_id": "HELP",
    "sp_id": "901234",
    "fee_type": "01",
    "fee_code": "000000",
    "source": "12345",
    "to": "13800001234",
}
TEXT = "您的诉求已受理"


def body_of(message: bytes) -> bytes:
    return message[pdu.HEADER_BYTES :]


def test_a_submit_2_0_is_what_pycmpp_writes_and_reads() -> None:
    ours = pdu.frame(Command.SUBMIT, 7, pdu.Submit(**GIVEN, content=TEXT.encode("utf-16-be")).body(V2))
    theirs = SubmitRequestInstance().create(
        "901234", TEXT, ["13800001234"], src_id="12345", service_id="HELP", registered_delivery=1
    )
    assert body_of(ours) == body_of(theirs)
    read = SubmitRequestInstance().resolve(ours)
    assert (read["msg_content"], read["length"], read["seq_id"]) == (TEXT, len(ours), 7)


def test_a_part_of_a_long_submit_2_0_is_read_by_pycmpp() -> None:
    [first, *_] = parts("长" * 100, 9)
    ours = pdu.frame(Command.SUBMIT, 8, pdu.Submit(**GIVEN, content=first, number=1, total=2, udhi=True).body(V2))
    read = SubmitRequestInstance().resolve(ours)
    assert (read["pk_total"], read["pk_number"], read["tp_udhi"], read["register_delivery"]) == (2, 1, 1, 0)
    assert read["msg_head"].encode("latin-1").hex() == "050003090201"
    assert read["msg_content"] == "长" * 67


def test_a_submit_3_0_is_what_cmppy_writes() -> None:
    ours = pdu.frame(Command.SUBMIT, 7, pdu.Submit(**GIVEN, content=TEXT.encode("utf-16-be")).body(V3))
    theirs = cmppy.SubmitReq(
        "901234", TEXT, "12345", ["13800001234"], registered_delivery=1, service_id="HELP", feecode="000000"
    )
    assert body_of(ours) == body_of(theirs.message)


def test_a_login_is_what_both_write(monkeypatch: pytest.MonkeyPatch) -> None:
    at = "1123150000"
    monkeypatch.setattr("pycmpp.request.get_string_time", lambda: at)
    monkeypatch.setattr(sys.modules["cmppy.request.ConnectReq"], "_get_strtime", lambda: at)
    theirs_2 = bytearray(body_of(ConnectRequestInstance().create("901234", "secret")))
    theirs_2[22] = V2.version  # it names 2.1
    assert pdu.connect(V2, "901234", "secret", at) == bytes(theirs_2)
    assert pdu.connect(V3, "901234", "secret", at) == body_of(cmppy.ConnectReq("901234", "secret").message)


def test_answers_are_read_as_both_read_them() -> None:
    proof = bytes(range(16))
    answer = pdu.frame(Command.CONNECT | pdu.RESPONSE, 1, b"\x03" + proof + b"\x20")
    theirs = ConnectResponseInstance()
    theirs.resolve(answer)
    assert pdu.connected(body_of(answer)) == pdu.Connected(theirs.status, theirs.authenticator_ISMG, theirs.version)
    answer = pdu.frame(Command.CONNECT | pdu.RESPONSE, 1, struct.pack(">I", 4) + proof + b"\x30")
    newer = cmppy.parse_response(answer)
    assert pdu.connected(body_of(answer)) == pdu.Connected(newer.status, newer.authenticator_ISMG, newer.version)

    answer = pdu.frame(Command.SUBMIT | pdu.RESPONSE, 1, struct.pack(">QB", 2**63 + 5, 8))
    submitted = SubmitResponseInstance()
    submitted.resolve(answer)
    assert pdu.submitted(V2, body_of(answer)) == pdu.Submitted(submitted.msg_id, submitted.status)
    answer = pdu.frame(Command.SUBMIT | pdu.RESPONSE, 1, struct.pack(">QI", 2**63 + 5, 8))
    newer = cmppy.parse_response(answer)
    assert pdu.submitted(V3, body_of(answer)) == pdu.Submitted(newer.msg_id, newer.result)


@BOTH
def test_what_does_not_fit_is_refused(layout: Layout) -> None:
    with pytest.raises(Malformed):
        pdu.Submit(**{**GIVEN, "to": "1" * 33}, content=b"").body(layout)


@pytest.mark.parametrize("length", [0, 11, 4097, 0x7FFF_FFFF, 0xFFFF_FFFF])
def test_a_length_that_no_pdu_has(length: int) -> None:
    with pytest.raises(Malformed, match=str(length)):
        pdu.header(struct.pack(">3I", length, Command.DELIVER, 1))


@BOTH
@given(data=st.binary(max_size=400))
def test_nonsense_is_malformed_and_nothing_else(layout: Layout, data: bytes) -> None:
    for read in (
        pdu.connected,
        pdu.status_report,
        lambda b: pdu.submitted(layout, b),
        lambda b: pdu.deliver(layout, b),
    ):
        try:
            read(data)
        except Malformed:
            continue


@BOTH
@given(content=st.binary(max_size=255), form=st.integers(0, 255), udhi=st.booleans())
def test_any_text_of_a_citizen_is_read_somehow(layout: Layout, content: bytes, form: int, udhi: bool) -> None:
    fixed = bytes(8) + bytes(21) + bytes(10) + bytes([0, udhi, form]) + b"13800001234".ljust(layout.phone_bytes, b"\0")
    body = fixed + bytes(len(layout.typed)) + bytes([0, len(content)]) + content + bytes(layout.tail_bytes)
    read = pdu.deliver(layout, body)
    assert (read.content, read.format, read.udhi, read.sender) == (content, form, udhi, "13800001234")
    words(read.content, read.format, udhi=read.udhi).encode()
    with pytest.raises(Malformed):
        pdu.deliver(layout, body[: len(fixed)])


@given(text=st.text(max_size=900), reference=st.integers(0, 255))
def test_parts_are_the_text_again_and_cut_no_character(text: str, reference: int) -> None:
    whole = text.encode("utf-16-be", "surrogatepass")
    if whole.decode("utf-16-be", "replace") != text:
        return  # a lone surrogate: no text
    pieces = parts(text, reference)
    assert all(len(piece) <= 140 for piece in pieces)
    if len(whole) <= 140:
        assert pieces == [whole]
        return
    heads = [piece[:6] for piece in pieces]
    assert heads == [bytes([5, 0, 3, reference, len(pieces), number]) for number in range(1, len(pieces) + 1)]
    assert "".join(piece[6:].decode("utf-16-be") for piece in pieces) == text


def test_more_than_255_parts_are_refused() -> None:
    with pytest.raises(Refused):
        parts("长" * 67 * 256, 0)


@pytest.mark.parametrize(
    ("elements", "place"),
    [
        ("0003090201", "（1/2）"),
        ("080400090302", "（2/3）"),
        ("05040b840b840003090201", "（1/2）"),
        ("0000", ""),
        ("ff", ""),
    ],
)
def test_a_part_of_a_long_reply_says_which(elements: str, place: str) -> None:
    head = bytes.fromhex(elements)
    assert words(bytes([len(head)]) + head + "好".encode("utf-16-be"), 8, udhi=True) == place + "好"
