"""When the lights of the operations dashboard turn red, to the second and to the message."""

from datetime import UTC, datetime, timedelta

import pytest
from pydantic import ValidationError

from crm.operations.rules import Delivery, of_backup, of_delivery, of_write_back, span
from crm.operations_policy import Owner

AT = datetime(2026, 11, 29, 4, 0, tzinfo=UTC)
TICK = timedelta(microseconds=1)
NONE = Delivery(0, 0, 0, 0)


@pytest.mark.proves("F06-3")
def test_a_backup_is_too_old_from_the_moment_on_that_the_bureau_sets() -> None:
    limit = AT - timedelta(hours=26)
    assert of_backup(limit, "", AT, 26).ok
    late = of_backup(limit - TICK, "", AT, 26)
    assert (late.ok, late.detail) == (False, "最近一次备份：26 小时 0 分钟前，超过规定的 26 小时")
    assert "backup-done" in late.mend
    assert of_backup(AT - timedelta(minutes=5), "38 GB", AT, 26).detail == "最近一次备份：5 分钟前（38 GB）"
    never = of_backup(None, "", AT, 26)
    assert (never.ok, never.detail) == (False, "从未登记过备份")


@pytest.mark.proves("F06-3")
def test_what_waits_for_the_city_is_late_from_the_moment_on_that_the_bureau_sets() -> None:
    limit = AT - timedelta(hours=24)
    assert of_write_back(0, None, AT, 24).ok
    assert of_write_back(3, limit, AT, 24).ok
    late = of_write_back(3, limit - TICK, AT, 24)
    assert (late.ok, late.detail) == (False, "3 项待回写，最早的已等待 24 小时 0 分钟，超过规定的 24 小时")
    assert late.mend


@pytest.mark.proves("F06-3")
@pytest.mark.parametrize(
    ("day", "week", "ok", "said"),
    [
        (Delivery(18, 1, 1, 5), NONE, True, "近24小时送达率 90%（18 / 20）"),
        (Delivery(17, 2, 1, 0), NONE, False, "近24小时送达率 85%（17 / 20），低于规定的 90%"),
        (Delivery(8999, 1001, 0, 0), NONE, False, "近24小时送达率 89.9%（8999 / 10000），低于规定的 90%"),
        (Delivery(0, 19, 0, 100), Delivery(40, 0, 0, 0), True, "近7天送达率 100%（40 / 40）"),
        (Delivery(0, 19, 0, 0), Delivery(1, 19, 0, 0), False, "近7天送达率 5%（1 / 20），低于规定的 90%"),
        (Delivery(20, 0, 0, 0), Delivery(20, 80, 0, 0), True, "近24小时送达率 100%（20 / 20）"),
        (Delivery(0, 19, 0, 0), Delivery(0, 19, 0, 0), True, "近7天有结果的短信 19 条，不足 20 条，不作判断"),
    ],
)
def test_the_rate_is_judged_where_enough_messages_have_an_outcome(
    day: Delivery, week: Delivery, ok: bool, said: str
) -> None:
    found = of_delivery(day, week, rate=90, least=20)
    assert (found.ok, found.detail) == (ok, said)
    assert bool(found.mend) != ok


def test_without_an_outcome_there_is_no_rate() -> None:
    assert Delivery(0, 0, 0, 7).rate is None
    assert of_delivery(NONE, NONE, rate=90, least=1).ok
    assert Delivery(1999, 1, 0, 3).rate == 99.9
    assert Delivery(1, 2, 3, 4).submitted == 10


@pytest.mark.parametrize(
    ("age", "said"),
    [
        (timedelta(seconds=-30), "不到 1 分钟"),
        (timedelta(seconds=59), "不到 1 分钟"),
        (timedelta(minutes=59, seconds=59), "59 分钟"),
        (timedelta(hours=1), "1 小时 0 分钟"),
        (timedelta(hours=47, minutes=59), "47 小时 59 分钟"),
        (timedelta(hours=48), "2 天 0 小时"),
    ],
)
def test_ages_read_as_people_say_them(age: timedelta, said: str) -> None:
    assert span(age) == said


@pytest.mark.parametrize("phone", ["", "0793-5801234", "13800001234", "12345", "+86 793 5801234"])
def test_an_owner_is_a_post_with_a_telephone(phone: str) -> None:
    assert str(Owner(post="系统管理员", phone=phone)) == f"系统管理员，{phone or '电话未登记'}"


@pytest.mark.parametrize(
    ("post", "phone"), [("", "110"), ("岗", ""), ("系统管理员", "王丽"), ("系统管理员", "1\n2345")]
)
def test_an_owner_is_named(post: str, phone: str) -> None:
    with pytest.raises(ValidationError):
        Owner(post=post, phone=phone)
