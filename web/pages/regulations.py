"""依据库: the documents behind the rules, with versions and articles, and which rule rests on which (第一条)."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Annotated

from aiohttp import web
from pydantic import Field

from core.errors import NotFound
from core.permissions import Permission as P
from core.rules.text import Value, values
from crm.installed import installed
from crm.regulations import rules, service
from web.context import Context
from web.route import Asks, Nothing, Route

Code = Annotated[str, Field(pattern=r"^[A-Za-z0-9-]{1,40}$")]


class OneDocument(Asks):
    """A document, in its present version or in the one asked for."""

    code: Code
    version: int | None = Field(None, ge=1, le=10_000)


class NewVersion(Asks):
    """A further version of a document."""

    code: Code
    title: Annotated[str, Field(min_length=4, max_length=120)]
    number: Annotated[str, Field(min_length=4, max_length=60)]
    issuer: Annotated[str, Field(min_length=2, max_length=60)]
    issued: date | None = None
    effective_from: date | None = None
    text: Annotated[str, Field(max_length=service.LONGEST_TEXT)] = ""
    note: Annotated[str, Field(min_length=2, max_length=500)]


@dataclass(frozen=True)
class Own:
    """This county's regulation, as the bases of rules cite it."""

    code: str
    articles: tuple[str, ...]

    def pieces(self, basis: str) -> Iterator[tuple[str, str]]:
        """The basis in pieces, those that name an article with it."""
        return rules.pieces(basis, self.articles)


def own_articles() -> Own:
    """The regulation of the county's file; without one nothing becomes a link."""
    own = next((one for one in installed().county.regulations if one.own), None)
    return Own(own.code, _names(own.text)) if own else Own("", ())


@cache
def _names(text: str) -> tuple[str, ...]:
    return tuple(one.name for one in rules.articles(text) if one.name)


async def index(ctx: Context, asked: Nothing) -> web.Response:
    """All documents."""
    return await ctx.page("regulations.html", place="regulations", documents=await service.documents(ctx.session))


async def show(ctx: Context, asked: OneDocument) -> web.Response:
    """One document, article by article, with the rules that rest on each."""
    found = await service.document(ctx.session, asked.code)
    shown = next((one for one in found.versions if one.n == asked.version), None)
    if asked.version is not None and shown is None:
        raise NotFound("no-such-document", "这份文件没有这个版本。")
    return await ctx.page(
        "regulation.html",
        place="regulations",
        document=found,
        shown=shown or found.present,
        articles=rules.articles((shown or found.present).text),
        citing=citing() if found.own else {},
        may_add=ctx.actor.may(P.POLICY_PROPOSE),
    )


def citing() -> dict[str, list[Value]]:
    """Article -> the rules in force whose basis cites it."""
    found: dict[str, list[Value]] = {}
    for section in installed().policy.sections.values():
        for one in values(section):
            for article in dict.fromkeys(map(rules.article_of, rules.citations(one.basis))):
                found.setdefault(article, []).append(one)
    return found


async def add(ctx: Context, asked: NewVersion) -> web.Response:
    """Put a further version there."""
    given = {name: getattr(asked, name) for name in service.Added.__dataclass_fields__}
    row = await service.add(ctx.session, ctx.actor, asked.code, service.Added(**given))
    return ctx.redirect(f"/regulations/{asked.code}", f"{row.number}第{row.n}版已录入依据库。")


ERRORS = ("no-such-document", "no-effective-date", "effective-before-issued")
MOST_BYTES = 4 * service.LONGEST_TEXT
"""No file comes with it, but a whole statute as other forms are sent would be three times as long."""
SEE = (P.ORDER_VIEW, P.ORDER_VIEW_UNIT, P.POLICY_VIEW)
ROUTES = (
    Route("GET", "/regulations", SEE, Nothing, index, "依据库"),
    Route("GET", "/regulations/{code}", SEE, OneDocument, show, "依据库的一份文件", ERRORS[:1]),
    Route(
        "POST", "/regulations/{code}/versions", P.POLICY_PROPOSE, NewVersion, add, "录入文件的新版本", ERRORS,
        takes=MOST_BYTES,
    ),
)  # fmt: skip
