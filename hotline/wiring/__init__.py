"""Which services each role is made of, one module a role. The only place where all packages meet.

A role's process loads its own module and no other: what the desks need is half of all code, and of a start's time.
"""

from collections.abc import Callable
from importlib import import_module

from core.service import Service
from hotline.models import metadata
from hotline.runtime import Runtime

TITLE = "12345政务服务便民热线"
"""What pages and packages call this installation."""
ROLES = ("line", "web", "worker", "speech")


def load(role: str) -> Callable[[Runtime], list[Service]]:
    """What makes the services of `role`; this process knows all tables and all subscribers afterwards."""
    metadata()
    services: Callable[[Runtime], list[Service]] = import_module(f"hotline.wiring.{role}").services
    return services
