"""The API is what its own description says: requests made from the description, valid and not, with every check.

Schemathesis makes the requests; what it finds is a fault of ours, or has its reason in LISTED.
"""

import base64
import hashlib
import re
from collections import Counter
from collections.abc import Iterator, Mapping
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
    ("RejectedPositiveData", "model-not-found"): "what OpenAI calls an unknown model and an unknown config",
    ("RejectedPositiveData", "invalid-cursor"): "only a page can make a cursor",
}
CONVERSATION = r"(messages|input|system|tools)(\..+)?"
# Anthropic's errors have no code: names and candidates are known by how the message begins.
NAMES = r"(models|exclude|efforts)\.\d+|There is no config .*|None of the \d+ candidates of .*"
# What a description cannot say of these bodies, by the operation: the fields that may be refused, and why.
UNDESCRIBED = {
    "GET /api/history": ("until", "a stretch of time ends after it begins"),
    "POST /api/route": (f"{CONVERSATION}|own_model", "its dialect checks a conversation; only a model can be observed"),
    "POST /v1/decision": (f"{CONVERSATION}|{NAMES}", "the body within is a provider's"),
    "POST /routing/v1/chat/completions": (f"{CONVERSATION}|own_model", "as of /api/route"),
    "POST /routing/v1/messages": (f"{CONVERSATION}|own_model|{NAMES}", "as of /api/route"),
    "POST /routing/v1/responses": (f"{CONVERSATION}|own_model", "as of /api/route"),
    "PUT /api/history/{decision_id}/outcomes": ("body", "it says something beside the model; a cache serves a part"),
    "POST /api/history/{decision_id}/outcomes": ("body", "the same"),
    "POST /api/outcomes": (r"outcomes\.\d+", "the same of each"),
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


def refusal_of(document: Mapping[str, Any]) -> tuple[str, list[str]]:
    """The code of a refusal and the fields that it names, in whichever shape it is told."""
    error = document.get("error")
    if error is None:
        return document.get("type", "").rpartition(":")[2], [one["field"] for one in document.get("errors", [])]
    if "code" in error:  # OpenAI's
        return error["code"].replace("_", "-"), [str(error["param"])]
    return "invalid-request" if error["type"] == "invalid_request_error" else "", [error["message"].split(": ")[0]]


def is_undescribed(operation: str, code: str, fields: list[str]) -> bool:
    """Whether all that a request was refused for is what no description of this operation could say."""
    pattern, _ = UNDESCRIBED.get(operation, ("", ""))
    return code == "invalid-request" and bool(fields) and all(re.fullmatch(pattern, field) for field in fields)


@pytest.mark.slow
def test_every_answer_to_a_request_made_from_the_description_is_a_described_one(app: FastAPI) -> None:
    with TestClient(app, raise_server_exceptions=False) as client:
        known = client.post("/api/route", json={"prompt": "What is 1+1?"}).json()["id"]
    description = schemathesis.openapi.from_asgi("/api/openapi.json", app)
    description.config.generation.update(with_security_parameters=False)  # this app has no tokens
    asked: Counter[str] = Counter()
    excused: set[str] = set()
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
            code, fields = refusal_of(response.json() if response.content else {})
            for failure in failures_of(raised):
                if (failure, code) in LISTED:
                    continue
                if failure == "RejectedPositiveData" and is_undescribed(case.operation.label, code, fields):
                    excused.add(case.operation.label)
                else:
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
    assert excused == set(UNDESCRIBED), "an excuse that nothing needs any more"
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
