"""Call detail records into facts: the coarsest source, one of several records per call (three for a queued one)."""

import csv
from datetime import UTC, datetime

from callflow.facts import Fact, Kind, Source, fact
from callflow.sources.channels import BESIDE, PROBE, endpoint
from callflow.spoken.rules import is_spoken
from core.errors import Invalid

COLUMNS = 13


def facts(line: str, node: str) -> list[Fact]:
    """What one record says of its call; only the record of the channel that the call began with counts.

    Columns: `asterisk_conf/cdr_custom.conf.j2`. Raises Invalid("bad-cdr-line").
    """
    try:
        [row] = csv.reader([line], strict=True)
        linkedid, uniqueid, channel, _, _, _, start, answer, end, *_ = row
        if len(row) != COLUMNS:
            raise ValueError(len(row))
        times = [_instant(text) for text in (start, answer, end)]
    except (ValueError, OverflowError, OSError, csv.Error) as error:
        raise Invalid("bad-cdr-line", "话单日志中有一行无法识别，已另行保存。") from error
    if uniqueid != linkedid or endpoint(channel) in (None, PROBE) or BESIDE in linkedid or is_spoken(linkedid):
        return []
    kinds = (Kind.ARRIVED, Kind.ANSWERED, Kind.ENDED)
    return [fact(node, linkedid, Source.CDR, kind, at) for kind, at in zip(kinds, times, strict=True) if at]


def _instant(text: str) -> datetime | None:
    """Seconds since 1970, or wall time in UTC; None where the record has no such moment."""
    if not text or set(text) <= {"0", "."}:
        return None
    if text.replace(".", "", 1).isdigit():
        return datetime.fromtimestamp(float(text), UTC)
    return datetime.fromisoformat(text).replace(tzinfo=UTC)
