"""Users and member units in the browser: made, edited, switched off; conflicts are said, everything is on record."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from urllib.parse import unquote
from uuid import UUID

import pyotp
import pytest
from member_units import PROFILE
from sqlalchemy import select, update
from web_desk import PASSWORD, Desk, make_user, signed_in

from callflow.agents import service as agents
from core import clock
from core.actor import SYSTEM
from core.db import Database
from core.identity.models import Unit, User
from core.ledger.models import LedgerEntry
from core.permissions import Role
from web.context import NOTE_COOKIE


@pytest.fixture
async def security(db: Database, serve: Callable[[], Desk]) -> Desk:
    """A security administrator who is signed in."""
    return await signed_in(db, serve(), "zhouan", Role.SECURITY_ADMIN)


@pytest.fixture
async def system(db: Database, serve: Callable[[], Desk]) -> Desk:
    """A system administrator who is signed in."""
    return await signed_in(db, serve(), "sys", Role.SYSTEM_ADMIN)


async def user_of(db: Database, login: str) -> User:
    async with db.session() as session:
        return (await session.scalars(select(User).where(User.login == login))).one()


async def acts(db: Database, subject_id: object) -> list[LedgerEntry]:
    async with db.session() as session:
        wanted = select(LedgerEntry).where(LedgerEntry.subject_id == str(subject_id)).order_by(LedgerEntry.id)
        return [one for one in await session.scalars(wanted) if not one.action.startswith("session.")]


async def test_new_roles_end_the_sessions_and_go_on_record(
    db: Database, serve: Callable[[], Desk], security: Desk
) -> None:
    clerk = await signed_in(db, serve(), "wangli", Role.AGENT)
    where = f"/users/{clerk.user_id}"
    page = await (await security.get(where)).text()
    assert 'name="version" value="1"' in page and "登录中的浏览器" in page
    form = {"version": "1", "name": "王莉", "roles": ["agent", "archivist"]}
    saved = await security.post(where, form)
    assert (saved.status, saved.headers["Location"]) == (303, where)
    assert (await clerk.get("/account")).status == 303, "new roles must be signed in for anew"
    row = (await acts(db, clerk.user_id))[-1]
    assert row.action == "user.edit" and row.actor_name == "周安"
    assert row.detail["changes"]["roles"] == [["agent"], ["agent", "archivist"]]
    assert "岗位：话务员 → 话务员、档案员" in await (await security.get(where)).text()
    again = serve()
    assert (await again.enter("wangli")).headers["Location"] == "/sign-in/enrol"


async def test_a_stale_form_is_a_conflict_and_changes_nothing(db: Database, security: Desk) -> None:
    user_id = await make_user(db, "wangli", Role.AGENT)
    form = {"version": "1", "name": "王莉", "roles": "agent"}
    assert (await security.post(f"/users/{user_id}", form)).status == 303
    stale = await security.post(f"/users/{user_id}", form | {"name": "王丽华"}, headers={"HX-Request": "true"})
    text = await stale.text()
    assert stale.status == 409 and stale.headers["HX-Retarget"] == "#notice"
    assert "已被他人修改" in text and "data-reload" in text
    assert (await user_of(db, "wangli")).name == "王莉"


@pytest.mark.parametrize(
    ("form", "field", "sentence"),
    [
        ({"name": "王丽"}, "roles", "请至少选择一个岗位"),
        ({"name": "王丽", "roles": "unit-clerk"}, "unit_id", "请选择单位"),
        ({"name": "王丽", "roles": "unit-clerk", "unit_id": str(UUID(int=5))}, "unit_id", "请选择在用的单位"),
        ({"name": "王丽", "roles": ["system-admin", "audit-admin"]}, "roles", "三员分立"),
        ({"name": "王丽", "roles": ["security-admin", "agent"]}, "roles", "不能兼任其他岗位"),
        ({"roles": "agent"}, "name", "请填写这一项"),
        ({"name": "王丽", "roles": "emperor"}, "roles", "请从列出的选项中选择"),
    ],
)
async def test_what_is_wrong_is_said_beside_its_field(
    db: Database, security: Desk, form: dict[str, object], field: str, sentence: str
) -> None:
    user_id = await make_user(db, "wangli", Role.AGENT)
    answer = await security.post(
        f"/users/{user_id}", {"version": "1"} | form, headers={"Accept": "application/problem+json"}
    )
    body = await answer.json(content_type=None)
    assert answer.status == 422
    assert sentence in body["fields"][field]
    created = await security.post("/users", {"login": "neu"} | form, headers={"Accept": "application/problem+json"})
    assert sentence in (await created.json(content_type=None))["fields"][field]


async def test_an_administrator_keeps_the_own_role_and_account(security: Desk) -> None:
    mine = f"/users/{security.user_id}"
    kept = await security.post(mine, {"version": "1", "name": "周安", "roles": "agent"})
    assert kept.status == 422 and "不能取消自己的安全管理员岗位" in await kept.text()
    off = await security.post(f"{mine}/active", {"active": "false", "reason": "试试看"})
    assert off.status == 422 and "不能停用自己" in await off.text()


async def test_acts_on_an_account_ask_why_and_take_effect_at_once(
    db: Database, serve: Callable[[], Desk], security: Desk
) -> None:
    clerk = await signed_in(db, serve(), "chendang", Role.ARCHIVIST)
    where = f"/users/{clerk.user_id}"
    async with db.session() as session:
        user = await session.get_one(User, clerk.user_id)
        user.totp_enrolled, user.totp_secret = True, pyotp.random_base32()
    unsaid = await security.post(f"{where}/sessions", {"reason": " "})
    assert unsaid.status == 422 and (await clerk.get("/account")).status == 200
    assert (await security.post(f"{where}/sessions", {"reason": "笔记本遗失"})).status == 303
    assert (await clerk.get("/account")).status == 303
    reset = await security.post(f"{where}/reset", {"reason": "本人忘记密码"})
    first = (await reset.text()).partition("首次登录密码：<strong>")[2].partition("<")[0]
    assert (await serve().enter("chendang")).status == 403, "the old password is dead"
    assert (await serve().enter("chendang", first)).headers["Location"] == "/sign-in/code"
    assert (await security.post(f"{where}/second-factor", {"reason": "更换手机"})).status == 303
    assert (await serve().enter("chendang", first)).headers["Location"] == "/sign-in/enrol"
    assert (await security.post(f"{where}/active", {"active": "false", "reason": "调离"})).status == 303
    assert (await serve().enter("chendang", first)).status == 403
    recorded = [(one.action, one.reason) for one in await acts(db, clerk.user_id)][1:]
    assert recorded == [
        ("user.end-sessions", "笔记本遗失"),
        ("user.reset", "本人忘记密码"),
        ("user.reset-second-factor", "更换手机"),
        ("user.deactivate", "调离"),
    ]


@pytest.mark.parametrize(("in_page", "talk"), [(False, "正在进行的通话不中断"), (True, "优先由其他话务员接听")])
async def test_switching_off_an_agent_at_the_line_says_what_becomes_of_queues_and_talk(
    db: Database, security: Desk, *, in_page: bool, talk: str
) -> None:
    user_id = await make_user(db, "wangli", Role.AGENT)
    async with db.session() as session:
        await agents.enrol(session, SYSTEM, user_id, "1001", "王丽", {}, in_page=in_page)
    where = f"/users/{user_id}"
    edited = await security.post(where, {"version": "1", "name": "王莉", "roles": "agent"})
    assert "签出队列" not in unquote(edited.cookies[NOTE_COOKIE].value), "not logged in: there is nothing to leave"
    async with db.session() as session:
        await agents.log_in(session, SYSTEM, user_id)
    edited = await security.post(where, {"version": "2", "name": "王丽莉", "roles": "agent"})
    assert "签出队列" not in unquote(edited.cookies[NOTE_COOKIE].value)
    off = await security.post(f"{where}/active", {"active": "false", "reason": "离岗"})
    said = unquote(off.cookies[NOTE_COOKIE].value)
    assert "坐席随即签出队列" in said
    assert talk in said


async def test_a_locked_account_is_opened_before_its_time(
    db: Database, serve: Callable[[], Desk], security: Desk
) -> None:
    user_id = await make_user(db, "wangli", Role.AGENT)
    async with db.session() as session:
        await session.execute(update(User).values(locked_until=clock.now() + timedelta(minutes=9)))
    assert (await serve().enter("wangli")).status == 403
    assert "解除锁定" in await (await security.get(f"/users/{user_id}")).text()
    assert (await security.post(f"/users/{user_id}/unlock", {"reason": "本人核实"})).status == 303
    assert (await serve().enter("wangli", PASSWORD)).status == 303


async def test_units_are_made_edited_and_switched_off(db: Database, system: Desk) -> None:
    made = await system.post("/units", {"code": "zjj", "name": "县住建局", "kind": "department"})
    assert (made.status, made.headers["Location"]) == (303, "/units")
    async with db.session() as session:
        bureau = (await session.scalars(select(Unit).where(Unit.code == "zjj"))).one()
    water = {"code": "zls", "name": "县自来水公司", "kind": "enterprise"}
    problem = {"Accept": "application/problem+json"}
    alone = await system.post("/units", water, headers=problem)
    assert "第五条" in (await alone.json(content_type=None))["fields"]["competent_unit_id"]
    assert (await system.post("/units", water | {"competent_unit_id": str(bureau.id)})).status == 303
    twice = await system.post("/units", {"code": "zjj2", "name": "县住建局", "kind": "department"}, headers=problem)
    assert "已有同名单位" in (await twice.json(content_type=None))["fields"]["name"]
    form = {"version": "1", "name": "县住房和城乡建设局", "kind": "department", "duty_phone": "0793 5901234"}
    assert (await system.post(f"/units/{bureau.id}", form)).status == 303
    assert (await system.post(f"/units/{bureau.id}", form)).status == 409
    wrong = await system.post(f"/units/{bureau.id}", form | {"version": "2", "duty_phone": "12"}, headers=problem)
    assert "固定电话" in (await wrong.json(content_type=None))["fields"]["duty_phone"]
    page = await (await system.get(f"/units?edit={bureau.id}")).text()
    assert "县住房和城乡建设局" in page and "0793-5901234" in page
    in_use = await system.post(f"/units/{bureau.id}/active", {"version": "2", "active": "false"})
    assert in_use.status == 422 and "县自来水公司" in await in_use.text()
    row = (await acts(db, bureau.id))[1]
    assert row.detail["changes"]["name"] == ["县住建局", "县住房和城乡建设局"]
    assert row.detail["changes"]["duty_phone"] == [None, "0793-***1234"], "no number in full in the ledger"


@pytest.mark.proves("F05-1", "A05-2")
async def test_an_enterprise_is_in_use_only_under_a_department_in_use(db: Database, system: Desk) -> None:
    async with db.session() as session:
        bureau = Unit(code="zjj", name="县住建局", kind="department", **PROFILE)
        session.add(bureau)
        await session.flush()
        water = Unit(code="zls", name="县自来水公司", kind="enterprise", competent_unit_id=bureau.id, **PROFILE)
        session.add(water)
    problem = {"Accept": "application/problem+json"}

    async def switch(unit: Unit, active: str) -> tuple[int, str]:
        async with db.session() as session:
            version = (await session.get_one(Unit, unit.id)).version
        answer = await system.post(
            f"/units/{unit.id}/active", {"version": str(version), "active": active}, headers=problem
        )
        return answer.status, await answer.text()

    status, text = await switch(bureau, "false")
    assert status == 422 and "县自来水公司" in text, "the enterprise would have no department in use"
    assert (await switch(water, "false"))[0] == 303
    assert (await switch(bureau, "false"))[0] == 303
    status, text = await switch(water, "true")
    assert status == 422 and "没有在用的主管部门，不能启用" in text
    assert (await switch(bureau, "true"))[0] == 303
    assert (await switch(water, "true"))[0] == 303
    async with db.session() as session:
        (await session.get_one(Unit, water.id)).active = False
        (await session.get_one(Unit, water.id)).competent_unit_id = None
    assert (await switch(water, "true"))[0] == 422, "however it lost it"


@pytest.mark.proves("F05-1")
async def test_a_village_stands_below_its_township_and_nothing_stands_below_it(db: Database, system: Desk) -> None:
    async with db.session() as session:
        town = Unit(code="qg", name="漆工镇人民政府", kind="township")
        session.add(town)
    problem = {"Accept": "application/problem+json"}
    village = {"code": "qg-c", "name": "漆工村村民委员会", "kind": "village"}
    alone = await system.post("/units", village, headers=problem)
    assert "上级单位" in (await alone.json(content_type=None))["fields"]["parent_unit_id"]
    assert (await system.post("/units", village | {"parent_unit_id": str(town.id)})).status == 303
    async with db.session() as session:
        below = (await session.scalars(select(Unit).where(Unit.code == "qg-c"))).one()
        assert (below.parent_unit_id, below.lacks) == (town.id, ["phone", "clerk"]), "its leader is the township's"
    deeper = village | {"code": "qg-d", "name": "漆工村一组", "parent_unit_id": str(below.id)}
    refused = await system.post("/units", deeper, headers=problem)
    assert "在用的成员单位" in (await refused.json(content_type=None))["fields"]["parent_unit_id"]
    wrong = {"code": "x", "name": "县民政局", "kind": "department", "parent_unit_id": str(town.id)}
    assert (await system.post("/units", wrong, headers=problem)).status == 422


@pytest.mark.proves("F08-1", "A08-1")
async def test_a_unit_without_its_people_is_red_until_its_profile_is_whole(
    db: Database, system: Desk, security: Desk
) -> None:
    assert (await system.post("/units", {"code": "cgj", "name": "县城管局", "kind": "department"})).status == 303
    async with db.session() as session:
        unit = (await session.scalars(select(Unit).where(Unit.code == "cgj"))).one()
    page = await (await system.get("/units")).text()
    assert "资料不完整" in page and "缺分管领导及其电话、工作部门、值班电话、启用的经办人账号" in page
    form = {"version": "1", "name": "县城市管理局", "kind": "department", "office": "办公室", "leader_name": "方建平"}
    form |= {"leader_phone": "13000000001", "duty_phone": "0793-5900001"}
    assert (await system.post(f"/units/{unit.id}", form)).status == 303
    assert "缺启用的经办人账号" in await (await system.get("/units?state=incomplete")).text()
    first = await make_user(db, "clerk", Role.UNIT_CLERK, unit_id=unit.id)
    page = await (await system.get("/units")).text()
    assert "资料不完整" not in page.partition("<tbody>")[2] and "无 B角" in page
    empty = await (await system.get("/units?state=incomplete")).text()
    assert "在用单位的资料都完整" in empty
    off = {"active": "false", "reason": "调离"}
    refused = await security.post(f"/users/{first}/active", off)
    assert refused.status == 422 and "最后一名启用的经办人" in await refused.text()
    moved = await security.post(f"/users/{first}", {"version": "1", "name": "张三", "roles": "agent"})
    assert moved.status == 422 and "最后一名启用的经办人" in await moved.text()
    await make_user(db, "clerk2", Role.UNIT_CLERK, unit_id=unit.id)
    assert (await security.post(f"/users/{first}/active", off)).status == 303
    changed = form | {"version": "2", "leader_name": "周立新"}
    assert (await system.post(f"/units/{unit.id}", changed)).status == 303
    page = await (await system.get(f"/units?edit={unit.id}")).text()
    former = page.partition('id="former"')[2]
    assert "县城管局" in former and "分管领导 方建平" in former, "history keeps old names"
    row = (await acts(db, unit.id))[-1]
    assert row.detail["changes"]["leader_name"] == ["方*平", "周*新"], "masked in the ledger"


@pytest.mark.proves("A08-1")
async def test_the_last_two_clerks_never_leave_together(db: Database, system: Desk, security: Desk) -> None:
    async with db.session() as session:
        unit = Unit(code="cgj", name="县城管局", kind="department", **PROFILE)
        session.add(unit)
    both = [await make_user(db, name, Role.UNIT_CLERK, unit_id=unit.id) for name in ("clerk", "clerk2")]
    off = {"active": "false", "reason": "调离"}
    answers = await asyncio.gather(*(security.post(f"/users/{one}/active", off) for one in both))
    assert sorted(answer.status for answer in answers) == [303, 422]
    assert (await system.post(f"/units/{unit.id}/active", {"version": "1", "active": "false"})).status == 303
    left = both[[answer.status for answer in answers].index(422)]
    assert (await security.post(f"/users/{left}/active", off)).status == 303, "of a unit that is off, the last one goes"
