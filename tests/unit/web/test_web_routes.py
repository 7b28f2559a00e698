"""The route table is the whole surface: each route has a permission or a named door, and nothing else is served."""

from pathlib import Path

from core.db import Database
from core.permissions import Permission
from core.secrets import Secrets
from recordings.store.folder import FolderStore
from web import app
from web.bundle import Bundle
from web.live import TOPICS, Hub
from web.parts import Parts
from web.route import Door
from web.routes import TABLE
from web.settings import WebSettings

OPEN = {
    ("GET", "/sign-in"),
    ("POST", "/sign-in"),
    ("GET", "/static/build/{name}"),
    ("GET", "/health"),
}
"""Everything that may be asked before signing in; a new one must be argued here."""
PUBLIC = {
    ("GET", "/query"),
    ("POST", "/query"),
    ("POST", "/api/v1/query"),
    ("GET", "/api/v1/openapi.json"),
    ("GET", "/api/v1/docs"),
}
"""For anybody: the state of an order against its query code, and the description of the API."""


def test_every_route_has_a_permission_or_a_named_door() -> None:
    for route in TABLE:
        needed = route.who if isinstance(route.who, tuple) else (route.who,)
        assert needed
        assert all(isinstance(one, Permission | Door) for one in needed), route.path
    assert {(route.method, route.path) for route in TABLE if route.who is Door.OPEN} == OPEN
    assert {(route.method, route.path) for route in TABLE if route.who is Door.PUBLIC} == PUBLIC
    assert {route.path for route in TABLE if route.who is Door.MACHINE} == {"/metrics"}


def test_acts_ask_for_more_than_being_signed_in() -> None:
    steps = {"/sign-out", "/sign-in/code", "/account/password", "/account/sessions/{id}/revoke"}
    for route in TABLE:
        if route.method != "GET" and route.who in (Door.STEP, Permission.SELF):
            assert route.path in steps, route.path


def test_methods_and_paths_are_unique_and_summarised() -> None:
    assert len({(route.method, route.path) for route in TABLE}) == len(TABLE)
    assert all(route.summary and route.handler.__doc__ for route in TABLE)


def test_nothing_is_served_outside_the_table(tmp_path: Path) -> None:
    names = Bundle({name: name for name in ("desk.js", "style.css", "player.js", "live-worker.js")})
    database = Database("postgresql://nobody@127.0.0.1:1/none")
    store = FolderStore(tmp_path)
    parts = Parts(database, WebSettings(), Secrets(tmp_path), names, tmp_path, "弋阳12345", store)
    made = app.build(parts, TABLE, Hub(database, 1))
    table = {id(route) for route in TABLE}
    served = list(made.router.routes())
    assert served
    assert all(id(getattr(route.handler, app.ROUTE)) in table for route in served)
    assert made.router.resources().__len__() == len({route.path for route in TABLE})


def test_every_topic_that_leaves_the_server_names_who_may_know() -> None:
    assert all(needed for needed in TOPICS.values())
