"""An item's life in the database: steps and persons, what no statement may store, and the index that follows."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
from by_hand import AS_OWNER
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError

from core import clock
from core.actor import SYSTEM, Actor
from core.clock import midnight, today
from core.db import Database, new_id
from core.errors import Conflict, Denied, Invalid, NotFound
from core.ledger.models import LedgerEntry
from core.permissions import Role
from crm.installed import installed
from crm.knowledge import service
from crm.knowledge.engine import Narrow
from crm.knowledge.finder import FinderService, finder_of
from crm.knowledge.input import ItemText
from crm.knowledge.models import KnowledgeItem, KnowledgeStep, KnowledgeVersion
from crm.knowledge.seed import seed_knowledge
from crm.knowledge.states import Act, State

WAY = (("reviewer", Act.PASS_SECRECY), ("chief", Act.APPROVE), ("keeper", Act.PUBLISH))
WHOLE: dict[str, Any] = {
    "question": "独角兽饲养登记怎么办理",
    "answer": "带身份证到城管窗口办理，具体请问窗口。",
    "basis": "某某条例第三条",
    "kind": "approval",
    "keywords": ["独角兽"],
}


class Writing:
    """One item and the people around it."""

    def __init__(self, db: Database, office: Any) -> None:
        self.db, unit = db, office.units["cgj"]
        self.id = UUID(int=0)
        made: dict[str, tuple[Role, UUID | None]] = {
            "clerk": (Role.UNIT_CLERK, unit),
            "reviewer": (Role.SECRECY_REVIEWER, unit),
            "chief": (Role.UNIT_LEADER, unit),
            "keeper": (Role.KNOWLEDGE_KEEPER, None),
            "agent": (Role.AGENT, None),
            "other": (Role.UNIT_CLERK, office.units["gaj"]),
        }
        self.people = {name: Actor(new_id(), name, frozenset({role}), at) for name, (role, at) in made.items()}

    async def create(self, **given: Any) -> "Writing":
        async with self.db.session() as session:
            item = await service.create(session, self.people["clerk"], ItemText.model_validate(WHOLE | given))
        self.id = item.id
        return self

    async def item(self) -> KnowledgeItem:
        async with self.db.session() as session:
            return await session.get_one(KnowledgeItem, self.id)

    async def act(self, who: str | Actor, what: Act, reason: str = "", seen: int | None = None) -> None:
        actor = self.people[who] if isinstance(who, str) else who
        at = (await self.item()).version if seen is None else seen
        async with self.db.session() as session:
            await service.act(session, actor, self.id, at, what, reason)

    async def save(self, who: str, **given: Any) -> None:
        at = (await self.item()).version
        async with self.db.session() as session:
            await service.save(session, self.people[who], self.id, at, ItemText.model_validate(WHOLE | given))

    async def publish(self) -> "Writing":
        await self.act("clerk", Act.SUBMIT)
        for who, what in WAY:
            await self.act(who, what)
        return self

    async def versions(self) -> list[KnowledgeVersion]:
        async with self.db.session() as session:
            return await service.versions_of(session, await session.get_one(KnowledgeItem, self.id))

    async def found(self, words: str = "独角兽") -> list[tuple[str, int]]:
        async with self.db.session() as session:
            hits = await finder_of(self.db).search(session, words, Narrow(), 5)
        return [(hit.entry.number, hit.entry.version) for hit in hits]


@pytest.fixture
def writing(db: Database, office: Any) -> Writing:
    return Writing(db, office)


@pytest.mark.proves("F17-1", "F18-1", "A18-1")
async def test_from_draft_to_retirement_with_every_person_on_record(writing: Writing) -> None:
    await writing.create()
    assert await writing.found() == []
    with pytest.raises(Denied):
        await writing.act("reviewer", Act.SUBMIT)
    for stranger in ("agent", "other"):
        with pytest.raises(NotFound):
            await writing.act(stranger, Act.SUBMIT)
    await writing.act("clerk", Act.SUBMIT)
    with pytest.raises(Conflict):
        await writing.act("keeper", Act.PUBLISH)
    for who, what in WAY:
        assert await writing.found() == []
        await writing.act(who, what)
    assert await writing.found() == [("ZS00001", 1)]
    [version] = await writing.versions()
    assert (version.written_name, version.secrecy_name, version.led_name, version.published_name) == (
        "clerk", "reviewer", "chief", "keeper",
    )  # fmt: skip
    assert version.review_on and version.review_on > today() + timedelta(days=180)
    with clock.frozen(midnight(version.review_on)):
        assert await writing.found() == [("ZS00001", 1)], "due for its review it still answers"
        await writing.act("chief", Act.REAFFIRM)
    await writing.act("keeper", Act.CALL_REVIEW, "法律修订")
    with pytest.raises(Invalid):
        await writing.act("keeper", Act.RETIRE)
    await writing.act("keeper", Act.RETIRE, "事项取消")
    assert await writing.found() == []
    async with writing.db.session() as session:
        steps = await session.scalars(select(KnowledgeStep.act).order_by(KnowledgeStep.at, KnowledgeStep.id))
        assert [*steps][:5] == ["save", "submit", "pass-secrecy", "approve", "publish"]
        logged = await session.scalars(select(LedgerEntry.action).where(LedgerEntry.subject == "knowledge"))
        assert {"knowledge.publish", "knowledge.pass-secrecy", "knowledge.retire"} <= {*logged}


@pytest.mark.proves("F17-1")
async def test_a_revision_replaces_and_the_former_stays_as_it_was(writing: Writing) -> None:
    await (await writing.create()).publish()
    with pytest.raises(Conflict):
        await writing.save("clerk")
    await writing.act("clerk", Act.REVISE)
    with pytest.raises(Conflict):
        await writing.act("clerk", Act.REVISE)
    await writing.save("clerk", question="麒麟饲养登记怎么办理", keywords=["麒麟"])
    assert await writing.found("独角兽") == [("ZS00001", 1)]
    await writing.publish()
    assert await writing.found("麒麟") == [("ZS00001", 2)] and await writing.found("独角兽") == []
    former, present = await writing.versions()
    assert (former.state, former.question, bool(former.ended_at)) == ("superseded", WHOLE["question"], True)
    assert present.state == State.IN_FORCE


@pytest.mark.proves("F18-1")
async def test_sent_back_with_its_reason_it_is_written_anew(writing: Writing) -> None:
    await writing.create()
    await writing.act("clerk", Act.SUBMIT)
    with pytest.raises(Invalid):
        await writing.act("reviewer", Act.SEND_BACK)
    await writing.act("reviewer", Act.SEND_BACK, "涉及内部电话")
    await writing.act("clerk", Act.REVISE)
    await writing.save("clerk", answer="到窗口办理，删去内部电话。")
    await writing.act("clerk", Act.SUBMIT)
    await writing.act("reviewer", Act.PASS_SECRECY)
    await writing.act("chief", Act.SEND_BACK, "依据不全")
    assert [one.state for one in await writing.versions()] == ["sent-back", "sent-back"]
    await writing.act("clerk", Act.DROP)
    assert (await writing.versions())[1].state == "dropped"


@pytest.mark.proves("F18-1", "A18-1")
async def test_who_wrote_any_of_it_does_not_review_it(writing: Writing) -> None:
    both = Actor(new_id(), "兼任", frozenset({Role.UNIT_CLERK, Role.SECRECY_REVIEWER}), writing.people["clerk"].unit_id)
    writing.people["both"] = both
    await writing.create()
    await writing.save("both", answer="由兼任的人改过的内容。")
    await writing.save("clerk")
    await writing.act("clerk", Act.SUBMIT)
    with pytest.raises(Denied, match="起草人以外"):
        await writing.act("both", Act.PASS_SECRECY)


@pytest.mark.proves("A17-1", "A18-1")
@pytest.mark.parametrize(
    "change",
    [
        "state = 'in-force', published_at = now()",
        "state = 'in-force', published_at = now(), led_at = now()",
        "state = 'centre'",
        "state = 'leader'",
        "state = 'retired'",
        "secrecy_at = now(), secrecy_by = written_by, state = 'leader'",
        "secrecy_at = now(), state = 'leader'",
        "secrecy_at = now(), secrecy_by = gen_random_uuid(), led_at = now(), published_at = now(), kind = NULL",
        "secrecy_at = now(), secrecy_by = gen_random_uuid(), led_at = now(), published_at = now(), basis = ''",
    ],
)
async def test_the_database_stores_no_publication_without_its_steps(writing: Writing, change: str) -> None:
    await writing.create()
    with pytest.raises((IntegrityError, Conflict)):
        async with writing.db.session() as session:
            await session.execute(text(f"UPDATE knowledge_versions SET {change}"))


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE knowledge_versions SET answer = '另一答复'",
        "UPDATE knowledge_versions SET kind = 'policy'",
        "DELETE FROM knowledge_versions",
        "UPDATE knowledge_steps SET by_name = '别人'",
        "DELETE FROM knowledge_steps",
    ],
)
async def test_what_was_submitted_and_done_is_never_changed(writing: Writing, statement: str) -> None:
    await (await writing.create()).publish()
    with pytest.raises((IntegrityError, Conflict)):
        async with writing.db.session() as session:
            await session.execute(AS_OWNER)
            await session.execute(text(statement))


async def test_an_expired_item_answers_nobody(writing: Writing) -> None:
    await (await writing.create(valid_from=today(), valid_to=today() + timedelta(days=1))).publish()
    assert await writing.found() == [("ZS00001", 1)]
    with clock.frozen(midnight(today() + timedelta(days=2))):
        assert await writing.found() == []
        with pytest.raises(Conflict, match="有效期已过"):
            await writing.act("chief", Act.REAFFIRM)


async def test_two_people_at_once_and_wrong_input(writing: Writing) -> None:
    await writing.create()
    with pytest.raises(Conflict, match="刷新"):
        await writing.act("clerk", Act.SUBMIT, seen=99)
    for given, field in (
        ({"valid_from": date(2026, 5, 2), "valid_to": date(2026, 5, 1)}, "valid_to"),
        ({"area": "cgj"}, "area"),
        ({"area": "nowhere"}, "area"),
    ):
        with pytest.raises(Invalid) as refused:
            await writing.save("clerk", **given)
        assert field in refused.value.fields


async def test_the_countys_items_are_seeded_once_and_found(
    db: Database, office: Any, writing: Writing, empty: Callable[[], object]
) -> None:
    county = installed().county
    async with db.session() as session:
        assert await seed_knowledge(session, county) == len(county.knowledge.item) >= 80
    async with db.session() as session:
        assert await seed_knowledge(session, county) == 0
    await FinderService(db).look()
    assert ("ZS00020", 1) in await writing.found("社保卡丢了")
    await (await writing.create()).publish()
    assert (await writing.item()).number == f"ZS{len(county.knowledge.item) + 1:05}"
    assert ("ZS00020", 1) in await writing.found("社保卡丢了") and await writing.found() != []
    empty()
    assert await writing.found("社保卡丢了") == [], "another database is read anew"


async def test_the_system_alone_provides_for_others(db: Database, office: Any, writing: Writing) -> None:
    async with db.session() as session:
        with pytest.raises(Denied):
            await service.create(session, writing.people["keeper"], ItemText.model_validate(WHOLE))
        homeless = Actor(new_id(), "无单位", frozenset({Role.UNIT_CLERK}))
        with pytest.raises(Denied, match="各单位提供"):
            await service.create(session, homeless, ItemText.model_validate(WHOLE))
        item = await service.create(session, SYSTEM, ItemText.model_validate(WHOLE), unit_id=office.units["gaj"])
        assert item.unit_id == office.units["gaj"]
