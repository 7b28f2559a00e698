"""The documents with all their versions, and adding one."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from core.actor import Actor
from core.clock import today
from core.errors import Invalid, NotFound
from core.ledger import record
from core.locks import lock
from core.permissions import Permission
from crm.county.regulations import RegulationRecord
from crm.installed import installed
from crm.regulations.models import RegulationVersion

LONGEST_TEXT = 100_000


@dataclass(frozen=True)
class Version:
    """One version of a document; `added_at` is None for the one that the county's folder brought."""

    code: str
    n: int
    title: str
    number: str
    issuer: str
    level: str
    issued: date | None
    effective_from: date | None
    text: str
    note: str = ""
    added_at: datetime | None = None
    added_name: str = ""


@dataclass(frozen=True)
class Document:
    """A document with its versions, the newest first; `own` is the regulation of this county itself."""

    code: str
    own: bool
    versions: Sequence[Version]

    @property
    def present(self) -> Version:
        """The newest version in force today, else the newest."""
        day = today()
        in_force = (one for one in self.versions if one.effective_from is not None and one.effective_from <= day)
        return next(in_force, self.versions[0])


@dataclass(frozen=True)
class Added:
    """What somebody of the bureau fills in."""

    title: str
    number: str
    issuer: str
    issued: date | None
    effective_from: date | None
    text: str
    note: str


async def documents(session: AsyncSession) -> list[Document]:
    """All documents in the order of the county's file."""
    later: dict[str, list[Version]] = {}
    for row in await session.scalars(select(RegulationVersion).order_by(RegulationVersion.n.desc())):
        later.setdefault(row.code, []).append(_stored(row))
    return [
        Document(one.code, one.own, [*later.get(one.code, []), _first(one)]) for one in installed().county.regulations
    ]


async def document(session: AsyncSession, code: str) -> Document:
    """One of them. Raises NotFound."""
    found = next((one for one in await documents(session) if one.code == code), None)
    if found is None:
        raise NotFound("no-such-document", "依据库中没有这份文件。")
    return found


async def add(session: AsyncSession, actor: Actor, code: str, given: Added) -> RegulationVersion:
    """A further version; the earlier ones stay. Raises Denied, NotFound, Invalid."""
    actor.require(Permission.POLICY_PROPOSE)
    await lock(session, f"regulation-{code}")
    known = await document(session, code)
    if given.text.strip() and given.effective_from is None:
        sentence = "录入原文的须填写施行日期。"
        raise Invalid("no-effective-date", sentence, fields={"effective_from": sentence})
    if given.issued and given.effective_from and given.effective_from < given.issued:
        sentence = "施行日期不能早于印发日期。"
        raise Invalid("effective-before-issued", sentence, fields={"effective_from": sentence})
    newest = known.versions[0]
    row = RegulationVersion(code=code, n=newest.n + 1, level=newest.level, title=given.title, number=given.number)
    row.issuer, row.issued, row.effective_from = given.issuer, given.issued, given.effective_from
    row.text, row.note = given.text.strip(), given.note
    row.added_by, row.added_name = actor.user_id, actor.name
    session.add(row)
    await session.flush()
    await record(session, actor, "regulation.add", "regulation", code, version=row.n, number=row.number)
    return row


def _first(one: RegulationRecord) -> Version:
    return Version(one.code, 1, one.title, one.number, one.issuer, one.level, one.issued, one.effective_from, one.text)


def _stored(row: RegulationVersion) -> Version:
    kept = (row.title, row.number, row.issuer, row.level, row.issued, row.effective_from, row.text)
    return Version(row.code, row.n, *kept, row.note, row.added_at, row.added_name)
