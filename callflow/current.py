"""The policy that is in force in this process, for rules that run inside a transaction."""

from callflow.policy import LinePolicy

_in_force: LinePolicy | None = None


def use(policy: LinePolicy) -> None:
    """Set this process's policy; called once at start."""
    global _in_force
    _in_force = policy


def line_policy() -> LinePolicy:
    """The bureau's decisions about the line. RuntimeError before `use`."""
    if _in_force is None:
        raise RuntimeError("the line's policy is not loaded: call callflow.current.use first")
    return _in_force
