"""The API's own description: OpenAPI 3.1, made from the route table and nothing else."""

import re
from collections.abc import Iterable
from functools import cache
from typing import Any, Final, Literal

from openapi_pydantic import (
    Components,
    Header,
    Info,
    MediaType,
    OpenAPI,
    Operation,
    Parameter,
    ParameterLocation,
    PathItem,
    Reference,
    RequestBody,
    Response,
    Schema,
    SecurityScheme,
)
from pydantic import BaseModel, Field
from pydantic.json_schema import models_json_schema

from web.api.door import KEY_HEADER, REPLAYED_HEADER, TOKEN_RATE
from web.problems import API
from web.reading import FILES, JSON
from web.route import Answers, Door, Route, Table

VERSION: Final = "1.0.0"
REF: Final = "#/components/schemas/{model}"
Mode = Literal["validation", "serialization"]
PROBLEM_JSON: Final = "application/problem+json"
ABOUT: Final = f"""\
工单接口，供窗口、网站、小程序、110转办、来信、上级平台和单位系统使用。

- 身份：请求头 `Authorization: Bearer <访问令牌>`。令牌由安全管理员在“接口程序”页面生成，每分钟最多 {TOKEN_RATE} 次。
- 幂等：每次提交（POST）在 `{KEY_HEADER}` 中带一个自选的键。以同一键、同一内容重发，得到第一次的结果，不会重复建单。
- 错误：一律为 `{PROBLEM_JSON}`（RFC 9457），`id` 固定不变，`title` 为中文说明，`fields` 指出有误的字段。
- 时间：ISO 8601，带时区。
"""


class Problem(Answers):
    """What every refusal looks like (RFC 9457)."""

    type: str
    """Always `about:blank`: `id` tells the kinds apart."""
    id: str
    """Stable, in kebab-case; programs decide by this."""
    title: str
    """One Chinese sentence for the person who acts."""
    status: int
    request_id: str
    """For enquiries at the centre."""
    fields: dict[str, str] = Field(default={})
    """Field -> what is wrong with it, in Chinese."""


REFUSALS: dict[int, tuple[str, tuple[str, ...]]] = {
    400: ("请求无法读取或缺少幂等键", ("malformed-request", "idempotency-key-missing")),
    401: ("没有有效的访问令牌", ("bad-token",)),
    403: ("令牌没有这项权限，或不能从此网络使用", ("not-permitted", "foreign-network")),
    413: ("提交的内容过大", ("body-too-large",)),
    415: ("不是 JSON", ("unsupported-media",)),
    422: ("内容有误，fields 指出字段", ("invalid-input", "malformed-request")),
    429: ("过于频繁，按 Retry-After 的秒数等待", ("too-many-attempts",)),
    500: ("系统出现错误，已记录", ("internal-error",)),
    503: ("暂时不可用，请稍后以同一幂等键重试", ("database-unavailable",)),
}
"""General refusals: status -> meaning and ids. A route's own ids stand in its description."""


def api_routes(table: Table) -> list[Route[Any]]:
    """The routes of the API, in the table's order."""
    return [route for route in table if route.answers is not None]


@cache
def document(table: Table) -> OpenAPI:
    """The description of these routes."""
    routes = api_routes(table)
    schemas = _schemas(routes)
    paths: dict[str, dict[str, Operation]] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, schemas)
    return OpenAPI(
        openapi="3.1.1",
        info=Info(title="12345 政务服务便民热线工单接口", version=VERSION, description=ABOUT),
        paths={path: PathItem(**operations) for path, operations in paths.items()},
        components=Components(
            schemas={name: _schema(_body_part(name, value, routes)) for name, value in schemas.items()},
            securitySchemes={"token": SecurityScheme(type="http", scheme="bearer", description="访问令牌")},
        ),
    )


def text(table: Table) -> str:
    """The document as JSON."""
    return document(table).model_dump_json(by_alias=True, exclude_none=True, exclude_unset=True, indent=2) + "\n"


def _schemas(routes: Iterable[Route[Any]]) -> dict[str, dict[str, Any]]:
    """Every model that a route names, and those inside them: name -> JSON Schema."""
    wanted: dict[type[BaseModel], Mode] = {route.asks: "validation" for route in routes}
    wanted[Problem] = "serialization"
    for route in routes:
        if route.answers:
            wanted[route.answers] = "serialization"
    _, made = models_json_schema(list(wanted.items()), ref_template=REF)
    found: dict[str, dict[str, Any]] = made["$defs"]
    return found


def _body_part(name: str, schema: dict[str, Any], routes: Iterable[Route[Any]]) -> dict[str, Any]:
    """A request model without what stands in the path."""
    asking = next((r for r in routes if r.asks.__name__ == name), None)
    if asking is None or asking.method == "GET":
        return schema
    inside = names_in(asking.path)
    properties = {one: value for one, value in schema.get("properties", {}).items() if one not in inside}
    required = [one for one in schema.get("required", []) if one not in inside]
    return schema | {"properties": properties} | ({"required": required} if "required" in schema else {})


def names_in(path: str) -> list[str]:
    """`/orders/{id}` -> `["id"]`."""
    return re.findall(r"{(\w+)}", path)


def _schema(value: dict[str, Any]) -> Schema:
    return Schema.model_validate(value)


def _reference(model: type[BaseModel]) -> Reference:
    return Reference.model_validate({"$ref": REF.format(model=model.__name__)})


def _operation(route: Route[Any], schemas: dict[str, dict[str, Any]]) -> Operation:
    needed = route.who if isinstance(route.who, tuple) else (route.who,)
    scopes = " 或 ".join(f"`{one.value}`" for one in needed if not isinstance(one, Door))
    own = "，".join(f"`{one}`" for one in route.errors)
    said = [f"所需权限：{scopes}。" if scopes else "不需要令牌。", f"特有的错误：{own}。" if own else ""]
    return Operation(
        operationId=f"{route.method.lower()}-{route.path.removeprefix(API).replace('/', '-').translate(_BRACES)}",
        summary=route.summary,
        description="\n\n".join(filter(None, said)),
        tags=[route.path.split("/")[3]],
        parameters=_parameters(route, schemas) or None,
        requestBody=_body(route),
        responses=_responses(route),
        security=[{"token": []}] if scopes else [],
    )


_BRACES = str.maketrans("", "", "{}")


def _parameters(route: Route[Any], schemas: dict[str, dict[str, Any]]) -> list[Parameter | Reference]:
    properties = schemas[route.asks.__name__].get("properties", {})
    required = schemas[route.asks.__name__].get("required", [])
    inside = names_in(route.path)
    found: list[Parameter | Reference] = []
    for name, schema in properties.items():
        if name not in inside and route.method != "GET":
            continue
        where = ParameterLocation.PATH if name in inside else ParameterLocation.QUERY
        found.append(_parameter(name, where, name in inside or name in required, schema, schema.get("description")))
    if route.once:
        about = "自选的幂等键，每次新的提交用新的键（如 UUID）"
        key = {"type": "string", "minLength": 1, "maxLength": 128}
        found.append(_parameter(KEY_HEADER, ParameterLocation.HEADER, True, key, about))
    return found


def _parameter(
    name: str, where: ParameterLocation, required: bool, schema: dict[str, Any], about: str | None
) -> Parameter:
    told = {"name": name, "in": where.value, "required": required, "description": about, "schema": schema}
    return Parameter.model_validate(told)


def _body(route: Route[Any]) -> RequestBody | None:
    if route.method == "GET":
        return None
    kind = FILES if route.takes else JSON
    return RequestBody(required=True, content={kind: MediaType(media_type_schema=_reference(route.asks))})


def _responses(route: Route[Any]) -> dict[str, Response | Reference]:
    if route.answers is None:
        raise ValueError(f"{route.path} is no route of the API")
    headers: dict[str, Header | Reference] = {}
    if route.once:
        headers[REPLAYED_HEADER] = Header(description="true：第一次的结果", param_schema=_schema({"type": "string"}))
    found: dict[str, Response | Reference] = {
        str(route.status): Response(
            description="成功",
            headers=headers or None,
            content={"application/json": MediaType(media_type_schema=_reference(route.answers))},
        )
    }
    for status, (meaning, ids) in _refusals(route).items():
        found[str(status)] = Response(
            description=f"{meaning}：{'，'.join(ids)}",
            content={PROBLEM_JSON: MediaType(media_type_schema=_reference(Problem))},
        )
    return found


def _refusals(route: Route[Any]) -> dict[int, tuple[str, tuple[str, ...]]]:
    found = dict(REFUSALS)
    if isinstance(route.who, Door):
        del found[401], found[403]
    if route.method == "GET":
        del found[413], found[415]
    if route.takes:
        found[415] = (f"不是 {FILES}", found[415][1])
    if route.once:
        found[422] = (found[422][0], (*found[422][1], "idempotency-key-reused"))
        found[409] = ("与已有的提交或他人的操作冲突", ("conflict",))
    if names_in(route.path) or "no-match" in route.errors:
        found[404] = ("没有，或不可见", tuple(one for one in route.errors if one.startswith("no-")))
    return dict(sorted(found.items()))
