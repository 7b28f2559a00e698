"""Requests, answers and pushes of 云MAS as they travel. Pure.

From the published interface (云MAS HTTP接口, /sms/norsubmit and /sms/tmpsubmit): the body is base64 of a JSON object;
`mac` is the lower-case MD5 of certain of its values one after the other.
"""

import base64
import hashlib
import json
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from crm.settings import MasSettings

FREE_TEXT, TEMPLATE = "/sms/norsubmit", "/sms/tmpsubmit"
ACCEPTED = "success"
OUR_SETTINGS = {
    "IllegalMac": "mac校验不通过",
    "IllegalSignId": "签名编码无效",
    "NoSignId": "未匹配到签名",
    "InvalidUsrOrPwd": "用户名或密码不正确",
}
"""Answers that the next try, after the settings were corrected, may not get: nothing was sent."""
REFUSALS = {"InvalidMessage": "请求数据解析失败", "TooManyMobiles": "号码过多", "InvalidMobile": "手机号格式不正确"}


Word = Annotated[str, Field(max_length=64, pattern=r"^[^\x00-\x1f]*$")]


class BadPush(Exception):
    """What was pushed is not what the interface describes; the argument says where."""


class Answer(BaseModel):
    """The answer to a submit; the published text writes `mgsGroup`, the platform also `msgGroup`."""

    model_config = ConfigDict(extra="ignore", strict=True)

    rspcod: str = ""
    success: bool = False
    mgsGroup: str | None = None
    msgGroup: str | None = None

    @property
    def batch(self) -> str:
        """消息批次号, by which the report is found; one message is one batch."""
        return self.mgsGroup or self.msgGroup or ""


class PushedReport(BaseModel):
    """A status report: `reportStatus` as in SMPP, or with `errorCode` the operator's own (`DB:0140`)."""

    model_config = ConfigDict(extra="ignore")

    reportStatus: Word
    mobile: Word
    errorCode: Word = ""
    msgGroup: Annotated[Word, Field(min_length=1)]

    @field_validator("mobile", mode="before")
    @classmethod
    def _one(cls, value: Any) -> Any:
        """Each push names one number; some platforms put it into a list."""
        return value[0] if isinstance(value, list) and len(value) == 1 else value

    @field_validator("errorCode", mode="before")
    @classmethod
    def _none(cls, value: Any) -> Any:
        return "" if value is None else value


class PushedReply(BaseModel):
    """What a citizen wrote back (上行短信)."""

    model_config = ConfigDict(extra="ignore")

    mobile: Word
    smsContent: str = Field(max_length=10_000)


Pushed = TypeVar("Pushed", PushedReport, PushedReply)


def free_text(settings: MasSettings, mobile: str, content: str) -> bytes:
    """The body of norsubmit."""
    return _body(settings, mobile, {}, {"content": content})


def template(settings: MasSettings, mobile: str, template_id: str, values: tuple[str, ...]) -> bytes:
    """The body of tmpsubmit; a template without variables has the one value `""`."""
    params = json.dumps(values or ("",), ensure_ascii=False, separators=(",", ":"))
    return _body(settings, mobile, {"templateId": template_id}, {"params": params})


def _body(settings: MasSettings, mobile: str, before: dict[str, str], after: dict[str, str]) -> bytes:
    """In the order in which `mac` takes the values."""
    account = {"ecName": settings.ec_name, "apId": settings.ap_id, "secretKey": settings.secret_key}
    signature = {"sign": settings.sign, "addSerial": settings.add_serial}
    fields = account | before | {"mobiles": mobile} | after | signature
    mac = hashlib.md5("".join(fields.values()).encode(), usedforsecurity=False).hexdigest()
    return base64.b64encode(json.dumps(fields | {"mac": mac}, ensure_ascii=False).encode())


def answer(text: str) -> Answer | None:
    """The platform's answer; None where it is none."""
    try:
        return Answer.model_validate_json(text)
    except ValidationError:
        return None


def pushed(kind: type[Pushed], body: bytes) -> list[Pushed]:
    """What was pushed: one object, or a list of them. Raises BadPush."""
    try:
        data = json.loads(body)
        return [kind.model_validate(one) for one in (data if isinstance(data, list) else [data])]
    except ValidationError as error:
        raise BadPush("、".join(str(one["loc"][0]) if one["loc"] else "JSON" for one in error.errors())) from None
    except (ValueError, RecursionError):
        raise BadPush("JSON") from None
