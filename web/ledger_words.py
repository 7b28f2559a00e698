"""The ledger as people read it: what an action, a subject and a changed field are called."""

from typing import Any

from callflow.numbers.models import Merger
from core.permissions import LABELS
from crm.county.categories import LABELS as CATEGORIES
from crm.county.data import UnitKind
from crm.tickets.states import State

ACTIONS = {
    "session.sign-in": "登录",
    "session.refused": "登录失败",
    "session.second-factor": "通过动态口令",
    "session.sign-out": "退出",
    "session.revoke": "结束登录",
    "user.create": "新增用户",
    "user.edit": "修改用户",
    "user.activate": "启用账号",
    "user.deactivate": "停用账号",
    "user.reset": "重置密码",
    "user.reset-second-factor": "解除动态口令绑定",
    "user.unlock": "解除锁定",
    "user.end-sessions": "退出全部登录",
    "user.password": "修改自己的密码",
    "user.away": "设置外出和 B角",
    "user.back": "结束外出",
    "unit.create": "新增单位",
    "unit.edit": "修改单位",
    "unit.details": "制定单位实施细则",
    "limit.propose": "提出特别时限",
    "limit.approve": "核准特别时限",
    "limit.reject": "不予核准特别时限",
    "limit.end": "停用特别时限",
    "statistics.export": "导出统计表",
    "attachment.add": "添加附件",
    "attachment.read": "查看附件",
    "unit.activate": "启用单位",
    "unit.deactivate": "停用单位",
    "account.create": "登记接口程序",
    "account.activate": "启用接口程序",
    "account.deactivate": "停用接口程序",
    "token.create": "生成访问令牌",
    "token.revoke": "撤销访问令牌",
    "token.refused": "使用失效或不许可的访问令牌",
    "agent.enrol": "设置坐席",
    "line.seat.edit": "修改坐席",
    "line.seat.secret": "更换分机口令",
    "line.dial": "外呼",
    "line.dial.refused": "外呼被拒（号码不允许）",
    "line.consult": "咨询（市民等候）",
    "line.transfer": "转接来电",
    "line.joined": "三方通话",
    "line.handed-over": "咨询后转交来电",
    "line.dropped": "结束咨询或三方",
    "line.listen": "监听通话",
    "line.whisper": "对话务员耳语",
    "line.barge": "插话",
    "line.takeover": "接管来电",
    "line.number.create": "登记接入号码",
    "line.number.edit": "修改接入号码",
    "line.queue.create": "新增队列",
    "line.queue.edit": "修改队列",
    "line.duty-mobile.create": "新增值班手机",
    "line.duty-mobile.edit": "修改值班手机",
    "line.shift.create": "排入班次",
    "line.shift.remove": "删除班次",
    "roster.shift.create": "排入班次",
    "roster.shift.remove": "删除班次",
    "roster.copy": "复制班次",
    "roster.publish": "公布班表",
    "desk-note.send": "通知坐席",
    "desk-note.withdraw": "撤回坐席通知",
    "help.ask": "求助班长",
    "help.close": "处理求助",
    "agent.queues": "调整坐席队列",
    "handover.matter.open": "列为未了事项",
    "handover.matter.close": "办结未了事项",
    "handover.hand": "交班",
    "handover.receive": "接班",
    "nuisance.propose": "提出恶意骚扰登记",
    "nuisance.confirm": "核准恶意骚扰登记",
    "nuisance.end": "解除恶意骚扰登记",
    "team-day.export": "导出坐席工作情况",
    "line.set-number": "初始设置接入号码",
    "line.set-queue": "初始设置队列",
    "line.set-duty-mobile": "初始设置值班手机",
    "personal.unmask": "查看完整姓名和电话",
    "personal.handle": "承办来电，查看来电人",
    "orders.export": "导出工单",
    "regulation.add": "录入依据库文件",
    "publication.export": "导出公开答复",
    "closings.export": "导出办结方式统计",
    "enterprises.export": "导出企业逾期月报",
    "city.upload": "上传市级工单文件",
    "city.import": "导入市级工单",
    "city.export": "导出市级回写表",
    "city.export-again": "再次下载市级回写表",
    "city.reconciliation-export": "导出市级工单对账表",
    "city.bad-rows": "下载市级文件问题行",
    "recording.open": "调听录音",
    "recording.listen": "播放录音",
    "incident.explain": "说明值守事件",
    "sms.export": "导出短信日志",
    "sms.resolve": "登记短信结果",
    "job.replay": "重新执行失败任务",
    "policy.propose": "提出规则变更",
    "policy.confirm": "确认规则变更",
    "policy.withdraw": "撤回规则变更",
    "calendar.propose": "提出日历变更",
    "calendar.confirm": "确认日历变更",
    "calendar.withdraw": "撤回日历变更",
    "catalogue.propose": "导入派单目录",
    "catalogue.confirm": "确认派单目录",
    "catalogue.withdraw": "撤回派单目录",
    "catalogue.export": "下载派单目录",
    "powers.propose": "导入权责清单",
    "powers.confirm": "确认权责清单",
    "powers.withdraw": "撤回权责清单",
    "powers.export": "下载权责清单",
    "dispatch-quality.export": "导出派单质量",
}
GROUPS = {
    "session": "登录",
    "personal": "查看个人信息",
    "recording": "调听录音",
    "orders": "导出",
    "enterprises": "企业月报",
    "city": "市级工单",
    "user": "用户",
    "unit": "单位与坐席",
    "account": "接口程序",
    "token": "访问令牌",
    "line": "线路",
    "roster": "班表",
    "desk-note": "坐席通知",
    "help": "求助",
    "handover": "交接班",
    "nuisance": "恶意骚扰登记",
    "sms": "短信",
    "job": "后台任务",
    "policy": "运行规则",
    "calendar": "工作日历",
    "catalogue": "派单目录",
    "powers": "权责清单",
    "dispatch-quality": "派单质量",
    "limit": "特别时限",
    "statistics": "统计",
    "attachment": "附件",
}
"""What the first word of an action stands for."""
SUBJECTS = {
    "user": "用户",
    "unit": "单位",
    "account": "接口程序",
    "agent": "坐席",
    "number": "接入号码",
    "outside-number": "外呼号码",
    "queue": "队列",
    "duty-mobile": "值班手机",
    "shift": "班次",
    "roster": "班表",
    "desk-note": "坐席通知",
    "handover": "交接班",
    "nuisance": "恶意骚扰登记",
    "order": "工单",
    "call": "通话",
    "statutory-limit": "特别时限",
    "recording": "录音",
    "sms": "短信",
    "callback": "回拨任务",
    "job": "后台任务",
    "policy": "运行规则",
    "calendar": "工作日历",
    "catalogue": "派单目录",
    "powers": "权责清单",
    "export": "导出",
}
FIELDS = {
    "name": "名称",
    "title": "名称",
    "roles": "岗位",
    "unit_id": "单位",
    "kind": "类别",
    "competent_unit_id": "主管部门",
    "parent_unit_id": "上级单位",
    "office": "工作部门",
    "leader_name": "分管领导",
    "leader_phone": "分管领导电话",
    "duty_phone": "值班电话",
    "month": "月份",
    "queue": "队列",
    "queues": "接听队列",
    "original_hotline": "原热线",
    "mode": "归并方式",
    "owner_unit_id": "原主管单位",
    "cut_over_on": "切换日期",
    "document": "文号",
    "active": "启用",
    "overflow": "无人或久候时转往",
    "max_waiting": "最多等待",
    "position": "顺序",
    "from_time": "开始",
    "to_time": "结束",
    "weekdays": "星期",
    "phone": "号码",
    "search": "查找",
    "state": "状态",
    "category": "类别",
    "area": "属地",
    "unit": "单位",
    "first": "起始日",
    "last": "截止日",
    "sort": "排序",
    "standing": "对账状态",
    "waiting": "待人工登记",
    "matter": "诉求事项",
    "limit": "时限",
    "citation": "依据",
    "digest": "校验值",
    "size": "大小",
    "attachment": "附件",
}
CODES = (
    {role.value: label for role, label in LABELS.items()}
    | {kind.value: kind.label for kind in UnitKind}
    | {state.value: state.label for state in State}
    | {category.value: label for category, label in CATEGORIES.items()}
    | {merger.value: merger.label for merger in Merger}
)
"""Codes of roles, kinds of unit, states and categories, as people call them."""


def changes(detail: dict[str, Any]) -> list[tuple[str, str, str]]:
    """(field, before, after) of an edit, as people read it; empty for what is no edit."""
    found = detail.get("changes")
    if not isinstance(found, dict):
        return []
    return [(FIELDS.get(name, str(name)), _shown(pair[0]), _shown(pair[1])) for name, pair in found.items()]


def told(detail: dict[str, Any]) -> str:
    """How much was taken along, and by which filter: `共 23 张；状态：待签收`."""
    if "count" not in detail:
        return ""
    asked = detail.get("filter") or {}
    parts = [f"{FIELDS[name]}：{_shown(asked[name])}" for name in FIELDS if name in asked and name != "sort"]
    return "；".join([f"共 {detail['count']} 张", *parts])


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "是" if value else "否"
    if isinstance(value, list):
        return "、".join(_shown(one) for one in value) or "无"
    return "无" if value is None or value == "" else CODES.get(str(value), str(value))
