"""What is hidden in an order's texts until somebody says why he must see it: numbers of people, numbers of doors. Pure.

Names and telephone numbers of the caller have columns of their own; see `core.personal` and `core.phone`.
"""

import re

_PERSONAL = re.compile(r"(?<!\d)(?:(1[3-9]\d)\d{4}(\d{4})|(\d{6})\d{8}(\d{3}[\dXx]))(?!\d)")
_DOOR = re.compile(r"[\dA-Za-z一二三四五六七八九十百零〇\-—]+(?=\s*(?:号楼|号院|号|栋|幢|座|单元|室|户|层|楼))")


def mask_numbers(text: str) -> str:
    """Mobile and identity numbers in a text: `13812345678` -> `138****5678`, `3623…0011` -> `362325********0011`."""
    return _PERSONAL.sub(lambda hit: f"{hit[1]}****{hit[2]}" if hit[1] else f"{hit[3]}********{hit[4]}", text)


def mask_address(text: str) -> str:
    """`胜利路15号凤凰小区3栋2单元501室` -> `胜利路**号凤凰小区**栋**单元**室`: street and estate stay."""
    return _DOOR.sub("**", mask_numbers(text))
