"""Where an Asterisk lies on this machine: what a node has to know to start one."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class AsteriskInstall:
    """An Asterisk >= 20 with every module that `asterisk_conf/modules.conf` loads.

    `binary` runs as it is, without a wrapper. `data_dir` holds `documentation/`, without which no
    configuration section is accepted. `version` is upstream's, such as "22.10.1". `sipp` is the load
    generator, present where the installation is ours.
    """

    binary: Path
    modules_dir: Path
    data_dir: Path
    version: str
    sipp: Path | None = None
