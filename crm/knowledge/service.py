"""Commands on items: write, and every act of the table; each locks the item first and is in ledger and steps."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from core.actor import Actor
from core.calendar.due import months_on
from core.clock import now, today
from core.errors import Conflict, Denied, Invalid, NotFound
from core.ledger import record
from core.live import hint
from core.locks import lock
from core.permissions import Permission
from crm.installed import installed
from crm.knowledge.input import ItemText
from crm.knowledge.models import KnowledgeFile, KnowledgeItem, KnowledgeStep, KnowledgeVersion
from crm.knowledge.states import ON_THE_WAY, Act, State
from crm.knowledge.table import Case, Line, choose
from crm.knowledge_policy import KnowledgePolicy

TOPIC = "knowledge"
TEXT = tuple(ItemText.model_fields)
CARRIED = ("name", "media_type", "size", "digest", "store_key", "added_at", "added_by")
"""What a revision takes over of a file; the bytes are the same."""
_COUNT = text(
    "INSERT INTO knowledge_counter (id, n, epoch) VALUES (1, 1, gen_random_uuid())"
    " ON CONFLICT (id) DO UPDATE SET n = knowledge_counter.n + 1 RETURNING n"
)
"""Its row is locked until the transaction ends, so that what counted less has committed before."""


async def create(
    session: AsyncSession, actor: Actor, given: ItemText, *, unit_id: UUID | None = None, number: str = "",
    example: bool = False,
) -> KnowledgeItem:  # fmt: skip
    """A new item of the actor's unit, in draft; `unit_id`, `number` and `example` are for a county's own file. Raises
    Denied, Invalid."""
    unit = unit_id if actor.is_system and unit_id else own_unit(actor)
    _check(given)
    item = KnowledgeItem(number=number or await _next_number(session), unit_id=unit, version=1, newest=1)
    session.add(item)
    await session.flush()
    version = _draft(item, 1, actor, example=example)
    _write(version, given, actor)
    session.add(version)
    await _step(session, actor, item, version, Act.SAVE)
    await session.flush()
    return item


async def create_all(session: AsyncSession, actor: Actor, texts: Sequence[ItemText]) -> list[KnowledgeItem]:
    """New items of the actor's unit, in draft, in a few statements and one entry of the ledger. Raises as `create`."""
    unit, at = own_unit(actor), now()
    for one in texts:
        _check(one)
    first = int((await _next_number(session))[2:])
    items = [KnowledgeItem(number=f"ZS{first + n:05}", unit_id=unit, version=1, newest=1) for n in range(len(texts))]
    session.add_all(items)
    await session.flush()
    for item, given in zip(items, texts, strict=True):
        version = _draft(item, 1, actor)
        _write(version, given, actor)
        step = KnowledgeStep(item_id=item.id, n=1, act=Act.SAVE, by_id=actor.user_id, by_name=actor.name, at=at)
        session.add_all((version, step))
    await session.flush()
    span = f"{items[0].number}-{items[-1].number}"
    await record(session, actor, "knowledge.import", "knowledge", span, count=len(items))
    hint(session, TOPIC, items[0].id)
    return items


def own_unit(actor: Actor) -> UUID:
    """The unit whose items this person writes. Raises Denied."""
    actor.require(Permission.KNOWLEDGE_WRITE)
    if actor.unit_id is None:
        raise Denied("no-unit-of-ones-own", "知识库条目由各单位提供（第十八条），您不属于任何单位。")
    return actor.unit_id


async def save(session: AsyncSession, actor: Actor, item_id: UUID, seen: int, given: ItemText) -> KnowledgeItem:
    """The draft's text as it is now. Raises Denied, NotFound, Conflict, Invalid."""
    case = await locked(session, actor, item_id, seen)
    choose(Act.SAVE, case)
    _check(given)
    _write(case.version, given, actor)
    await _done(session, case, Act.SAVE)
    return case.item


async def act(session: AsyncSession, actor: Actor, item_id: UUID, seen: int, what: Act, reason: str = "") -> Case:
    """Any other act on the item's version that is on its way, or else on the one in force. Raises as `choose`."""
    case = await locked(session, actor, item_id, seen, what)
    line = choose(what, case)
    reason = reason.strip()
    if line.reason and len(reason) < 2:
        raise Invalid("no-reason", f"{what.label}须说明原因。", fields={"reason": "请填写原因"})
    if what is Act.REVISE:
        await _revise(session, case)
    else:
        await _apply(session, case, line)
    await _done(session, case, what, reason)
    return case


async def _apply(session: AsyncSession, case: Case, line: Line) -> None:
    version, actor, at = case.version, case.actor, now()
    if line.act is Act.SUBMIT:
        version.submitted_at = at
    elif line.act is Act.PASS_SECRECY:
        version.secrecy_by, version.secrecy_name, version.secrecy_at = actor.user_id, actor.name, at
    elif line.act is Act.APPROVE:
        version.led_by, version.led_name, version.led_at = actor.user_id, actor.name, at
    elif line.act is Act.PUBLISH:
        await _take_over(session, case)
        version.published_by, version.published_name, version.published_at = actor.user_id, actor.name, at
    elif line.act is Act.RETIRE:
        version.ended_at, case.item.in_force = at, None
    if line.act in (Act.PUBLISH, Act.REAFFIRM):
        version.review_on = months_on(today(), installed().policy[KnowledgePolicy].review_months)
    if line.act is Act.CALL_REVIEW:
        version.review_on = today()
    if line.after is not None:
        version.state = line.after
    if line.act in (Act.PUBLISH, Act.RETIRE):
        case.item.changed = int((await session.execute(_COUNT)).scalar_one())


async def _take_over(session: AsyncSession, case: Case) -> None:
    """The version in force so far makes room."""
    if case.item.in_force is not None:
        former = await version_of(session, case.item, case.item.in_force)
        former.state, former.ended_at = State.SUPERSEDED, now()
        await session.flush()
    case.item.in_force = case.version.n


async def _revise(session: AsyncSession, case: Case) -> None:
    """The next version, beginning with this one's text and files."""
    item, actor = case.item, case.actor
    item.newest += 1
    made = _draft(item, item.newest, actor)
    for name in TEXT:
        setattr(made, name, getattr(case.version, name))
    session.add(made)
    await session.flush()
    for one in await session.scalars(select(KnowledgeFile).where(KnowledgeFile.version_id == case.version.id)):
        session.add(KnowledgeFile(version_id=made.id, **{name: getattr(one, name) for name in CARRIED}))


def _draft(item: KnowledgeItem, n: int, actor: Actor, *, example: bool = False) -> KnowledgeVersion:
    made = KnowledgeVersion(item_id=item.id, n=n, state=State.DRAFT, example=example)
    made.written_by, made.written_name, made.written_at = actor.user_id, actor.name, now()
    return made


def _write(version: KnowledgeVersion, given: ItemText, actor: Actor) -> None:
    for name in TEXT:
        value = getattr(given, name)
        setattr(version, name, list(value) if isinstance(value, tuple) else value)
    version.written_by, version.written_name, version.written_at = actor.user_id, actor.name, now()


def _check(given: ItemText) -> None:
    if given.valid_from and given.valid_to and given.valid_to < given.valid_from:
        raise Invalid("validity-reversed", "有效期的终止日不能早于起始日。", fields={"valid_to": "不能早于起始日"})
    area = installed().county.units.get(given.area or "")
    if given.area and (area is None or not area.kind.territorial):
        raise Invalid("no-such-area", "请从列出的乡镇（街道）中选择。", fields={"area": "请从列出的乡镇（街道）中选择"})


async def locked(session: AsyncSession, actor: Actor, item_id: UUID, seen: int, what: Act = Act.SAVE) -> Case:
    """An item that nobody else changes until the transaction ends, if it is as the page showed it. Raises NotFound,
    Conflict."""
    item = await session.get(KnowledgeItem, item_id, with_for_update=True, populate_existing=True)
    if item is None:
        raise NotFound("no-such-knowledge", "没有这个知识库条目。")
    versions = await versions_of(session, item)
    case = await case_of(session, actor, item, subject(item, versions, what), versions)
    if not visible(actor, item, case.version):
        raise NotFound("no-such-knowledge", "没有这个知识库条目。")
    if seen != item.version:
        raise Conflict("knowledge-changed", "该条目已被其他人员修改，请刷新后再操作。")
    return case


async def known(session: AsyncSession, actor: Actor, item_id: UUID) -> tuple[KnowledgeItem, list[KnowledgeVersion]]:
    """An item with those of its versions that the actor may know of, the oldest first. Raises NotFound."""
    item = await session.get(KnowledgeItem, item_id)
    versions = await versions_of(session, item) if item else []
    seen = [one for one in versions if item is not None and visible(actor, item, one)]
    if item is None or not seen:
        raise NotFound("no-such-knowledge", "没有这个知识库条目。")
    return item, seen


def on_the_way(versions: list[KnowledgeVersion]) -> KnowledgeVersion | None:
    """The newest, where it may yet come into force."""
    return versions[-1] if versions and versions[-1].state in ON_THE_WAY else None


IN_FORCE_FIRST = frozenset({Act.REAFFIRM, Act.CALL_REVIEW, Act.RETIRE})
"""Acts on what answers today, while a further version may be on its way."""


def subject(item: KnowledgeItem, versions: list[KnowledgeVersion], what: Act) -> KnowledgeVersion:
    """Which of an item's versions an act means: the newest, unless it is on what answers today."""
    if what in IN_FORCE_FIRST and item.in_force is not None:
        return next(one for one in versions if one.n == item.in_force)
    kept = [one for one in versions if one.state != State.DROPPED]
    return (kept or versions)[-1]


async def case_of(
    session: AsyncSession,
    actor: Actor,
    item: KnowledgeItem,
    version: KnowledgeVersion,
    versions: list[KnowledgeVersion],
) -> Case:
    """A version as this actor may act on it."""
    wrote = select(KnowledgeStep.by_id).where(
        KnowledgeStep.item_id == item.id, KnowledgeStep.n == version.n, KnowledgeStep.act.in_((Act.SAVE, Act.REVISE))
    )
    writers = frozenset(one for one in [*await session.scalars(wrote), version.written_by] if one is not None)
    newer = any(one.n != version.n and one.state in ON_THE_WAY - {State.SENT_BACK} for one in versions)
    return Case(actor, item, version, writers, today(), newer)


def visible(actor: Actor, item: KnowledgeItem, version: KnowledgeVersion) -> bool:
    """Whether the actor may know of a version: what was ever published everybody who reads; the rest those who make
    it."""
    if not actor.may(Permission.KNOWLEDGE_VIEW):
        return False
    own = actor.is_system or actor.may(Permission.KNOWLEDGE_PUBLISH) or actor.unit_id == item.unit_id
    return own or version.published_at is not None


async def versions_of(session: AsyncSession, item: KnowledgeItem) -> list[KnowledgeVersion]:
    """All of them, the oldest first."""
    wanted = select(KnowledgeVersion).where(KnowledgeVersion.item_id == item.id).order_by(KnowledgeVersion.n)
    return list(await session.scalars(wanted))


async def version_of(session: AsyncSession, item: KnowledgeItem, n: int) -> KnowledgeVersion:
    """One version. Raises NotFound."""
    wanted = select(KnowledgeVersion).where(KnowledgeVersion.item_id == item.id, KnowledgeVersion.n == n)
    found = await session.scalar(wanted)
    if found is None:
        raise NotFound("no-such-knowledge", "没有这个知识库条目。")
    return found


async def _next_number(session: AsyncSession) -> str:
    await lock(session, "knowledge-number")
    last: Any = await session.scalar(select(func.max(KnowledgeItem.number)))
    return f"ZS{int(str(last or 'ZS00000')[2:]) + 1:05}"


async def _done(session: AsyncSession, case: Case, what: Act, reason: str = "") -> None:
    case.item.version += 1
    case.item.updated_at = now()
    n = case.item.newest if what is Act.REVISE else case.version.n
    await _step(session, case.actor, case.item, case.version, what, reason, n)
    await session.flush()


async def _step(
    session: AsyncSession, actor: Actor, item: KnowledgeItem, version: KnowledgeVersion, what: Act, reason: str = "",
    n: int = 0,
) -> None:  # fmt: skip
    n = n or version.n
    session.add(
        KnowledgeStep(item_id=item.id, n=n, act=what, by_id=actor.user_id, by_name=actor.name, at=now(), reason=reason)
    )
    await record(session, actor, f"knowledge.{what}", "knowledge", item.number, reason=reason or None, version=n)
    hint(session, TOPIC, item.id)
