"""处置手册: one for each topic that the policy has an owner for, each light in one of them, whole and in Chinese."""

import re
from collections import Counter

import pytest

from crm.operations.rules import BACKUP, DELIVERY, WRITE_BACK
from crm.operations_policy import TOPICS
from web.runbook import FOLDER, runbooks, topic_of


@pytest.mark.proves("A06-3")
def test_each_topic_has_its_runbook_and_no_runbook_is_without_an_owner() -> None:
    assert {file.stem for file in FOLDER.iterdir()} == set(TOPICS) == set(runbooks())


def test_each_light_is_in_one_runbook() -> None:
    lights = Counter(light for one in runbooks().values() for light in one.lights)
    assert set(lights.values()) == {1}
    assert {BACKUP, WRITE_BACK, DELIVERY} <= set(lights)


@pytest.mark.parametrize("topic", TOPICS)
def test_a_runbook_speaks_chinese_in_whole_sentences(topic: str) -> None:
    one = runbooks()[topic]
    for said in (one.means, one.noticed, one.call, *one.steps):
        assert re.search(r"[一-鿿]", said)
        assert said.endswith("。")


@pytest.mark.parametrize(
    ("part", "topic"),
    [
        ("worker@node1：短信网关", "sms"),
        ("web+worker@node2：录音归档", "recordings"),
        (BACKUP, "backup"),
        ("line@node1", "service"),
        ("worker@node1：以后才有的部分", "service"),
    ],
)
def test_a_part_leads_to_its_runbook(part: str, topic: str) -> None:
    assert topic_of(part) == topic
