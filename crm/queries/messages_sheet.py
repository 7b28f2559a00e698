"""The outbox 短信日志 as a workbook."""

from sqlalchemy.ext.asyncio import AsyncSession

from core.actor import Actor
from core.clock import local
from crm.queries.messages import log
from crm.search.taking import MOST_ROWS, Taken, Taking, take
from crm.sms.rules import SmsState

HEADS = (
    ("生成时间", 18),
    ("工单编号", 20),
    ("用途", 12),
    ("号码", 16),
    ("状态", 12),
    ("说明", 30),
    ("提交次数", 10),
    ("内容", 70),
)


async def export(
    session: AsyncSession,
    actor: Actor,
    *,
    state: SmsState | None,
    for_person: bool,
    number: str,
    oldest_first: bool,
    reason: str,
    title: str,
) -> Taken:
    """The messages of the filter as the page shows them: numbers masked, query codes hidden. Raises as `take`."""
    states = frozenset({state}) if state else frozenset()
    found = await log(
        session, actor,
        states=states, for_person=for_person, number=number, oldest_first=oldest_first, limit=MOST_ROWS + 1,
    )  # fmt: skip
    rows = [
        [
            f"{local(one.created_at):%Y-%m-%d %H:%M:%S}",
            one.number,
            one.purpose,
            one.to,
            one.state.label,
            one.reason,
            str(one.attempts),
            one.text,
        ]
        for one in found
    ]
    asked = ({"state": state.label} if state else {}) | ({"waiting": True} if for_person else {})
    asked |= {"search": number.strip()} if number.strip() else {}
    return await take(session, actor, Taking("短信日志", "DX", "sms.export", HEADS, rows, asked), reason, title=title)
