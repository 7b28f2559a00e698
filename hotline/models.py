"""All tables: the schema is what every module named `models` defines, together."""

import importlib
import pkgutil

from sqlalchemy import MetaData

from core.db import Base

PACKAGES = ["core", "callflow", "recordings", "crm"]


def metadata() -> MetaData:
    """All tables of all packages."""
    for name in PACKAGES:
        package = importlib.import_module(name)
        for module in pkgutil.walk_packages(package.__path__, f"{name}."):
            if module.name.rsplit(".", 1)[1] == "models":
                importlib.import_module(module.name)
    return Base.metadata
