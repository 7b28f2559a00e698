"""What a person filled in, read into its model; what is wrong is said in Chinese beside the field."""

import re
from collections.abc import Mapping
from datetime import date
from typing import Any, TypeVar

from pydantic import AfterValidator, BaseModel, ValidationError

from core.errors import Invalid

M = TypeVar("M", bound=BaseModel)

SENTENCES = {
    "missing": "请填写这一项。",
    "string_too_long": "内容过长，最多 {max_length} 个字。",
    "string_too_short": "请填写这一项。",
    "string_type": "请填写文字。",
    "uuid_parsing": "编号不正确。",
    "uuid_type": "编号不正确。",
    "int_parsing": "请填写整数。",
    "int_parsing_size": "数字过大。",
    "int_from_float": "请填写整数。",
    "int_type": "请填写整数。",
    "float_parsing": "请填写数字。",
    "float_type": "请填写数字。",
    "finite_number": "请填写数字。",
    "date_type": "日期格式不正确，例如 2026-11-23。",
    "date_from_datetime_parsing": "日期格式不正确，例如 2026-11-23。",
    "date_parsing": "日期格式不正确，例如 2026-11-23。",
    "time_parsing": "时间格式不正确，例如 18:00。",
    "time_type": "时间格式不正确，例如 18:00。",
    "datetime_from_date_parsing": "时间格式不正确，例如 2026-11-23T18:00:00+08:00。",
    "datetime_parsing": "时间格式不正确，例如 2026-11-23T18:00:00+08:00。",
    "datetime_type": "时间格式不正确，例如 2026-11-23T18:00:00+08:00。",
    "timezone_aware": "时间须带时区，例如 2026-11-23T18:00:00+08:00。",
    **dict.fromkeys(("list_type", "tuple_type", "set_type", "frozen_set_type"), "应为一个列表。"),
    **dict.fromkeys(("model_type", "model_attributes_type", "dict_type"), "应为一个对象。"),
    **dict.fromkeys(("is_instance_of", "dataclass_type"), "请选择文件。"),
    "bool_parsing": "请从列出的选项中选择。",
    "bool_type": "请从列出的选项中选择。",
    "enum": "请从列出的选项中选择。",
    "literal_error": "请从列出的选项中选择。",
    "greater_than_equal": "不能小于 {ge}。",
    "less_than_equal": "不能大于 {le}。",
    "string_pattern_mismatch": "格式不正确。",
    "extra_forbidden": "不认识的项目。",
    "too_long": "选择过多，最多 {max_length} 项。",
    "too_short": "请至少选择 {min_length} 项。",
}

YEARS = range(1900, 2200)
"""Of every day and instant that a person may name: beyond them a calendar has no day before or after."""
WRONG = "填写的内容有误，请按提示修改。"
UNSEEN_HERE = "含有不可见的控制字符，请删除后重新填写。"
_UNSEEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\u202a-\u202e\u2066-\u2069]")
"""Controls besides tab and line ends, lone surrogates, and what turns the direction of the text after it."""


def unseen(text: str) -> bool:
    """Whether the text holds what no reader sees and no page or file should carry on."""
    return _UNSEEN.search(text) is not None


def clean(value: str) -> str:
    """Text without the blanks around it. Raises ValueError for characters that nobody sees."""
    if unseen(value):
        raise ValueError(UNSEEN_HERE)
    return value.strip()


Clean = AfterValidator(clean)


def validate(model: type[M], values: Mapping[str, Any]) -> M:
    """`values` as the model. Raises `Invalid("invalid-input")` with one sentence for each field."""
    try:
        made = model.model_validate(values)
    except ValidationError as error:
        fields: dict[str, str] = {}
        for problem in error.errors(include_url=False):
            name = str(problem["loc"][0]) if problem["loc"] else ""
            if problem["type"] in {"value_error", "assertion_error"}:
                sentence = str(problem.get("ctx", {}).get("error", "内容不正确。"))
            elif problem["type"] == "string_too_short" and str(problem["input"]).strip():
                sentence = f"至少填写 {problem['ctx']['min_length']} 个字。"
            else:
                sentence = SENTENCES.get(problem["type"], "内容不正确。").format(**problem.get("ctx", {}))
            fields.setdefault(name[:60], sentence)
        raise Invalid("invalid-input", WRONG, fields=fields) from None
    far = f"日期应在 {YEARS[0]} 年至 {YEARS[-1]} 年之间。"
    fields = {name: far for name, value in made if isinstance(value, date) and value.year not in YEARS}
    if fields:
        raise Invalid("invalid-input", WRONG, fields=fields)
    return made
