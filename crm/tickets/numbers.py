"""Order numbers and query codes."""

import re
import secrets
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import date

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from crm.policy import OrdersPolicy
from crm.tickets.models import NumberCounter

TYPED_DIGITS = 13
"""`YY20261123-00001` as typed by keypad: day and running number, without the county's letters."""
_TYPED = re.compile(r"(?P<prefix>[A-Z]*)(?P<day>\d{8})-?(?P<n>\d{5,})")


async def next_numbers(session: AsyncSession, policy: OrdersPolicy, days: Sequence[date]) -> list[str]:
    """One number like `YY20261123-00001` per day given, in order; each day's counter is raised once, its row lock
    makes the numbers unique, and a rollback gives them back."""
    following: dict[date, Iterator[int]] = {}
    for day, n in sorted(Counter(days).items()):
        counter = insert(NumberCounter).values(day=day, last=n)
        counter = counter.on_conflict_do_update(index_elements=["day"], set_={"last": NumberCounter.last + n})
        last = (await session.execute(counter.returning(NumberCounter.last))).scalar_one()
        following[day] = iter(range(last - n + 1, last + 1))
    return [f"{policy.number_prefix}{day:%Y%m%d}-{next(following[day]):05d}" for day in days]


def new_code(policy: OrdersPolicy) -> str:
    """A query code of that many digits."""
    return "".join(str(secrets.randbelow(10)) for _ in range(policy.query_code_digits))


def as_written(typed: str, policy: OrdersPolicy) -> str | None:
    """A number as typed, also by keypad without letters and dash -> as it is written; None when it is none."""
    found = _TYPED.fullmatch(typed.strip().upper()) if len(typed) <= 40 else None
    if found is None:
        return None
    return f"{found['prefix'] or policy.number_prefix}{found['day']}-{found['n']}"


def listed(numbers: Sequence[str]) -> str:
    """Ascending numbers in few characters: `YY20261123-00001、00005至00007`, the day said once."""
    groups: list[list[str]] = []
    for number in numbers:
        if groups and _follows(groups[-1][-1], number):
            groups[-1].append(number)
        else:
            groups.append([number])
    written: list[str] = []
    day = ""
    for group in groups:
        said = [group[0], f"至{_n(group[-1])}"] if len(group) > 2 else ["、".join([group[0], *map(_n, group[1:])])]
        text = "".join(said)
        written.append(text.removeprefix(f"{day}-") if day else text)
        day = group[0].rpartition("-")[0]
    return "、".join(written)


def _n(number: str) -> str:
    return number.rpartition("-")[2]


def _follows(before: str, after: str) -> bool:
    return before.rpartition("-")[0] == after.rpartition("-")[0] and int(_n(after)) == int(_n(before)) + 1
