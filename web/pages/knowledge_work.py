"""What the makers of the knowledge base do: write, put files to a draft, and every act of its table."""

from datetime import date
from typing import Annotated, Any, Literal
from uuid import UUID

from aiohttp import web
from pydantic import Field

from core.forms import validate
from core.permissions import Permission as P
from crm import papers
from crm.county.knowledge import Class
from crm.knowledge import files, service
from crm.knowledge.input import ItemText
from crm.knowledge.states import Act
from crm.knowledge.table import BY_ACT
from web.context import Context
from web.pages import knowledge
from web.pages.knowledge import areas
from web.route import Asks, Nothing, Route, Table, Upload

LISTS = ("other_ways", "keywords")
"""Fields that hold one thing a line."""


class Writing(Asks):
    """An item's text as its form sends it."""

    question: Annotated[str, Field(max_length=200)] = ""
    other_ways: Annotated[str, Field(max_length=4000)] = ""
    answer: Annotated[str, Field(max_length=4000)] = ""
    basis: Annotated[str, Field(max_length=1000)] = ""
    kind: Class | None = None
    area: Annotated[str, Field(max_length=40)] = ""
    valid_from: date | None = None
    valid_to: date | None = None
    keywords: Annotated[str, Field(max_length=1000)] = ""

    def text(self) -> ItemText:
        """As a version holds it. Raises Invalid beside the field."""
        given: dict[str, Any] = self.model_dump(include=set(ItemText.model_fields))
        for name in LISTS:
            given[name] = [line.strip() for line in given[name].splitlines() if line.strip()]
        return validate(ItemText, given | {"area": self.area or None})


class Saving(Writing):
    """The text of a draft that is there."""

    id: UUID
    version: int = Field(ge=1, le=2**31 - 1)
    then: Literal["", "submit"] = ""
    """What follows in the same transaction: what the submission lacks is said beside its field."""


class Acting(Asks):
    """An act on an item as the page showed it."""

    id: UUID
    version: int = Field(ge=1, le=2**31 - 1)
    reason: Annotated[str, Field(max_length=500)] = ""


class NewFile(Asks):
    """A file for a draft."""

    id: UUID
    version: int = Field(ge=1, le=2**31 - 1)
    file: Upload


class DroppedFile(Asks):
    """A file that the draft shall not carry."""

    id: UUID
    version: int = Field(ge=1, le=2**31 - 1)


async def new(ctx: Context, asked: Nothing) -> web.Response:
    """The form of a new item."""
    kinds = [(one.value, one.label) for one in Class]
    return await ctx.page("knowledge_new.html", place="knowledge", kinds=kinds, areas=areas())


async def create(ctx: Context, asked: Writing) -> web.Response:
    """A new item, in draft."""
    item = await service.create(ctx.session, ctx.actor, asked.text())
    return ctx.redirect(f"/knowledge/{item.id}", f"{item.number} 已保存为草稿，核对后送保密审查。")


async def save(ctx: Context, asked: Saving) -> web.Response:
    """The draft as it is now."""
    item = await service.save(ctx.session, ctx.actor, asked.id, asked.version, asked.text())
    if asked.then:
        await service.act(ctx.session, ctx.actor, item.id, item.version, Act.SUBMIT)
        return ctx.redirect(f"/knowledge/{item.id}", f"{item.number} {SAID[Act.SUBMIT]}")
    return ctx.redirect(f"/knowledge/{item.id}", f"{item.number} 草稿已保存。")


async def attach(ctx: Context, asked: NewFile) -> web.Response:
    """A file to the draft."""
    good = papers.checked(asked.file.name, asked.file.content)
    kept = await files.attach(ctx.session, ctx.parts.store, ctx.actor, asked.id, asked.version, good)
    return ctx.redirect(f"/knowledge/{asked.id}", f"附件“{kept.name}”已添加。")


async def detach(ctx: Context, asked: DroppedFile) -> web.Response:
    """A file off the draft."""
    item = await files.detach(ctx.session, ctx.actor, asked.id, asked.version)
    return ctx.redirect(f"/knowledge/{item.id}", "附件已移除。")


def route_of(act: Act) -> Route[Acting]:
    """The act as a route; any of its lines' permissions opens it, the table asks for the right one."""

    async def handle(ctx: Context, asked: Acting) -> web.Response:
        case = await service.act(ctx.session, ctx.actor, asked.id, asked.version, act, asked.reason)
        return ctx.redirect(f"/knowledge/{asked.id}", f"{case.item.number} {SAID.get(act, f'“{act.label}”已登记。')}")

    handle.__doc__ = f"{act.label}."
    handle.__name__ = act.value.replace("-", "_")
    needed = tuple(dict.fromkeys(line.permission for line in BY_ACT[act]))
    return Route("POST", f"/knowledge/{{id}}/{act.value}", needed, Acting, handle, f"知识库：{act.label}", ERRORS)


SAID = {
    Act.SUBMIT: "已送本单位保密审查员审查。",
    Act.PASS_SECRECY: "已通过保密审查，送单位分管领导审核。",
    Act.APPROVE: "单位已审核同意，送热线中心发布。",
    Act.PUBLISH: "已发布，话务员即可查到。",
    Act.SEND_BACK: "已退回起草人。",
    Act.REVISE: "已建立修订稿，现行版本继续有效，直到修订稿发布。",
    Act.RETIRE: "已停用，话务员不再查到。",
}
ERRORS = (
    "no-such-knowledge", "knowledge-changed", "wrong-state", "not-your-unit", "own-text", "knowledge-incomplete",
    "knowledge-expired", "version-on-the-way", "no-reason",
)  # fmt: skip
FILE_ERRORS = (*ERRORS, "no-such-file", "bad-file-type", "bad-file-size", "bad-file-name", "too-many-files")
WRITE = P.KNOWLEDGE_WRITE
ROUTES: Table = (
    knowledge.ROUTES[0],
    Route("POST", "/knowledge", WRITE, Writing, create, "起草知识库条目", ("no-unit-of-ones-own", "validity-reversed")),
    *knowledge.ROUTES[1:],
    Route("POST", "/knowledge/files/{id}/remove", WRITE, DroppedFile, detach, "移除知识库附件", FILE_ERRORS),
    Route("GET", "/knowledge/new", WRITE, Nothing, new, "起草知识库条目"),
    knowledge.ITEM,
    Route("POST", "/knowledge/{id}/draft", WRITE, Saving, save, "保存知识库草稿", (*ERRORS, "validity-reversed")),
    Route(
        "POST", "/knowledge/{id}/files", WRITE, NewFile, attach, "添加知识库附件", FILE_ERRORS,
        takes=papers.LARGEST,
    ),
    *(route_of(act) for act in Act if act is not Act.SAVE),
)  # fmt: skip
