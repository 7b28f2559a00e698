"""Reads a request into its model: path, query, and a form or JSON body, with Chinese errors by field."""

import json
from typing import Any, TypeVar

from aiohttp import BodyPartReader, web

from core.errors import HotlineError, Invalid
from core.forms import UNSEEN_HERE, unseen, validate
from web.route import Asks, Upload

MAX_BODY = 256 * 1024
MAX_FIELDS = 200
MAX_DEPTH = 16
SAFE = frozenset({"GET", "HEAD"})
CSRF_FIELD = "_csrf"
JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
FILES = "multipart/form-data"
FILE_FIELD = "file"
FRAMING = 16 * 1024
"""What a form adds around its files."""
MOST_PARTS = 80
MOST_FILES = 10
LONGEST_NAME = 120

A = TypeVar("A", bound=Asks)


class UnsupportedMedia(HotlineError):
    """The body is neither a form nor JSON."""

    status = 415


class TooLarge(HotlineError):
    """The body is larger than any page of this service sends."""

    status = 413


def malformed(detail: str) -> Invalid:
    """The request could not even be read."""
    return Invalid("malformed-request", f"请求内容无法读取：{detail}。")


async def read(request: web.Request, asks: type[A], takes: int = 0) -> tuple[A, str]:
    """The request as its model, and the CSRF token that its body carried (empty when none); `takes` as in `Route`."""
    values = from_pairs(request.query, asks)
    body = {} if request.method in SAFE else await read_body(request, asks, takes)
    token = body.pop(CSRF_FIELD, "")
    clash = set(body) & set(request.match_info)
    if clash:
        raise malformed("地址中的编号不能在内容里另行指定")
    values.update(body)
    values.update(request.match_info)
    refuse_controls(values := tidied(values))
    return validate(asks, values), token if isinstance(token, str) else ""


async def read_body(request: web.Request, asks: type[Asks], takes: int = 0) -> dict[str, Any]:
    """Form or JSON of at most `MAX_BODY` bytes in strict UTF-8, or a form with a file where the route takes one; packed
    bodies are taken by no page."""
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise UnsupportedMedia("unsupported-media", "提交的内容格式不受支持。")
    if takes and request.content_type == FILES:
        return from_parts(await read_files(request, takes), asks)
    if request.content_length is not None and request.content_length > MAX_BODY:
        raise TooLarge("body-too-large", "提交的内容过大。")
    if not request.can_read_body:
        return {}
    if request.content_type not in {JSON, FORM}:
        raise UnsupportedMedia("unsupported-media", "提交的内容格式不受支持。")
    raw = await request.content.read(MAX_BODY + 1)
    while raw and len(raw) <= MAX_BODY and (more := await request.content.read(MAX_BODY + 1 - len(raw))):
        raw += more
    if len(raw) > MAX_BODY:
        raise TooLarge("body-too-large", "提交的内容过大。")
    if not raw:
        return {}
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        raise malformed("不是有效的 UTF-8 文字") from None
    return parse_json(text) if request.content_type == JSON else from_pairs(parse_form(text), asks)


async def read_files(request: web.Request, takes: int) -> list[tuple[str, str | Upload]]:
    """A form with files, of at most `takes` bytes together, as its parts in their order; read part by part, nothing
    touches the disk (RFC 7578)."""
    too_large = TooLarge("body-too-large", "文件过大。", fields={FILE_FIELD: f"附件合计不能超过 {takes // 2**20} MB。"})
    if request.content_length is not None and request.content_length > takes + FRAMING:
        raise too_large
    found: list[tuple[str, str | Upload]] = []
    left, files = takes + FRAMING, 0
    try:
        parts = await request.multipart()
        while (part := await parts.next()) is not None:
            if not isinstance(part, BodyPartReader) or part.name is None or len(found) >= MOST_PARTS:
                raise malformed("表单格式不正确")
            files += part.name == FILE_FIELD
            if (part.name != FILE_FIELD and part.filename is not None) or files > MOST_FILES:
                raise malformed("表单格式不正确" if files <= MOST_FILES else f"附件一次最多 {MOST_FILES} 个")
            content = bytearray()
            while chunk := await part.read_chunk():
                content += chunk
                if (left := left - len(chunk)) < 0:
                    raise too_large
            if part.name == FILE_FIELD:
                upload = Upload(file_name(part.filename or ""), bytes(content))
                if upload.name or upload.content:
                    found.append((FILE_FIELD, upload))
            else:
                found.append((part.name, content.decode("utf-8")))
    except UnicodeDecodeError:
        raise malformed("不是有效的 UTF-8 文字") from None
    except (ValueError, AssertionError, RuntimeError):
        raise malformed("表单格式不正确") from None
    return found


def from_parts(parts: list[tuple[str, str | Upload]], asks: type[Asks]) -> dict[str, Any]:
    """The parts of a form as its values: one file or a list of them, as the model wants it."""
    from multidict import MultiDict

    values = from_pairs(MultiDict((name, text) for name, text in parts if isinstance(text, str)), asks)
    files = [one for _, one in parts if isinstance(one, Upload)]
    if files and wants_list(asks, FILE_FIELD):
        values[FILE_FIELD] = files
    elif len(files) > 1:
        raise malformed("同一项目重复提交")
    elif files:
        values[FILE_FIELD] = files[0]
    return values


def file_name(given: str) -> str:
    """The last part of a path of any system, without control characters; only ever shown, never a path here."""
    last = given.replace("\\", "/").rsplit("/", 1)[-1]
    return "".join(one for one in last if one.isprintable())[:LONGEST_NAME]


def parse_form(text: str) -> Any:
    """`a=1&b=2` as pairs; percent-escapes must be valid UTF-8."""
    from urllib.parse import parse_qsl

    from multidict import MultiDict

    try:
        return MultiDict(
            parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=MAX_FIELDS, strict_parsing=True)
        )
    except ValueError:
        raise malformed("表单格式不正确") from None


def parse_json(text: str) -> dict[str, Any]:
    """One JSON object, not deeper than `MAX_DEPTH`."""
    try:
        value = json.loads(text, parse_constant=lambda name: (_ for _ in ()).throw(ValueError(name)))
    except (ValueError, RecursionError):
        raise malformed("不是有效的 JSON") from None
    if not isinstance(value, dict):
        raise malformed("应为一个 JSON 对象")
    if depth(value) > MAX_DEPTH:
        raise malformed("层次过深")
    return value


def depth(value: Any) -> int:
    """How deep containers are nested in `value`."""
    level, present = 0, [value]
    while present:
        level += 1
        present = [
            inner
            for item in present
            if isinstance(item, dict | list)
            for inner in (item.values() if isinstance(item, dict) else item)
        ]
    return level


def from_pairs(pairs: Any, asks: type[Asks]) -> dict[str, Any]:
    """Repeated names become lists where the model wants one, else they are an error."""
    values: dict[str, Any] = {}
    for name in dict.fromkeys(pairs):
        many = pairs.getall(name)
        if wants_list(asks, name):
            values[name] = [one for one in many if one != ""]
        elif len(many) > 1:
            raise malformed("同一项目重复提交")
        elif many[0] != "":
            values[name] = many[0]
    return values


def wants_list(asks: type[Asks], name: str) -> bool:
    """Whether the model's field `name` holds several values."""
    field = asks.model_fields.get(name)
    return field is not None and getattr(field.annotation, "__origin__", None) in {list, tuple, set, frozenset}


def tidied(value: Any) -> Any:
    """Line ends as one character: a browser sends CR and LF for what was typed as one."""
    if isinstance(value, str):
        return value.replace("\r\n", "\n").replace("\r", "\n")
    if isinstance(value, dict):
        return {key: tidied(inner) for key, inner in value.items()}
    return [tidied(inner) for inner in value] if isinstance(value, list) else value


def refuse_controls(values: dict[str, Any]) -> None:
    """What nobody sees has no place in what people type: the field that holds it is named."""
    if any(unseen(name) for name in values):
        raise malformed("项目名称含有不可见的控制字符")
    if wrong := {name: UNSEEN_HERE for name, value in values.items() if _holds_unseen(value)}:
        raise Invalid("invalid-input", "填写的内容有误，请按提示修改。", fields=wrong)


def _holds_unseen(value: Any) -> bool:
    if isinstance(value, str):
        return unseen(value)
    if isinstance(value, dict):
        return any(unseen(key) or _holds_unseen(inner) for key, inner in value.items())
    return isinstance(value, list) and any(_holds_unseen(inner) for inner in value)
