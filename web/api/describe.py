"""The document for programs, and the same for people."""

from typing import Any

from aiohttp import web

from web.context import Context
from web.route import Door, Nothing, Route, Table


def routes(table: Table) -> tuple[Route[Any], ...]:
    """The two routes that describe this table."""

    async def machine(ctx: Context, asked: Nothing) -> web.Response:
        """OpenAPI 3.1; what makes it is loaded when somebody asks, and not with every start."""
        from web.api import document

        return web.Response(text=document.text(table), content_type="application/json")

    async def people(ctx: Context, asked: Nothing) -> web.Response:
        """Every operation on one page."""
        return ctx.public("api.html", **page(table))

    return (
        Route("GET", "/api/v1/openapi.json", Door.PUBLIC, Nothing, machine, "接口描述（OpenAPI 3.1）"),
        Route("GET", "/api/v1/docs", Door.PUBLIC, Nothing, people, "接口说明"),
    )


def page(table: Table) -> dict[str, Any]:
    """What the template shows: the document as plain values."""
    from web.api import document

    made = document.document(table).model_dump(mode="json", by_alias=True, exclude_none=True, exclude_unset=True)
    schemas = made["components"]["schemas"]
    operations = [
        {"method": method.upper(), "path": path, **operation}
        for path, item in made["paths"].items()
        for method, operation in item.items()
    ]
    return {
        "info": made["info"],
        "about": [line.removeprefix("- ") for line in made["info"]["description"].splitlines() if line],
        "operations": operations,
        "schemas": {name: _rows(schema) for name, schema in schemas.items() if "properties" in schema},
        "choices": {name: schema["enum"] for name, schema in schemas.items() if "enum" in schema},
        "body_of": _body_of,
    }


def _body_of(part: dict[str, Any]) -> str:
    """The name of the schema in a request or response; empty when it has none."""
    content = part.get("content", {})
    reference = next(iter(content.values()))["schema"].get("$ref", "") if content else ""
    return str(reference.rsplit("/", 1)[-1])


def _rows(schema: dict[str, Any]) -> list[dict[str, str]]:
    required = schema.get("required", [])
    return [
        {
            "name": name,
            "title": value.get("title", ""),
            "type": kind_of(value),
            "required": "必填" if name in required else "",
            "limits": limits_of(value),
            "about": value.get("description", ""),
        }
        for name, value in schema["properties"].items()
    ]


def kind_of(value: dict[str, Any]) -> str:
    """`string`, `Category`, `list of Attachment`, `string | null`."""
    if "$ref" in value:
        return str(value["$ref"].rsplit("/", 1)[-1])
    if "anyOf" in value:
        return " | ".join(kind_of(one) for one in value["anyOf"])
    if value.get("type") == "array":
        return f"list of {kind_of(value['items'])}"
    return str(value.get("format") or value.get("type") or "")


LIMITS = {
    "minLength": "至少 {} 字",
    "maxLength": "最多 {} 字",
    "minimum": "不小于 {}",
    "maximum": "不大于 {}",
    "maxItems": "最多 {} 项",
    "pattern": "格式 {}",
}


def limits_of(value: dict[str, Any]) -> str:
    """The limits in Chinese, of the value or of its one form that has any."""
    forms = [value, *value.get("anyOf", [])]
    return "，".join(text.format(form[name]) for form in forms for name, text in LIMITS.items() if name in form)
