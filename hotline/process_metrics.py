"""Metrics of the role processes of one machine in one folder, so that `/metrics` of the web role shows them all.

prometheus-client keeps them in files that other processes read, where this variable names a folder before it is
imported (its multiprocess mode). Each role has a folder of its own and empties it when it starts: a restarted
role's counters begin anew, as Prometheus expects of a restarted process.
"""

import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
LIBRARY = "prometheus_client"


def share(home: Path, roles: Sequence[str]) -> None:
    """Keep this process's metrics below `home`; must come before anything that defines one."""
    if LIBRARY in sys.modules:
        raise RuntimeError(f"{LIBRARY} was imported before its folder was known")
    folder = home / "metrics" / "+".join(roles)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700, parents=True)
    os.environ[VARIABLE] = str(folder)
