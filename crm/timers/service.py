"""The worker's service that scans; among several processes one scans at a time."""

from core.db import Database
from core.service import Loop
from crm.timers.scan import scan

SCAN_EVERY_S = 5.0
"""How late a timer is told at most; what it tells is exact whenever it is told."""


def scanner(db: Database) -> Loop:
    """Scans every few seconds."""
    return Loop("时限与预警", SCAN_EVERY_S, lambda: scan(db))
