"""How numbers and dates are said in Mandarin: as Chinese text, and as the prompts that say it piece by piece.

Digits of codes and telephones one by one with 幺 for 1; 二 in numbers and dates, 两 before a measure word
(GB/T 15835 leaves the spoken form to usage; this is how hotlines speak).
"""

from datetime import date

from callflow.menu import Does, Menu

DIGITS = "零一二三四五六七八九"
CODE_DIGITS = "零幺二三四五六七八九"
LARGEST = 99_999_999
YEARS = range(2023, 2051)
"""Years that can be said: from the regulation on."""
KEY_NAMES = {"*": "星号键", "#": "井号键"}


def number(value: int) -> str:
    """0–99,999,999 -> 零, 十二, 一百零五, 二千零二十, 一万零三. Raises ValueError outside."""
    if not 0 <= value <= LARGEST:
        raise ValueError(f"cannot be said: {value}")
    if value >= 10_000:
        tens, rest = divmod(value, 10_000)
        gap = "零" if 0 < rest < 1000 else ""
        return number(tens) + "万" + (gap + _under_ten_thousand(rest) if rest else "")
    text = _under_ten_thousand(value)
    return text[1:] if text.startswith("一十") else text


def _under_ten_thousand(value: int) -> str:
    if value == 0:
        return DIGITS[0]
    text, gap = "", False
    for unit, name in ((1000, "千"), (100, "百"), (10, "十"), (1, "")):
        digit, value = divmod(value, unit)
        if digit:
            text += (DIGITS[0] if gap and text else "") + DIGITS[digit] + name
            gap = False
        else:
            gap = True
    return text


def count(value: int, measure: str) -> str:
    """With a measure word: 两位, 十二个, 二十二天; 二 becomes 两 only where it stands alone."""
    return ("两" if value == 2 else number(value)) + measure


def code(digits: str) -> str:
    """Digit by digit: `2026112300001` -> 二零二六幺幺二三零零零零幺. Raises ValueError for anything else."""
    if not (digits.isascii() and digits.isdigit()):
        raise ValueError("not a code")
    return "".join(CODE_DIGITS[int(digit)] for digit in digits)


def day(value: date) -> str:
    """十一月二十三日."""
    return f"{number(value.month)}月{number(value.day)}日"


def year(value: int) -> str:
    """二〇二六年: digit by digit with 〇 (GB/T 15835), and 一, never 幺."""
    return "".join(DIGITS[int(digit)] for digit in f"{value:04d}").replace("零", "〇") + "年"


def full_date(value: date) -> str:
    """二〇二六年十一月二十三日."""
    return year(value.year) + day(value)


def offer(menu: Menu, *meanings: Does) -> str:
    """What a menu offers: 查工单请按二，重听请按九; of the keys with such words those of `meanings`,
    or all that work at any time."""
    wanted = meanings or [one for one in Does if one is not Does.KEEP]
    offered = [one for one in menu.keys if one.says and one.does in wanted]
    return "，".join(f"{one.says}请按{KEY_NAMES.get(one.key) or number(int(one.key))}" for one in offered)


def order_prompts(digits: str) -> list[str]:
    """The prompts that say an order number digit by digit."""
    return [f"hotline/code-{digit}" for digit in digits if digit.isascii() and digit.isdigit()]


def date_prompts(value: date, today: date) -> list[str]:
    """The prompts that say a date: month and day, before them the year where it is not this one."""
    years = [f"hotline/year-{value.year}"] if value.year != today.year and value.year in YEARS else []
    return [*years, f"hotline/month-{value.month}", f"hotline/day-{value.day}"]
