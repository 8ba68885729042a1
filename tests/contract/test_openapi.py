"""The API is what its own description says: requests made from the description, valid and not, with every check.

Schemathesis makes the requests; what it finds is a fault of ours, or has its reason in LISTED.
"""

import base64
import hashlib
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from fastapi import FastAPI
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from pointsman.api import create_app
from pointsman.history.sqlite import SqliteHistory
from schemathesis import GenerationMode

from tests.conftest import ROOT, MakeRouter
from tests.fakes import fake_artifact

CASES = 1_500
# By the check and the problem that was answered, why it is right all the same.
LISTED = {
    ("RejectedPositiveData", "no-candidate"): "which models can serve a request depends on them, not on the schema",
    ("RejectedPositiveData", "unknown-model"): "the names of models are the registry's and the history's",
    ("RejectedPositiveData", "unknown-effort"): "the levels of effort are those of the registry's models",
    ("RejectedPositiveData", "unknown-config"): "the history may know configs that the registry has no more",
    ("RejectedPositiveData", "invalid-cursor"): "only a page can make a cursor",
}
# What a description cannot say of these bodies, by the operation.
UNDESCRIBED = {
    "GET /api/history": "a stretch of time ends after it begins",
    "POST /api/route": "of conversations it has the outline; roles, parts and calls are checked by their dialect",
    "POST /v1/decision": "the body within is a provider's, and its model names a config",
    "POST /routing/v1/chat/completions": "the same",
    "POST /routing/v1/messages": "the same",
    "POST /routing/v1/responses": "the same",
    "PUT /api/history/{decision_id}/outcomes": "an outcome says something beside the model",
    "POST /api/history/{decision_id}/outcomes": "the same",
    "POST /api/outcomes": "the same",
}


@pytest.fixture
def app(make_router: MakeRouter, history: SqliteHistory) -> FastAPI:
    """The whole app around the fake embedder."""
    router, artifact = make_router(history), fake_artifact()
    return create_app(
        router.registry, artifact.manifest, artifact.digest, router=router, history=history, web=ROOT / "web"
    )


@pytest.fixture
def client(app: FastAPI) -> Iterator[TestClient]:
    with TestClient(app, raise_server_exceptions=False) as made:
        yield made


def failures_of(raised: BaseException) -> list[str]:
    """The names of what a check found."""
    return [type(one).__name__ for one in getattr(raised, "exceptions", [raised])]


@pytest.mark.slow
def test_every_answer_to_a_request_made_from_the_description_is_a_described_one(app: FastAPI) -> None:
    with TestClient(app, raise_server_exceptions=False) as client:
        known = client.post("/api/route", json={"prompt": "What is 1+1?"}).json()["id"]
    description = schemathesis.openapi.from_asgi("/api/openapi.json", app)
    description.config.generation.update(with_security_parameters=False)  # this app has no tokens
    asked: Counter[str] = Counter()
    unexplained: dict[tuple[str, str, str], str] = {}

    def ask(case: Any, existing: bool) -> None:
        if existing and "decision_id" in case.path_parameters:
            case.path_parameters["decision_id"] = known
        asked[case.operation.label] += 1
        response = case.call()
        try:
            case.validate_response(response)
        except BaseException as raised:
            if not isinstance(raised, AssertionError | BaseExceptionGroup):
                raise
            code = response.json().get("type", "").rsplit(":", 1)[-1] if response.content else ""
            for failure in failures_of(raised):
                refused = response.status_code in (400, 404, 422) and failure == "RejectedPositiveData"
                if (failure, code) not in LISTED and not (refused and case.operation.label in UNDESCRIBED):
                    curl = case.as_curl_command()
                    unexplained.setdefault((case.operation.label, failure, code), f"{curl}\n{response.text[:500]}")

    paths = description.raw_schema["paths"]
    for operation in [description[path][method] for path, operations in paths.items() for method in operations]:
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
            once = settings(
                max_examples=300 if operation.body or operation.query else 50,
                deadline=None,
                database=None,
                derandomize=True,
                suppress_health_check=list(HealthCheck),
            )
            try:
                once(given(operation.as_strategy(generation_mode=mode), st.booleans())(ask))()
            except Unsatisfiable:  # nothing about it can be wrong
                assert mode is GenerationMode.NEGATIVE
    assert unexplained == {}
    assert sum(asked.values()) >= CASES
    assert set(asked) == {f"{method.upper()} {path}" for path, operations in paths.items() for method in operations}


def test_every_error_is_described_as_the_problem_document_that_is_sent(client: TestClient) -> None:
    document = client.get("/api/openapi.json").json()
    for path, operations in document["paths"].items():
        for operation in operations.values():
            for status, answer in operation["responses"].items():
                ours = path.startswith("/api")
                media = "application/problem+json" if int(status) >= 400 and ours else "application/json"
                assert list(answer["content"]) == [media]
    assert not [name for name in document["components"]["schemas"] if "HTTPValidation" in name]


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE", "TRACE", "LINK"])
@pytest.mark.parametrize("path", ["/api/health", "/api/models", "/api/history"])
def test_a_wrong_method_is_answered_by_the_api_with_the_right_ones(client: TestClient, method: str, path: str) -> None:
    answer = client.request(method, path)
    assert answer.status_code == 405
    assert "GET" in answer.headers["allow"].split(", ")
    assert answer.headers["content-type"] == "application/problem+json"


def test_every_method_of_an_address_is_allowed_and_no_other(client: TestClient) -> None:
    paths = client.get("/api/openapi.json").json()["paths"]
    for path, operations in paths.items():
        allow = client.request("TRACE", path.replace("{decision_id}", "x")).headers["allow"]
        assert set(allow.split(", ")) == {method.upper() for method in operations}, path


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "POST", "PUT", "DELETE"])
@pytest.mark.parametrize(
    "path", ["/api", "/api/", "/api/health/", "/api/history/", "/api//health", "/api/nothing", "/api/index.html"]
)
def test_what_is_not_there_under_api_is_not_found_and_never_the_page(
    client: TestClient, method: str, path: str
) -> None:
    answer = client.request(method, path, follow_redirects=False)
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert "content-security-policy" not in answer.headers


@pytest.mark.parametrize("path", ["/health", "/api/health", "/api/ready", "/api/configs", "/api/history", "/api/docs"])
@pytest.mark.parametrize("method", ["HEAD", "DELETE"])
def test_a_route_asked_in_another_way_says_how_it_is_asked(client: TestClient, method: str, path: str) -> None:
    answer = client.request(method, path)
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET")


def test_the_page_says_which_methods_it_takes(client: TestClient) -> None:
    answer = client.post("/")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD")
    assert client.head("/").status_code == 200


def test_the_api_without_a_page_answers_the_same(make_router: MakeRouter, history: SqliteHistory) -> None:
    artifact = fake_artifact()
    light = TestClient(create_app(make_router().registry, artifact.manifest, artifact.digest, history=history))
    assert light.post("/api/health").headers["allow"] == "GET"
    assert light.get("/api/health/").status_code == 404
    assert light.get("/").status_code == 404


def test_the_pages_description_of_the_api_loads_nothing_and_runs_nothing(client: TestClient) -> None:
    answer = client.get("/api/docs")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    text = answer.text
    for word in ("<script", "<link", "<img", "<iframe", "src=", "href=", "@import", "url(", "http:", "https:"):
        assert word not in text, word
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    style = text.split("<style>")[1].split("</style>")[0]
    assert base64.b64encode(hashlib.sha256(style.encode()).digest()).decode() in policy
    description = client.get("/api/openapi.json").json()
    for path, operations in description["paths"].items():
        for method in operations:
            assert f"{method.upper()} {path}</h2>" in text
    for field in ("preferred_input_modalities", "max_output_tokens", "since"):
        assert f"<td>{field}</td>" in text
