"""The API's document: valid OpenAPI 3.1 by another's reading, true to the route table, and readable."""

import json
import re

from openapi_spec_validator import OpenAPIV31SpecValidator, validate

from web.api import describe, document
from web.problems import API as PREFIX
from web.routes import API, TABLE

MADE = json.loads(document.text(API))


def test_it_is_valid() -> None:
    validate(MADE, cls=OpenAPIV31SpecValidator)
    assert MADE["openapi"].startswith("3.1")


def test_it_names_every_route_of_the_api_and_no_other() -> None:
    told = {(method.upper(), path) for path, item in MADE["paths"].items() for method in item}
    assert told == {(route.method, route.path) for route in TABLE if route.answers}
    assert all(path.startswith(PREFIX) for _, path in told)
    assert {route.path for route in TABLE if route.path.startswith(PREFIX) and not route.answers} == {
        "/api/v1/openapi.json",
        "/api/v1/docs",
    }


def test_every_operation_says_who_may_and_what_goes_wrong() -> None:
    for route in (one for one in TABLE if one.answers):
        told = MADE["paths"][route.path][route.method.lower()]
        assert bool(told["security"]) is not (route.path == "/api/v1/query")
        assert all(error in json.dumps(told, ensure_ascii=False) for error in route.errors)
        assert {"422", "429", "500", "503", str(route.status)} <= set(told["responses"])
        names = [one["name"] for one in told.get("parameters", [])]
        assert ("Idempotency-Key" in names) is route.once
        for name in re.findall(r"{(\w+)}", route.path):
            assert name in names


def test_a_path_parameter_is_not_asked_for_in_the_body() -> None:
    for route in (one for one in TABLE if one.answers and one.method == "POST"):
        schema = MADE["components"]["schemas"][route.asks.__name__]
        assert not set(schema["properties"]) & set(document.names_in(route.path))


def test_the_page_for_people_has_every_operation_and_field() -> None:
    page = describe.page(API)
    assert len(page["operations"]) == sum(len(item) for item in MADE["paths"].values())
    fields = {row["name"]: row for row in page["schemas"]["NewOrder"]}
    assert (fields["reference"]["required"], fields["title"]["limits"]) == ("必填", "至少 1 字，最多 60 字")
    assert fields["attachments"]["type"] == "list of Attachment"
    assert fields["category"]["type"] == "Category | null"
    assert "complaint" in page["choices"]["Category"]
