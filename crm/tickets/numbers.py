"""Order numbers and query codes."""

import re
import secrets
from datetime import date

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from crm.policy import OrdersPolicy
from crm.tickets.models import NumberCounter

TYPED_DIGITS = 13
"""`YY20261123-00001` as typed by keypad: day and running number, without the county's letters."""
_TYPED = re.compile(r"(?P<prefix>[A-Z]*)(?P<day>\d{8})-?(?P<n>\d{5,})")


async def next_number(session: AsyncSession, policy: OrdersPolicy, day: date) -> str:
    """`YY20261123-00001`; the counter's row lock makes it unique, a rollback gives it back."""
    counter = insert(NumberCounter).values(day=day, last=1)
    counter = counter.on_conflict_do_update(index_elements=["day"], set_={"last": NumberCounter.last + 1})
    n = (await session.execute(counter.returning(NumberCounter.last))).scalar_one()
    return f"{policy.number_prefix}{day:%Y%m%d}-{n:05d}"


def new_code(policy: OrdersPolicy) -> str:
    """A query code of that many digits."""
    return "".join(str(secrets.randbelow(10)) for _ in range(policy.query_code_digits))


def as_written(typed: str, policy: OrdersPolicy) -> str | None:
    """A number as typed, also by keypad without letters and dash -> as it is written; None when it is none."""
    found = _TYPED.fullmatch(typed.strip().upper()) if len(typed) <= 40 else None
    if found is None:
        return None
    return f"{found['prefix'] or policy.number_prefix}{found['day']}-{found['n']}"
