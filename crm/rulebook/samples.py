"""A fixed set of dispatches whose due dates show what a change of the rules does (A31-1): V01–V18.

Weekends, days off in lieu, both long holidays, year ends: what a changed limit, reading or calendar would move.
"""

from dataclasses import dataclass
from datetime import date, datetime, time

from core.clock import SHANGHAI


@dataclass(frozen=True)
class Sample:
    """One dispatch at ten in the morning; `limit` names a value of `[limits]`."""

    id: str
    what: str
    limit: str
    day: date

    @property
    def at(self) -> datetime:
        """The instant."""
        return datetime.combine(self.day, time(10), SHANGHAI)


SAMPLES = (
    Sample("V01", "咨询，周一派发", "consultation", date(2026, 3, 2)),
    Sample("V02", "咨询，跨周末", "consultation", date(2026, 3, 6)),
    Sample("V03", "投诉，周六派发", "complaint", date(2026, 3, 7)),
    Sample("V04", "投诉，跨春节，两个周六上班", "complaint", date(2026, 2, 13)),
    Sample("V05", "求助，春节假期内派发", "help", date(2026, 2, 18)),
    Sample("V06", "求助，跨国庆", "help", date(2026, 9, 30)),
    Sample("V07", "咨询，跨中秋", "consultation", date(2026, 9, 24)),
    Sample("V08", "意见，跨劳动节", "opinion", date(2026, 4, 30)),
    Sample("V09", "建议，调休上班的周六派发", "suggestion", date(2026, 5, 9)),
    Sample("V10", "举报，调休上班的周日派发，跨国庆", "report", date(2025, 9, 28)),
    Sample("V11", "疑难复杂，跨中秋和国庆", "repeated", date(2026, 9, 21)),
    Sample("V12", "签收，春节前调休上班的周六派发", "sign", date(2026, 2, 14)),
    Sample("V13", "签收，周六派发，次日调休上班", "sign", date(2026, 9, 19)),
    Sample("V14", "签收，年末派发", "sign", date(2026, 12, 31)),
    Sample("V15", "投诉，跨年", "complaint", date(2026, 12, 24)),
    Sample("V16", "疑难复杂，跨次年春节", "repeated", date(2027, 1, 25)),
    Sample("V17", "咨询，元旦假期内派发", "consultation", date(2026, 1, 2)),
    Sample("V18", "咨询，调休上班的周日派发", "consultation", date(2026, 1, 4)),
)
