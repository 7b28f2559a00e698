"""Alembic's environment: our tables, and never procrastinate's, whose SQL our revisions carry."""

from typing import Any

from alembic import context

from hotline.models import metadata

FOREIGN = "procrastinate_"


def ours(object: Any, name: str | None, type_: str, reflected: bool, compare_to: Any) -> bool:
    """Whether Alembic may compare this object."""
    return not (type_ == "table" and (name or "").startswith(FOREIGN))


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata(),
    include_object=ours,
    compare_type=True,
    compare_server_default=True,
    transaction_per_migration=True,
)
with context.begin_transaction():
    context.run_migrations()
