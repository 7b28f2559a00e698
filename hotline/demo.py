"""The demo county in this instance: seeded once, its logins noted in a file that only the owner reads."""

import os
from pathlib import Path

from sqlalchemy import select

from callflow.agents.models import Agent
from core.identity.models import User
from core.permissions import PRIVILEGED
from crm.demo import seed_people
from crm.demo_orders import seed_orders
from crm.installed import installed
from crm.knowledge.seed import seed_knowledge
from hotline.runtime import Runtime


def accounts_file(home: Path) -> Path:
    """Where the demo logins stand."""
    return home / "demo" / "accounts.txt"


def phones_file(home: Path) -> Path:
    """Where the demo agents' extensions and SIP passwords stand."""
    return home / "demo" / "phones.txt"


async def seed(runtime: Runtime) -> str:
    """Everything of the demo that is not there yet -> one line that says what was made."""
    async with runtime.db.session() as session:
        made = await seed_people(session, installed().county)
    async with runtime.db.session() as session:
        orders = await seed_orders(session)
        items = await seed_knowledge(session, installed().county)
        desks = (await session.scalars(select(Agent).order_by(Agent.extension))).all()
    if made:
        _write(accounts_file(runtime.home), [_account(user, password) for user, password in made])
        _write(phones_file(runtime.home), [f"{desk.extension}\t{desk.sip_secret}\t{desk.name}" for desk in desks])
    if not (made or orders or items):
        return "没有变化"
    return f"新建 {len(made)} 个演示账号、{orders} 张演示工单、{items} 个演示知识库条目"


def _account(user: User, password: str) -> str:
    roles = "、".join(role.label for role in sorted(user.role_set))
    second = "，首次登录绑定动态口令" if user.role_set & PRIVILEGED else ""
    return f"{user.login}\t{password}\t{user.name}（{roles}{second}）"


def _write(path: Path, lines: list[str]) -> None:
    """Append to a file that only the owner reads."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "w", encoding="utf-8") as file:
        file.writelines(f"{line}\n" for line in lines)
