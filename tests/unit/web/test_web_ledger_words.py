"""Every act that the code records has a Chinese name on the audit page."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from web.ledger_words import ACTIONS, EXPORTS, GROUPS, SUBJECTS, changes, told

ACTION = re.compile(r"[a-z-]+(\.[a-z-]*[a-z])+")
PACKAGES = ("core", "callflow", "recordings", "crm", "web")


def recorded() -> Iterator[tuple[str, str]]:
    """(action, file) of each `record(...)` and `Taking(...)` whose action is written out there, in either branch of a
    choice, or above as the module's `ACTION`."""
    for path in (one for package in PACKAGES for one in Path(package).rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        named = [one.value for one in tree.body if isinstance(one, ast.Assign) and _name(one.targets[0]) == "ACTION"]
        for node in ast.walk(tree):
            if not isinstance(node, ast.Call) or _name(node.func) not in ("record", "Taking"):
                continue
            given = node.args[2:3] + [word.value for word in node.keywords if word.arg == "action"]
            for part in (one for value in [*given, *named] for one in ast.walk(value)):
                if isinstance(part, ast.Constant) and isinstance(part.value, str) and ACTION.fullmatch(part.value):
                    yield part.value, str(path)


def _name(called: ast.expr) -> str:
    return str(getattr(called, "attr", getattr(called, "id", "")))


def test_every_recorded_act_has_a_name() -> None:
    found = dict(recorded())
    assert len(found) > 20 and {"orders.export", "calls.export"} <= set(found)
    assert {action: file for action, file in found.items() if action not in ACTIONS} == {}


def test_every_group_stands_for_acts() -> None:
    assert all(any(action.startswith(f"{group}.") for action in ACTIONS) for group in GROUPS if group != EXPORTS)
    assert "order" in SUBJECTS


def test_an_edit_reads_as_before_and_after() -> None:
    edit = {"roles": [["agent"], ["agent", "archivist"]], "active": [True, False], "unit_id": [None, "局"]}
    assert changes({"changes": edit}) == [
        ("岗位", "话务员", "话务员、档案员"),
        ("启用", "是", "否"),
        ("单位", "无", "局"),
    ]
    assert changes({"address": "127.0.0.1"}) == []


def test_what_was_found_and_why_somebody_was_refused_is_said() -> None:
    assert told({"finding": "归档文件不存在"}) == "发现：归档文件不存在"
    assert told({"finding": ""}) == "发现：未再发现问题"
    assert told({"findings": ["甲", "乙"]}) == "发现：甲、乙"
    refused = {"route": "GET /recordings/{id}/audio", "error": "not-approved", "address": "10.0.0.1"}
    assert told(refused) == "原因：没有权限，或批准的时间已过、已被撤回"
    held = {"ground": "诉讼、复议", "document": "（2026）赣1126民初9号", "owner": "县法院 王某", "recordings": 3}
    assert told(held) == "事由：诉讼、复议；依据：（2026）赣1126民初9号；责任人：县法院 王某；录音（份）：3"
    assert told({"count": 23, "filter": {"state": "draft"}}) == "共 23 条；状态：受理中"
    assert told({"address": "10.0.0.1"}) == ""
