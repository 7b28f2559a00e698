"""The database's schema: made whole in an empty database."""

import asyncio

from sqlalchemy import create_engine

from core.db import sqlalchemy_url
from core.jobs import apply_schema
from hotline.models import metadata


def create(url: str) -> None:
    """All tables in the empty database at `url`."""
    engine = create_engine(sqlalchemy_url(url))
    metadata().create_all(engine)
    engine.dispose()
    asyncio.run(apply_schema(url))
