"""Who acts: every command takes an Actor first, and asks it before it does anything."""

from dataclasses import dataclass, field
from uuid import UUID

from core.errors import Denied
from core.permissions import Permission, Role, granted


@dataclass(frozen=True)
class Actor:
    """A person (or the system itself, with `user_id` None) and what that person may do.

    A program is an actor too: `user_id` is its service account, and its `scopes` stand in the place of roles.
    """

    user_id: UUID | None
    name: str
    roles: frozenset[Role] = frozenset()
    unit_id: UUID | None = None
    is_system: bool = False
    scopes: frozenset[Permission] | None = None
    address: str = field(default="", compare=False)
    """Of the workstation or the machine that asks, as the web role sees its peer; empty for what nobody asked for."""

    def may(self, permission: Permission) -> bool:
        """Whether this actor may do it; the system may do everything."""
        if self.scopes is not None:
            return permission in self.scopes
        return self.is_system or permission in granted(self.roles)

    def require(self, permission: Permission) -> None:
        """Raise `Denied("not-permitted")` unless this actor may do it."""
        if not self.may(permission):
            raise Denied("not-permitted", "您没有进行这项操作的权限。")


SYSTEM = Actor(None, "系统", is_system=True)
