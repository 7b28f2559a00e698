"""The words of a CMPP message: UCS-2 in parts that a telephone puts together again (3GPP TS 23.040). Pure."""

from crm.sms.port import Refused

PART_BYTES = 140
"""The user data of one short message."""
UDH_BYTES = 6
CONCATENATED, CONCATENATED_16 = 0x00, 0x08
MOST_PARTS = 255
CHARSETS = {0: "ascii", 8: "utf-16-be", 15: "gb18030"}
"""Msg_Fmt of text."""
NO_TEXT = "（非文字短信）"


def parts(text: str, reference: int) -> list[bytes]:
    """The contents to submit; more than one carry a user data header with `reference` (0-255). Raises Refused."""
    whole = text.encode("utf-16-be")
    if len(whole) <= PART_BYTES:
        return [whole]
    pieces = [b""]
    for character in text:
        data = character.encode("utf-16-be")  # four bytes beyond the basic plane: never cut in two
        if len(pieces[-1]) + len(data) > PART_BYTES - UDH_BYTES:
            pieces.append(b"")
        pieces[-1] += data
    if len(pieces) > MOST_PARTS:
        raise Refused("短信过长")
    head = bytes([UDH_BYTES - 1, CONCATENATED, 3, reference, len(pieces)])
    return [head + bytes([number]) + piece for number, piece in enumerate(pieces, 1)]


def words(content: bytes, form: int, *, udhi: bool) -> str:
    """What a citizen wrote; a part of a longer message says which."""
    place = ""
    if udhi and content:
        head, content = content[1 : 1 + content[0]], content[1 + content[0] :]
        place = _place(head)
    if form not in CHARSETS:
        return place + NO_TEXT
    return place + content.decode(CHARSETS[form], "replace")


def _place(head: bytes) -> str:
    """`（2/3）` from the user data header's elements: id, length, data."""
    while len(head) >= 2:
        kind, length, data = head[0], head[1], head[2 : 2 + head[1]]
        if kind in (CONCATENATED, CONCATENATED_16) and len(data) == length >= 3:
            return f"（{data[-1]}/{data[-2]}）"
        head = head[2 + length :]
    return ""
