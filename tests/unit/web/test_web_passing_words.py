"""Every way of passing a citizen on, and whatever becomes of it, has words on the pages and in the ledger."""

from callflow.phones.models import CallLeg
from callflow.phones.rules import Became, Beside, Way
from web.ledger_words import ACTIONS


def test_every_way_and_result_has_words() -> None:
    by_person = [*Way, *Beside, *(one for one in Became if one is not Became.BACK)]
    assert [f"line.{one}" for one in by_person if f"line.{one}" not in ACTIONS] == []
    said = {CallLeg(kind=way, result=became).said for way in Way for became in (None, *Became)}
    assert len(said) == len(Way) * (len(Became) + 1)
