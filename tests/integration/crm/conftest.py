"""A county in a database: units, an agent, a unit's clerk; and operators' gateways."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from uuid import UUID

import pytest
from crm_peers import PEERS, Peer

from callflow import current
from callflow.policy import LinePolicy
from core.actor import Actor
from core.db import Database
from core.identity.models import Unit, User
from core.permissions import Role
from crm import installed
from crm.installed import Installation
from crm.referrals import service as referrals


@pytest.fixture(autouse=True)
def in_force(installation: Installation) -> None:
    installed.use(installation)
    current.use(installation.policy[LinePolicy])


@dataclass
class Office:
    """Who acts, the units by code, and the referral directory by name."""

    units: dict[str, UUID] = field(default_factory=dict)
    referrals: dict[str, UUID] = field(default_factory=dict)
    actors: dict[str, Actor] = field(default_factory=dict)

    def __getattr__(self, name: str) -> Actor:
        return self.actors[name]


@pytest.fixture
async def office(db: Database, installation: Installation) -> Office:
    """The people of the centre by their role; `.clerk` and `.chief` of 城市管理局, `.crew` of 执法大队 below it;
    `.helper` of 桃源街道 (who assists), `.other` of 公安局, `.stranger` of 民政局, `.water` of 供水公司, `.builder` of
    its 主管部门."""
    made = Office()
    async with db.session() as session:
        rows = {r.code: Unit(code=r.code, name=r.name, kind=r.kind.value) for r in installation.county.units.values()}
        session.add_all(rows.values())
        await session.flush()
        for record in installation.county.units.values():
            if record.competent:
                rows[record.code].competent_unit_id = rows[record.competent].id
            if record.parent:
                rows[record.code].parent_unit_id = rows[record.parent].id
        made.units = {code: row.id for code, row in rows.items()}
        await referrals.seed(session, installation.county.referrals)
        made.referrals = {row.name: row.id for row in await referrals.in_use(session)}
        for login, role, unit in (
            ("agent", Role.AGENT, None),
            ("agent2", Role.AGENT, None),
            ("lead", Role.SHIFT_LEAD, None),
            ("clerk", Role.UNIT_CLERK, "cgj"),
            ("chief", Role.UNIT_LEADER, "cgj"),
            ("crew", Role.UNIT_CLERK, "cgj-zfdd"),
            ("helper", Role.UNIT_CLERK, "taoyuan"),
            ("other", Role.UNIT_CLERK, "gaj"),
            ("stranger", Role.UNIT_CLERK, "mzj"),
            ("water", Role.UNIT_CLERK, "gsgs"),
            ("builder", Role.UNIT_CLERK, "zjj"),
            ("dispatcher", Role.DISPATCHER, None),
            ("checker", Role.CHECKER, None),
            ("caller", Role.FOLLOW_UP, None),
            ("director", Role.DIRECTOR, None),
            ("archivist", Role.ARCHIVIST, None),
            ("bureau", Role.SUPERVISOR, None),
            ("bureau_leader", Role.BUREAU_LEADER, None),
        ):
            user = User(
                login=login, name=login, roles=[role], password_hash="-", unit_id=made.units[unit] if unit else None
            )
            session.add(user)
            await session.flush()
            made.actors[login] = Actor(user.id, user.name, frozenset({role}), user.unit_id)
    return made


@pytest.fixture(params=sorted(PEERS))
async def peer(request: pytest.FixtureRequest) -> AsyncIterator[Peer]:
    """Each kind of operator's gateway in turn."""
    server = PEERS[request.param]()
    await server.start()
    yield server
    await server.stop()
