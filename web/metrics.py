"""Metrics of the web role, and `/metrics` over all processes of this machine (Prometheus text format)."""

from collections.abc import Iterable
from pathlib import Path

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Histogram, Metric, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

REQUESTS = Histogram(
    "hotline_web_request_seconds",
    "Time to answer a request, by route, method and status",
    ("route", "method", "status"),
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
CONTENT_TYPE = CONTENT_TYPE_LATEST


class Processes:
    """The samples that the role processes keep below `folder`, one folder each, added up."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def collect(self) -> Iterable[Metric]:
        """Read at each asking; a process that has just ended is still counted until its role starts again."""
        files = [str(path) for path in self._folder.glob("*/*.db")]
        return MultiProcessCollector.merge(files)  # type: ignore[no-any-return, no-untyped-call]


def collect(home: Path) -> bytes:
    """All samples of the processes of the instance in `home`."""
    registry = CollectorRegistry()
    registry.register(Processes(home / "metrics"))
    return generate_latest(registry)
