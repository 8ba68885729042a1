"""The description of the API as those read it who generate clients: names, tokens and examples."""

import re
from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from pointsman.api import create_app, examples
from pointsman.auth.access import SCOPES, Access
from pointsman.compose import open_app
from pointsman.history.sqlite import SqliteHistory
from pointsman.router import Router
from pointsman.settings import Settings

from tests.conftest import MakeRouter
from tests.fakes import fake_artifact

# Names that generated clients call: one that changes breaks them.
OPERATIONS = {
    "getHealth": "GET /api/health",
    "getReadiness": "GET /api/ready",
    "listConfigs": "GET /api/configs",
    "listModels": "GET /api/models",
    "route": "POST /api/route",
    "decideForSwitchyard": "POST /v1/decision",
    "routeChatForPlano": "POST /routing/v1/chat/completions",
    "routeMessagesForPlano": "POST /routing/v1/messages",
    "routeResponsesForPlano": "POST /routing/v1/responses",
    "listDecisions": "GET /api/history",
    "getDecision": "GET /api/history/{decision_id}",
    "deleteDecision": "DELETE /api/history/{decision_id}",
    "replaceOutcome": "PUT /api/history/{decision_id}/outcomes",
    "addOutcome": "POST /api/history/{decision_id}/outcomes",
    "addOutcomes": "POST /api/outcomes",
}


@pytest.fixture
def app(real_router: Router, history: SqliteHistory) -> FastAPI:
    """The whole app with the real artifact and registry."""
    kept = Router(real_router.registry, real_router.artifact, real_router.embedder, history, real_router.settings)
    return open_app(Settings(), router=kept, history=history)


@pytest.fixture
def client(app: FastAPI) -> Iterator[TestClient]:
    with TestClient(app) as made:
        yield made


def operations_of(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Method, path and description of every operation."""
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            yield method.upper(), path, operation


def examples_in(document: dict[str, Any]) -> Iterator[tuple[str, Any, dict[str, Any]]]:
    """Every example of a body or an answer, with where it stands and its schema."""
    for _, _, operation in operations_of(document):
        told = {"body": operation.get("requestBody", {}), **operation["responses"]}
        for where, one in told.items():
            for media in one.get("content", {}).values():
                found = [each["value"] for each in media.get("examples", {}).values()]
                for example in [*found, *([media["example"]] if "example" in media else [])]:
                    yield f"{operation['operationId']} {where}", example, media["schema"]


def test_every_operation_has_a_name_that_stays(app: FastAPI) -> None:
    found = [(one["operationId"], f"{method} {path}") for method, path, one in operations_of(app.openapi())]
    assert dict(found) == OPERATIONS
    assert len(found) == len(OPERATIONS)
    assert all(re.fullmatch("[a-z]+([A-Z][a-z]+)*", name) for name, _ in found)


def test_every_operation_has_a_described_tag_and_a_sentence(app: FastAPI) -> None:
    document = app.openapi()
    tags = {one["name"]: one["description"] for one in document["tags"]}
    for _, _, operation in operations_of(document):
        assert [tags[name] for name in operation["tags"]]
        assert operation["summary"][-1] in ".?"
    assert [name for name, schema in document["components"]["schemas"].items() if not schema.get("description")] == []


def test_every_operation_names_the_token_that_it_takes_and_what_for(app: FastAPI) -> None:
    document = app.openapi()
    assert document["components"]["securitySchemes"]["bearer"]["scheme"] == "bearer"
    for _, _, operation in operations_of(document):
        needed, none = operation["security"]
        assert none == {}  # a local server without tokens
        assert list(needed) == ["bearer"]
        assert set(needed["bearer"]) <= set(SCOPES)


@pytest.mark.parametrize("name", OPERATIONS)
def test_a_token_for_what_is_described_is_enough_and_one_for_the_rest_is_not(
    name: str, app: FastAPI, make_router: MakeRouter, history: SqliteHistory
) -> None:
    method, path = OPERATIONS[name].split(" ")
    security, _ = next(one["security"] for _, _, one in operations_of(app.openapi()) if one["operationId"] == name)
    bodies = examples.BODIES.get(name, {"none": None})
    artifact, router = fake_artifact(), make_router(history)

    def status_with(scopes: set[str]) -> int:
        access = Access("somebody", frozenset(scopes))
        made = create_app(
            router.registry, artifact.manifest, artifact.digest, router=router, history=history,
            access_of=lambda _: access,
        )  # fmt: skip
        address = path.replace("{decision_id}", "01M8BYXNWZJHV0CA34B2ZDJ4KW")
        return TestClient(made).request(method, address, json=next(iter(bodies.values()))).status_code

    needed = set(security["bearer"])
    assert status_with(needed) != 403
    if needed:
        assert status_with(set(SCOPES) - needed - {"admin", "read:all"}) == 403


def test_every_example_fits_its_own_schema(app: FastAPI) -> None:
    document = app.openapi()
    found = list(examples_in(document))
    for where, example, schema in found:
        whole = {**schema, "components": document["components"]}
        errors = [error.message for error in jsonschema_rs.Draft202012Validator(whole).iter_errors(example)]
        assert errors == [], where
    with_body = {one["operationId"] for _, _, one in operations_of(document) if "requestBody" in one}
    assert {where.split(" ")[0] for where, _, _ in found if where.endswith("body")} == with_body
    assert {where.split(" ")[0] for where, _, _ in found if where.endswith("200")} == set(examples.ANSWERS)


def test_every_body_is_taken_as_it_stands_and_answered_as_the_example_says(client: TestClient) -> None:
    paths = {name: where.split(" ") for name, where in OPERATIONS.items()}
    made = client.post("/api/route", json=examples.BODIES["route"]["among models"]).json()["id"]
    for name, bodies in examples.BODIES.items():
        if name == "decideForSwitchyard":  # needs a config with targets: tests/contract/dialects asks one
            continue
        method, path = paths[name]
        for word, body in bodies.items():
            ours = {"outcomes": [{**one, "id": made} for one in body["outcomes"]]} if "outcomes" in body else body
            query = {"detail": "brief"} if name == "route" else {}
            answer = client.request(method, path.replace("{decision_id}", made), json=ours, params=query)
            assert answer.status_code == 200, (name, word, answer.text)
            if name in examples.ANSWERS:
                assert shape(answer.json()) == shape(examples.ANSWERS[name]), (name, word)
    assert shape(client.get("/api/history").json()) == shape(examples.ANSWERS["listDecisions"])
    assert shape(client.get("/api/ready").json()) == shape(examples.ANSWERS["getReadiness"])
    assert shape(client.delete(f"/api/history/{made}").json()) == shape(examples.ANSWERS["deleteDecision"])


def test_the_example_of_a_problem_is_what_is_answered(client: TestClient) -> None:
    assert client.post("/api/route", json=dict(examples.REFUSED)).json() == examples.PROBLEM


def shape(document: Any) -> Any:
    """The names of an answer's fields, and of those of what its lists hold; nothing of `request` and `session`."""
    if isinstance(document, dict):
        return {name: shape(one) for name, one in document.items() if name not in ("request", "session")}
    if isinstance(document, list):
        return [shape(one) for one in document[:1]]
    return None
