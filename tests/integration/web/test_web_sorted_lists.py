"""Lists that are read by time, either way: incidents, notices, messages, the ledger, refusals and the city's acts."""

from collections.abc import Callable

import pytest
from web_desk import signed_in
from web_lists import MORE, Serve, walked
from web_rows import (
    callbacks,
    files,
    handovers,
    incidents,
    ledger,
    limits,
    matters,
    messages,
    notices,
    nuisance,
    programs,
)

from core.db import Database
from core.permissions import Role

FORGED = (
    *("/incidents", "/sms", "/notices", "/refusals", "/city", "/city/imports", "/city/exports"),
    *(
        "/limits",
        "/callbacks",
        "/nuisance",
        "/handovers/matters",
        "/dispatch-quality",
        "/my-scores",
        "/emergencies",
        "/linkages",
        "/data-requests",
    ),
)


@pytest.mark.parametrize(
    ("path", "made"),
    [
        ("/incidents", incidents),
        ("/sms", messages),
        ("/notices", notices),
        ("/limits", limits),
        ("/callbacks?state=done", callbacks),
        ("/handovers", handovers),
        ("/nuisance", nuisance),
        ("/handovers/matters", matters),
        ("/city/imports", files),
        ("/city/exports", files),
        ("/ledger?what=policy", ledger),
        ("/programs", programs),
    ],
)
async def test_a_list_is_read_from_either_end_to_the_other(
    db: Database, serve: Serve, path: str, made: Callable[..., object]
) -> None:
    desk = await made(db, serve)  # type: ignore[misc]
    oldest = f"{path}{'&' if '?' in path else '?'}sort=oldest"
    assert await walked(desk, oldest.replace("oldest", "newest")) == list(reversed(range(MORE)))
    assert await walked(desk, oldest) == list(range(MORE))
    page = await (await desk.get(oldest)).text()
    assert 'aria-sort="ascending"' in page
    assert 'name="sort" value="oldest"' in page or made is callbacks, "kept while the filter changes"
    assert (await desk.get(f"{path.partition('?')[0]}?sort=up")).status == 422


@pytest.mark.parametrize("path", FORGED)
async def test_a_forged_page_is_refused(db: Database, serve: Serve, path: str) -> None:
    desk = await signed_in(db, serve(), "many", Role.DISPATCHER, Role.SHIFT_LEAD)
    assert (await desk.get(f"{path}?after=x")).status == 422
    assert (await desk.get(f"{path}?sort=oldest")).status == 200
