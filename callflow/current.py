"""The policy that is in force in this process, for rules that run inside a transaction."""

from callflow.menu import Menu
from callflow.policy import LinePolicy

_in_force: LinePolicy | None = None
_menu = Menu()


def use(policy: LinePolicy, menu: Menu | None = None) -> None:
    """Set this process's policy and the callers' keys; called once at start."""
    global _in_force, _menu
    _in_force, _menu = policy, menu or Menu()


def line_policy() -> LinePolicy:
    """The bureau's decisions about the line. RuntimeError before `use`."""
    if _in_force is None:
        raise RuntimeError("the line's policy is not loaded: call callflow.current.use first")
    return _in_force


def menu() -> Menu:
    """What a caller's keys do; nothing before `use`."""
    return _menu
