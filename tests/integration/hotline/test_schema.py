"""The revisions make exactly the tables that the code defines."""

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine

from core.db import sqlalchemy_url
from hotline.models import metadata
from hotline.schema import migrate

FOREIGN = ("procrastinate_", "alembic_version")


@pytest.mark.filterwarnings("ignore:Did not recognize type 'xid8'")
def test_an_upgraded_database_is_what_the_code_defines(owner_url: str, database_url: str) -> None:
    migrate(owner_url, database_url)  # the template is migrated already: a second upgrade finds nothing to do
    engine = create_engine(sqlalchemy_url(database_url))
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection,
            opts={"include_name": lambda name, kind, _: kind != "table" or not (name or "").startswith(FOREIGN)},
        )
        differences = compare_metadata(context, metadata())
    engine.dispose()
    assert differences == []
