"""When a light is red. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from core.health import Health

BACKUP, WRITE_BACK, DELIVERY = "备份", "市级回写", "短信送达"
"""The lights beside the parts of the processes."""


@dataclass(frozen=True)
class Delivery:
    """What became of the messages of a time that were submitted to the operator; no message, no number."""

    delivered: int
    failed: int
    unknown: int
    """Unproven, or without a report for longer than `service.REPORT_WITHIN`."""
    awaiting: int
    """Their report may still come."""

    @property
    def submitted(self) -> int:
        """All."""
        return self.judged + self.awaiting

    @property
    def judged(self) -> int:
        """Those of which it is said whether they arrived."""
        return self.delivered + self.failed + self.unknown

    @property
    def rate(self) -> float | None:
        """Delivered of those judged, in percent with one decimal, never rounded up; None where there are none."""
        return 1000 * self.delivered // self.judged / 10 if self.judged else None


def of_backup(last: datetime | None, note: str, at: datetime, hours: int) -> Health:
    """Red when none was ever reported, and when the last one is older than `hours`."""
    mend = "检查备份脚本的日志，补做一次备份；脚本最后应运行 hotline backup-done。"
    if last is None:
        return Health(BACKUP, False, "从未登记过备份", mend)
    age = at - last
    detail = f"最近一次备份：{span(age)}前" + (f"（{note}）" if note else "")
    if age <= timedelta(hours=hours):
        return Health(BACKUP, True, detail)
    return Health(BACKUP, False, f"{detail}，超过规定的 {hours} 小时", mend)


def of_write_back(count: int, oldest: datetime | None, at: datetime, hours: int) -> Health:
    """推送滞后: red when the oldest act that the city must be told of waits longer than `hours`."""
    if oldest is None:
        return Health(WRITE_BACK, True, "没有待回写的办理情况")
    age = at - oldest
    detail = f"{count} 项待回写，最早的已等待 {span(age)}"
    if age <= timedelta(hours=hours):
        return Health(WRITE_BACK, True, detail)
    mend = "在“市级工单”导出回写表并报送市级平台。"
    return Health(WRITE_BACK, False, f"{detail}，超过规定的 {hours} 小时", mend)


def of_delivery(day: Delivery, week: Delivery, rate: int, least: int) -> Health:
    """Red when fewer than `rate` percent arrived in 24 hours; in 7 days, where those are fewer than `least`."""
    for said, found in (("近24小时", day), ("近7天", week)):
        if found.rate is None or found.judged < least:
            continue
        detail = f"{said}送达率 {found.rate:g}%（{found.delivered} / {found.judged}）"
        if found.rate >= rate:
            return Health(DELIVERY, True, detail)
        mend = "在“短信日志”查看失败原因，联系运营商。"
        return Health(DELIVERY, False, f"{detail}，低于规定的 {rate}%", mend)
    return Health(DELIVERY, True, f"近7天有结果的短信 {week.judged} 条，不足 {least} 条，不作判断")


def span(age: timedelta) -> str:
    """`3 小时 20 分钟`, from two days on `2 天 5 小时`."""
    minutes = max(int(age.total_seconds()) // 60, 0)
    hours, minutes = divmod(minutes, 60)
    if hours >= 48:
        return f"{hours // 24} 天 {hours % 24} 小时"
    if hours:
        return f"{hours} 小时 {minutes} 分钟"
    return f"{minutes} 分钟" if minutes else "不到 1 分钟"
