"""The description made from the route table."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from gateway.doors.describe import page, whole_table
from gateway.doors.figures import DoorState
from gateway.doors.openapi import document
from gateway.doors.routes import Route, table
from gateway.doors.system_routes import system_routes
from tests.doors import sample
from tests.doors.conftest import Client

API_PAGE = Path(__file__).parents[2] / "docs" / "api.md"


@pytest.fixture
def sampled() -> tuple[Route, ...]:
    """The sample's routes with the system's."""
    return table(sample.routes, system_routes(DoorState()))


def operation(routes: tuple[Route, ...], path: str, method: str) -> dict[str, Any]:
    """One operation of the document."""
    found: dict[str, Any] = document(routes)["paths"][path][method]
    return found


def test_document_is_valid_openapi(sampled: tuple[Route, ...]) -> None:
    """OpenAPI 3.1's own schema accepts the document."""
    OpenAPIV31SpecValidator(document(sampled)).validate()


def test_product_document_is_valid_openapi() -> None:
    """What the product serves is valid too."""
    OpenAPIV31SpecValidator(document(whole_table())).validate()


def test_same_routes_give_the_same_bytes(sampled: tuple[Route, ...]) -> None:
    """The description does not depend on the order of modules."""
    other = table(system_routes(DoorState()), reversed(list(sample.routes)))
    assert json.dumps(document(sampled)) == json.dumps(document(other))


def test_write_documents_its_key_and_replay(sampled: tuple[Route, ...]) -> None:
    """Idempotency-Key stands among the parameters of each write."""
    told = operation(sampled, "/api/v1/notes", "post")
    assert [one["name"] for one in told["parameters"]] == ["Idempotency-Key"]
    assert "Idempotency-Replayed" in told["responses"]["201"]["headers"]
    assert told["requestBody"]["content"]["application/json"]["example"]["title"] == "值班安排"


def test_query_and_path_are_parameters(sampled: tuple[Route, ...]) -> None:
    """Query fields and ids are documented with their bounds."""
    listed = {one["name"]: one for one in operation(sampled, "/api/v1/notes", "get")["parameters"]}
    assert listed["limit"]["schema"]["maximum"] == 100
    assert listed["since"]["schema"]["format"] == "date"
    assert listed["text"]["schema"]["description"] == "标题中的字"
    (place,) = operation(sampled, "/api/v1/notes/{note_id}", "get")["parameters"]
    assert (place["in"], place["schema"]["minimum"]) == ("path", 1)


def test_every_error_is_a_problem(sampled: tuple[Route, ...]) -> None:
    """Each answer that is no success is described as Problem, the unforeseen ones included."""
    for path in document(sampled)["paths"].values():
        for told in path.values():
            assert "default" in told["responses"]
            for status, answer in told["responses"].items():
                if status == "default" or int(status) >= 400:
                    assert "application/problem+json" in answer["content"]


def test_access_is_documented(sampled: tuple[Route, ...]) -> None:
    """Public routes ask for nothing, others for a token or a key, and each says its action."""
    assert operation(sampled, "/healthz", "get")["security"] == []
    told = operation(sampled, "/api/v1/notes", "post")
    assert told["security"] == [{"bearer": []}, {"apiKey": []}]
    assert told["x-access"] == "dispatch.submit"


def test_integers_have_the_bounds_of_the_door(sampled: tuple[Route, ...]) -> None:
    """No described integer is larger than the door takes."""
    told = document(sampled)["components"]["schemas"]["NewNote"]["properties"]["extra"]
    assert told["additionalProperties"]["maximum"] == 2**53 - 1


async def test_served_description_is_the_document(client: Client, sampled: tuple[Route, ...]) -> None:
    """Programs read what the table says."""
    served = await (await client.get("/api/v1/openapi.json")).json()
    assert served == document(sampled)


def test_page_shows_every_route_and_code(sampled: tuple[Route, ...]) -> None:
    """People find each route, its body, and each code."""
    text = page(sampled)
    for route in sampled:
        assert f"## {route.method} {route.pattern}" in text
    assert "| `classified_refused` | 422 |" in text
    assert '"title": "值班安排"' in text


def test_committed_page_is_current() -> None:
    """docs/api.md is what ``python -m gateway.doors.describe`` prints."""
    assert API_PAGE.read_text(encoding="utf-8") == page(whole_table()), (
        "docs/api.md is behind the routes: run `python -m gateway.doors.describe > docs/api.md`"
    )
