"""Alembic's environment: our tables, and never procrastinate's, whose SQL our revisions carry.

Revisions name plain database types, so that they stay what they were when our own types change.
"""

from typing import Any, Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext

from core.db import UtcDateTime
from core.ledger.models import Xid8
from core.personal import Personal
from hotline.models import metadata

FOREIGN = "procrastinate_"


def ours(object: Any, name: str | None, type_: str, reflected: bool, compare_to: Any) -> bool:
    """Whether Alembic may compare this object."""
    return not (type_ == "table" and (name or "").startswith(FOREIGN))


def plain(type_: str, object: Any, autogen: AutogenContext) -> str | Literal[False]:
    """How a revision spells our own column types."""
    if type_ == "type" and isinstance(object, UtcDateTime):
        return "sa.DateTime(timezone=True)"
    if type_ == "type" and isinstance(object, Personal):
        return "sa.Text()"
    if type_ == "type" and isinstance(object, Xid8):
        autogen.imports.add("from core.ledger.models import Xid8")
        return "Xid8()"
    return False


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata(),
    include_object=ours,
    render_item=plain,
    transaction_per_migration=True,
)
with context.begin_transaction():
    context.run_migrations()
