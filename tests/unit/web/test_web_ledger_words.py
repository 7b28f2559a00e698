"""Every act that the code records has a Chinese name on the audit page."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from web.ledger_words import ACTIONS, EXPORTS, GROUPS, SUBJECTS, changes

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
