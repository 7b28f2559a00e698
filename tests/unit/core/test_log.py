"""Log lines: the call in each, no number in any."""

import io
import json
import logging
import sys
from collections.abc import Iterator
from uuid import uuid4

import pytest
import structlog

from core import log
from core.log import without_personal_data


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """What is written; logging and structlog are as before afterwards."""
    root, written = logging.getLogger(), io.StringIO()
    before, ours = (root.handlers[:], root.level), structlog.get_config()
    monkeypatch.setattr(sys, "stdout", written)
    log.setup("INFO", role="line")
    yield written
    root.handlers[:], root.level = before
    structlog.configure(**ours)
    structlog.contextvars.clear_contextvars()


def test_every_line_within_a_call_names_it_as_the_service_and_as_asterisk_do(lines: io.StringIO) -> None:
    call = uuid4()
    with log.call(call, linkedid="1795556561.12"):
        log.get("one").info("something")
        logging.getLogger("a.library").warning("of %s", "a library")
    log.get("one").info("after")
    first, second, after = map(json.loads, lines.getvalue().splitlines())
    for line in (first, second):
        assert (line["call"], line["linkedid"], line["role"]) == (str(call), "1795556561.12", "line")
    assert "call" not in after


def test_no_number_passes_wherever_it_stands(lines: io.StringIO) -> None:
    number = "13812345001"
    log.get("one").info("x", text=f"from {number}", many=[{"to": f"+86{number}"}, (number,)], desk="0793-5832345")
    logging.getLogger("a.library").warning("%s of %s", "36112619900101123X", "+867935832345")
    try:
        raise ValueError(f"bad number {number}")
    except ValueError:
        log.get("one").exception("y")
    text = lines.getvalue()
    assert len(text.splitlines()) == 3
    for secret in (number, "5832345", "36112619900101123X"):
        assert secret not in text


def test_ids_stay_whole() -> None:
    ids = {"ticket": "01a20f83-5124-7b58-a8a7-138123450012", "call": "13812345001", "linkedid": "17955565610.12"}
    assert without_personal_data(None, "", dict(ids)) == ids
