"""Parts of the service as the people on duty read them."""

import pytest

from core.health import Health
from web.pages.system import in_words


@pytest.mark.parametrize(
    ("part", "shown"),
    [
        ("line@node1：电话线路", "线路进程 node1：电话线路"),
        ("web+worker@node2：短信网关", "网页、后台任务进程 node2：短信网关"),
        ("speech@node1", "语音转写进程 node1"),
        ("line：接入服务", "线路进程：接入服务"),
    ],
)
def test_a_process_is_named_in_words(part: str, shown: str) -> None:
    assert in_words(Health(part, True, "运行正常")) == Health(shown, True, "运行正常")
