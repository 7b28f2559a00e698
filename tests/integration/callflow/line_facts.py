"""Facts of whole calls, as the sources report them."""

from datetime import UTC, datetime, timedelta

from callflow import queries
from callflow.facts import Fact, Kind, Source, fact
from callflow.models import Call
from core.db import Database

START = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)
CALLER = "13800000001"


def say(call: str, kind: Kind, after: float, source: Source = Source.CEL, **data: str) -> Fact:
    return fact("node1", call, source, kind, START + timedelta(seconds=after), **data)


def answered(call: str = "1.0", begin: float = 0, caller: str = CALLER) -> list[Fact]:
    arrival = {"direction": "inbound", "caller": caller, "dialled": "12345", "channel": "PJSIP/trunk-00000001"}
    return [
        say(call, Kind.ARRIVED, begin, **arrival),
        say(call, Kind.ANSWERED, begin + 0.1),
        say(call, Kind.QUEUED, begin + 3, queue="hotline"),
        say(call, Kind.CONNECTED, begin + 7, agent="1001", channel="PJSIP/1001-00000002"),
        say(call, Kind.ENDED, begin + 60, cause="16", by="citizen"),
    ]


def abandoned(call: str, begin: float, waits: float = 20, caller: str = CALLER) -> list[Fact]:
    return [*answered(call, begin, caller)[:3], say(call, Kind.ENDED, begin + waits, cause="16", by="citizen")]


async def the_call(db: Database, linkedid: str = "1.0") -> Call:
    async with db.session() as session:
        found = await queries.call_by_linkedid(session, "node1", linkedid)
        assert found
        return found
