"""Metrics of several role processes, read by one."""

import subprocess
import sys
from pathlib import Path

import pytest

from hotline import process_metrics
from web.metrics import collect

ROLE = """
import sys
from pathlib import Path
from hotline import process_metrics
process_metrics.share(Path(sys.argv[1]), [sys.argv[2]])
from prometheus_client import Counter, Gauge
Counter("hotline_facts", "Counted by several").inc(float(sys.argv[3]))
Gauge("hotline_waiting", "Now", ["queue"], multiprocess_mode="livesum").labels("first").set(float(sys.argv[3]))
"""


def role(home: Path, name: str, number: int) -> None:
    subprocess.run([sys.executable, "-c", ROLE, home, name, str(number)], check=True)


def samples(home: Path) -> list[str]:
    return collect(home).decode().splitlines()


def test_what_the_roles_count_is_added_up_and_a_role_that_starts_again_begins_anew(tmp_path: Path) -> None:
    assert samples(tmp_path) == []
    role(tmp_path, "line", 3)
    role(tmp_path, "worker", 4)
    assert "hotline_facts_total 7.0" in samples(tmp_path)
    assert 'hotline_waiting{queue="first"} 7.0' in samples(tmp_path)
    role(tmp_path, "line", 1)
    assert "hotline_facts_total 5.0" in samples(tmp_path)
    assert (tmp_path / "metrics" / "line").stat().st_mode & 0o077 == 0


def test_too_late_is_an_error(tmp_path: Path) -> None:
    assert process_metrics.LIBRARY in sys.modules
    with pytest.raises(RuntimeError, match="before its folder was known"):
        process_metrics.share(tmp_path, ["line"])
