"""The HTTP API: what it answers, and a clear problem document for everything that is not right."""

import json
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from pointsman.api import create_app
from pointsman.api.request_schemas import RouteRequest
from pointsman.api.schemas import (
    BriefOut,
    CallOut,
    CandidateOut,
    ConfigOut,
    ConfigsOut,
    CostPartsOut,
    DecisionOut,
    ExcludedOut,
    FallbackOut,
    HealthOut,
    HistoryOut,
    ModelsOut,
    OutputTokensOut,
    ProblemOut,
    RecordedDecisionOut,
    StrongestOut,
)
from pointsman.auth.access import Access
from pointsman.decision import (
    BRIEF,
    Call,
    Candidate,
    CostParts,
    Decision,
    Excluded,
    Fallback,
    OutputTokens,
    Strongest,
)
from pointsman.errors import HistoryUnavailable
from pointsman.history.sqlite import SqliteHistory
from pointsman.routing.asked import Asked
from pydantic import BaseModel

from tests.conftest import ROOT, MakeRouter
from tests.fakes import fake_artifact

PROMPT = "What is 1+1?"


@pytest.fixture
def client(make_router: MakeRouter, history: SqliteHistory) -> Iterator[TestClient]:
    """The whole app around the fake embedder, as the local server puts it together."""
    router = make_router(history, max_prompt_bytes=300_000)
    artifact = fake_artifact()
    app = create_app(
        router.registry, artifact.manifest, artifact.digest, router=router, history=history, web=ROOT / "web"
    )
    with TestClient(app, raise_server_exceptions=False) as made:
        yield made


def problem(response: Any, status: int, *words: str) -> dict[str, Any]:
    """The problem document of a response, checked for form, status and words."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    document: dict[str, Any] = response.json()
    ProblemOut.model_validate(document)
    assert document["status"] == status
    text = json.dumps(document, ensure_ascii=False)
    assert "Traceback" not in text
    assert "/" + "root" not in text
    for word in words:
        assert word in text
    return document


def test_a_prompt_is_answered_with_a_decision_that_is_recorded(client: TestClient) -> None:
    decision = client.post("/api/route", json={"prompt": PROMPT}).json()
    DecisionOut.model_validate(decision)
    assert decision["selected"] == ["acme/middle"]
    assert decision["recorded"] is True
    found = client.get(f"/api/history/{decision['id']}").json()
    RecordedDecisionOut.model_validate(found)
    assert found == {**decision, "outcomes": []}


def test_the_answer_has_just_the_documented_fields(client: TestClient) -> None:
    decision = client.post("/api/route", json={"prompt": PROMPT, "worth_usd": 1, "exclude": ["acme/weak"]}).json()
    described: list[tuple[dict[str, Any], type[BaseModel]]] = [
        (decision, DecisionOut),
        (decision["calls"][0], CallOut),
        (decision["fallbacks"][0], FallbackOut),
        (decision["excluded"][0], ExcludedOut),
        (decision["costs"], CostPartsOut),
        (decision["tokens"], OutputTokensOut),
        (decision["strongest"], StrongestOut),
    ]
    for document, schema in described:
        assert set(document) == set(schema.model_fields)


def test_the_schema_describes_the_record_field_by_field() -> None:
    described: list[tuple[Any, type[BaseModel]]] = [
        (Decision, DecisionOut),
        (Call, CallOut),
        (Fallback, FallbackOut),
        (Excluded, ExcludedOut),
        (CostParts, CostPartsOut),
        (OutputTokens, OutputTokensOut),
        (Strongest, StrongestOut),
    ]
    for record, schema in described:
        assert {field.name for field in fields(record) if field.repr} == set(schema.model_fields), schema
    assert set(Candidate._fields) == set(CandidateOut.model_fields)
    assert set(BRIEF) == set(BriefOut.model_fields)
    assert set(RecordedDecisionOut.model_fields) == {*DecisionOut.model_fields, "outcomes"}


def test_the_request_has_every_field_that_can_be_asked_for() -> None:
    ours = {"prompt", "config", "session_id", "names"}
    assert set(RouteRequest.model_fields) == {*ours, *(field.name for field in fields(Asked))}


def test_a_candidate_tells_all_but_what_goes_without_saying(client: TestClient) -> None:
    told = client.post("/api/route", json={"prompt": PROMPT}).json()["candidates"]
    unsaid = {"capability_known", "latency_s"}
    assert all(set(one) == set(CandidateOut.model_fields) - unsaid for one in told)
    assert all(CandidateOut.model_validate(one).capability_known for one in told)


def test_a_brief_answer_holds_what_is_to_be_called_and_why(client: TestClient) -> None:
    answer = client.post("/api/route?detail=brief", json={"prompt": PROMPT})
    brief = answer.json()
    assert set(brief) == set(BriefOut.model_fields)
    assert brief["calls"] == [{"model_id": "acme/middle", "effort": None, "request": {}}]
    whole = client.get(f"/api/history/{brief['id']}").json()
    assert {name: whole[name] for name in brief} == brief
    problem(client.post("/api/route?detail=some", json={"prompt": PROMPT}), 422, "detail", "'full' or 'brief'")


def test_the_registry_can_be_read(client: TestClient) -> None:
    configs, models = client.get("/api/configs").json(), client.get("/api/models").json()
    ConfigsOut.model_validate(configs)
    ModelsOut.model_validate(models)
    assert [config["name"] for config in configs["configs"]] == ["auto", "strong"]
    assert set(configs["configs"][0]) == set(ConfigOut.model_fields)
    assert [config["candidates"] for config in configs["configs"]] == [3, 1]
    strong = next(model for model in models["models"] if model["model_id"] == "acme/strong")
    assert strong["configs"] == ["auto", "strong"]
    assert strong["capability"] == pytest.approx(0.95)


def test_health_tells_versions_and_no_path(client: TestClient) -> None:
    health = client.get("/api/health").json()
    HealthOut.model_validate(health)
    assert health["artifact"]["digest"] == "d" * 64
    assert str(ROOT) not in json.dumps(health)


def test_the_history_is_paged_and_filtered(client: TestClient) -> None:
    ids = [
        client.post("/api/route", json={"prompt": f"{PROMPT} {i}", "config": "strong"}).json()["id"] for i in range(3)
    ]
    first = client.get("/api/history", params={"limit": 2}).json()
    HistoryOut.model_validate(first)
    second = client.get("/api/history", params={"limit": 2, "cursor": first["next"]}).json()
    assert [call["id"] for call in first["calls"] + second["calls"]] == ids[::-1]
    assert second["next"] is None
    assert client.get("/api/history", params={"config": "auto"}).json()["calls"] == []
    assert len(client.get("/api/history", params={"model": "acme/strong"}).json()["calls"]) == 3
    assert client.get("/api/history", params={"until": "2020-01-01T00:00:00Z"}).json()["calls"] == []
    assert len(client.get("/api/history", params={"since": "2020-01-01"}).json()["calls"]) == 3


def test_an_outcome_is_kept_with_the_decision(client: TestClient) -> None:
    decision = client.post("/api/route", json={"prompt": PROMPT}).json()
    outcome = {"model_id": decision["selected"][0], "completed": True, "score": 0.8, "output_tokens": 12}
    found = client.put(f"/api/history/{decision['id']}/outcomes", json=outcome).json()
    RecordedDecisionOut.model_validate(found)
    assert found["outcomes"][0]["score"] == 0.8
    wrong = client.put(f"/api/history/{decision['id']}/outcomes", json={**outcome, "model_id": "acme/nobody"})
    problem(wrong, 422, "was never a candidate", decision["selected"][0])


@pytest.mark.parametrize("prompt", ["", "   ", "\n\t"])
def test_an_empty_prompt_is_refused(client: TestClient, prompt: str) -> None:
    document = problem(client.post("/api/route", json={"prompt": prompt}), 422, "the prompt is empty")
    assert document["errors"][0]["field"] == "prompt"


@pytest.mark.parametrize(
    ("body", "key"),
    [
        ('{"prompt": "a", "prompt": "b"}', "prompt"),
        ('{"prompt":"a","config":"auto","config" : "cheap"}', "config"),
        ('{"messages": [{"role": "user", "content": "say \\"a\\": b", "role": "assistant"}]}', "role"),
    ],
)
def test_a_key_that_is_given_twice_is_refused_by_name(client: TestClient, body: str, key: str) -> None:
    answer = client.post("/api/route", content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 400
    assert answer.json()["detail"] == f"The body gives {key!r} more than once in one object. Give each key once."


@pytest.mark.parametrize("prompt", ['{"a": 1, "a": 2}', '\\":"', '{"a":{"b\\":1}}', "x\\"])
def test_json_in_a_prompt_gives_no_keys(client: TestClient, prompt: str) -> None:
    assert client.post("/api/route", json={"prompt": prompt, "config": "auto"}).status_code == 200


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"prompt=x", b"[1, 2]", b'"text"', b"null", b"\xff\xfe", b"[" * 100_000, b'{"prompt": 1e999999}'],
)
def test_a_body_that_is_no_json_object_is_refused(client: TestClient, body: bytes) -> None:
    response = client.post("/api/route", content=body, headers={"content-type": "application/json"})
    assert response.status_code in (400, 422)
    problem(response, response.status_code)


def test_a_body_of_another_media_type_is_refused(client: TestClient) -> None:
    response = client.post("/api/route", content=b'{"prompt": "x"}', headers={"content-type": "text/plain"})
    problem(response, 400, "Content-Type: application/json")


@pytest.mark.parametrize(
    ("body", "field", "words"),
    [
        ({}, "prompt", "Add it"),
        ({"prompt": 5}, "prompt", "Give text"),
        ({"prompt": None}, "prompt", "Give text"),
        ({"prompt": ["a"]}, "prompt", "Give text"),
        ({"prompt": "x", "config": 1}, "config", "Give text"),
        ({"prompt": "x", "config": "nope"}, "config", "Use one of: auto, strong"),
        ({"prompt": "x", "temperature": 1}, "temperature", "unknown field"),
        ({"prompt": "x", "max_output_tokens": 0}, "max_output_tokens", "at least 1"),
        ({"prompt": "x", "max_output_tokens": "10"}, "max_output_tokens", "whole number"),
        ({"prompt": "x", "max_output_tokens": 10**30}, "max_output_tokens", "at most"),
        ({"prompt": "x", "preferred_input_modalities": "image"}, "preferred_input_modalities", "list"),
        ({"prompt": "x", "preferred_input_modalities": ["smell"]}, "preferred_input_modalities.0", "'text'"),
        ({"prompt": "x", "supports": ["magic"]}, "supports.0", "'tools'"),
        ({"prompt": "x", "task": "t" * 300}, "task", "at most 200"),
        ({"prompt": "x", "threshold": 70}, "threshold", "at most 1: 70 % is 0.7"),
        ({"prompt": "x", "threshold": 101}, "threshold", "at most 1."),
        ({"prompt": "x", "threshold": "0.7"}, "threshold", "not a number. Give a number."),
        ({"prompt": "x", "threshold": -0.1}, "threshold", "at least 0"),
        ({"prompt": "x", "within": 3}, "within", "at most 1"),
        ({"prompt": "x", "worth_usd": 0}, "worth_usd", "above 0"),
        ({"prompt": "x", "worth_usd": -1}, "worth_usd", "above 0"),
        ({"prompt": "x", "max_cost_usd": 0}, "max_cost_usd", "above 0"),
        ({"prompt": "x", "max_latency_s": "1"}, "max_latency_s", "number"),
        ({"prompt": "x", "models": []}, "models", "holds 0. Give at least 1"),
        ({"prompt": "x", "models": ["acme/wek"]}, "models.0", "acme/weak"),
        ({"prompt": "x", "models": ["acme/weak@high"]}, "models.0", "no efforts"),
        ({"prompt": "x", "models": "acme/weak"}, "models", "list"),
        ({"prompt": "x", "exclude": ["acme/middel"]}, "exclude.0", "acme/middle"),
        ({"prompt": "x", "efforts": []}, "efforts", "at least 1"),
        ({"prompt": "x", "efforts": ["hihg"]}, "efforts.0", "no model has this effort (hihg). Leave it out"),
        ({"prompt": "x", "cached_input_tokens": -1}, "cached_input_tokens", "at least 0"),
        ({"prompt": "x", "images": 1.5}, "images", "whole number"),
        ({"prompt": "x", "strict_supports": "yes"}, "strict_supports", "true or false"),
    ],
)
def test_a_wrong_field_is_named_with_its_remedy(client: TestClient, body: Any, field: str, words: str) -> None:
    document = problem(client.post("/api/route", json=body), 422, words)
    assert document["errors"][0]["field"] == field


def test_every_wrong_field_is_reported_at_once(client: TestClient) -> None:
    document = problem(client.post("/api/route", json={"config": 1, "extra": 2, "task": 3}), 422)
    assert {error["field"] for error in document["errors"]} == {"prompt", "config", "extra", "task"}


def test_a_prompt_of_6_mb_is_refused_by_its_size(client: TestClient) -> None:
    response = client.post("/api/route", json={"prompt": "x" * 6_000_000})
    problem(response, 413, "1,865,536", "Send a shorter prompt")


def test_a_prompt_of_6_mb_that_hides_its_length_is_refused_while_it_is_read(client: TestClient) -> None:
    def chunks() -> Iterator[bytes]:
        yield b'{"prompt": "'
        for _ in range(600):
            yield b"x" * 10_000
        yield b'"}'

    problem(client.post("/api/route", content=chunks(), headers={"content-type": "application/json"}), 413)


def test_a_prompt_just_over_the_limit_is_refused_with_both_sizes(client: TestClient) -> None:
    problem(client.post("/api/route", json={"prompt": "x" * 300_001}), 413, "300,001 bytes", "300,000")
    assert client.post("/api/route", json={"prompt": "x" * 300_000, "config": "strong"}).status_code == 200


def test_a_lone_surrogate_is_refused_in_words(client: TestClient) -> None:
    body = b'{"prompt": "half a pair: \\ud83d"}'
    response = client.post("/api/route", content=body, headers={"content-type": "application/json"})
    document = problem(response, 422, "surrogate")
    assert document["errors"][0]["field"] == "prompt"


def test_a_lone_surrogate_elsewhere_is_refused_too(client: TestClient) -> None:
    for body in (
        b'{"prompt": "x", "\\ud83d": 1}',
        b'{"prompt": "x", "config": "\\ud83d"}',
        b'{"prompt": {"\\ud83d": 1}}',
    ):
        response = client.post("/api/route", content=body, headers={"content-type": "application/json"})
        problem(response, 422)


@pytest.mark.parametrize(
    "prompt",
    [
        "a\x00b",
        "مرحبا كيف حالك؟",
        "\u202eright to left\u202c",
        "\ufeff",
        "👩‍👩‍👧‍👦" * 50,
        "\x1b[31mred",
        "{{7*7}}<script>",
    ],
)
def test_odd_text_is_answered_and_comes_back_unchanged(client: TestClient, prompt: str) -> None:
    decision = client.post("/api/route", json={"prompt": prompt}).json()
    assert client.get(f"/api/history/{decision['id']}").json()["prompt"] == prompt


@pytest.mark.parametrize("limit", ["0", "-1", "1000000000", "x", "1.5", ""])
def test_a_limit_out_of_range_is_refused_with_the_range(client: TestClient, limit: str) -> None:
    document = problem(client.get("/api/history", params={"limit": limit}), 422)
    assert document["errors"][0]["field"] == "limit"
    assert any(word in document["detail"] for word in ("at least 1", "at most 200", "whole number"))


def test_a_limit_of_many_digits_is_refused_by_its_bound(client: TestClient) -> None:
    assert "at most 200" in problem(client.get("/api/history", params={"limit": "9" * 5000}), 422)["detail"]


def test_an_unknown_question_to_the_history_is_told_those_there_are(client: TestClient) -> None:
    assert "'config'" in problem(client.get("/api/history", params={"confg": "auto"}), 422)["detail"]
    detail = problem(client.get("/api/history", params={"zzz": "1"}), 422)["detail"]
    assert "use one of: limit, cursor, config, model, since, until" in detail


def test_a_stretch_of_time_that_ends_before_it_begins_is_no_empty_page(client: TestClient) -> None:
    document = problem(client.get("/api/history", params={"since": "2026-02-01", "until": "2026-01-01"}), 422)
    assert document["errors"][0]["field"] == "until"
    assert client.get("/api/history", params={"since": "2026-02-01", "until": "2026-02-01"}).status_code == 200


def test_a_slip_in_one_of_our_fields_beside_a_conversation_is_told(client: TestClient) -> None:
    messages = [{"role": "user", "content": "hi"}]
    for slip, meant in (("treshold", "threshold"), ("worth_us", "worth_usd"), ("max_cost_usd_", "max_cost_usd")):
        problem(client.post("/api/route", json={"messages": messages, slip: 0.5}), 422, f"Did you mean '{meant}'?")
    theirs = {"model": "x", "max_tokens": 9, "temperature": 1, "metadata": {}, "service_tier": "auto", "user": "u"}
    assert client.post("/api/route", json={"messages": messages, **theirs}).status_code == 200


def test_messages_that_are_not_there_are_said_to_be_missing(client: TestClient) -> None:
    problem(client.post("/api/route", json={"messages": None}), 422, "missing or null")


def test_a_thousand_unknown_models_cost_one_search_for_the_nearest_name(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    searched: list[str] = []

    def counted(name: str, _: Any) -> None:
        searched.append(name)

    monkeypatch.setattr("pointsman.registry.catalogue.nearest_name", counted)
    problem(client.post("/api/route", json={"prompt": "x", "models": ["@"] * 1000}), 422, "models.0")
    assert len(searched) == 1


def test_a_threshold_of_minus_nothing_is_nothing(client: TestClient) -> None:
    answer = client.post("/api/route", json={"prompt": PROMPT, "threshold": -0.0})
    assert '"completion_threshold":0.0' in answer.text


def test_a_forged_cursor_is_refused(client: TestClient) -> None:
    problem(client.get("/api/history", params={"cursor": "forged"}), 400, "Use the `next` of a page")


def test_a_date_that_is_none_is_refused(client: TestClient) -> None:
    document = problem(client.get("/api/history", params={"since": "yesterday"}), 422)
    assert document["errors"][0]["field"] == "since"


def test_an_unknown_decision_or_address_is_not_found(client: TestClient) -> None:
    problem(client.get("/api/history/01KAQ3V9ZC8M0Y6W2N4T7R5B1D"), 404, "There is no decision")
    problem(client.get("/api/nothing"), 404)
    problem(client.delete("/api/history"), 405)


def test_a_history_that_is_gone_is_told_without_its_path(
    client: TestClient, history: SqliteHistory, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise HistoryUnavailable(f"{tmp_path}: the disk is gone")

    monkeypatch.setattr(history, "page", fail)
    monkeypatch.setattr(history, "append", fail)
    document = problem(client.get("/api/history"), 503, "Try again later")
    assert str(tmp_path) not in json.dumps(document)
    answered = client.post("/api/route", json={"prompt": PROMPT})
    assert answered.status_code == 200
    assert answered.json()["recorded"] is False


def test_a_history_that_only_a_restart_brings_back_says_so_and_is_not_asked_for_again(
    client: TestClient, history: SqliteHistory
) -> None:
    client.post("/api/route", json={"prompt": PROMPT})
    history.path.rename(f"{history.path}.away")
    assert client.post("/api/route", json={"prompt": PROMPT}).json()["recorded"] is False
    refused = client.get("/api/history")
    problem(refused, 503, "until the server is restarted")
    assert "retry-after" not in refused.headers
    found = client.get("/api/health").json()
    assert (found["status"], "restarted" in found["reason"]) == ("degraded", True)


def test_an_error_nobody_foresaw_is_a_problem_document_without_a_trace(
    client: TestClient, history: SqliteHistory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history, "page", lambda *_: 1 / 0)
    document = problem(client.get("/api/history"), 500)
    assert "division" not in json.dumps(document)


def test_the_page_is_served_with_a_strict_policy_and_no_path_leads_out(client: TestClient) -> None:
    page = client.get("/")
    assert page.status_code == 200
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert page.headers["x-content-type-options"] == "nosniff"
    for path in ("/../pyproject.toml", "/%2e%2e/pyproject.toml", "/..%2fpyproject.toml", "/nothing.js"):
        assert client.get(path).status_code == 404


def test_the_api_documents_itself(client: TestClient) -> None:
    document = client.get("/api/openapi.json").json()
    assert set(document["paths"]) == {
        "/api/route",
        "/v1/decision",
        "/routing/v1/chat/completions",
        "/routing/v1/messages",
        "/routing/v1/responses",
        "/api/configs",
        "/api/models",
        "/api/history",
        "/api/history/{decision_id}",
        "/api/history/{decision_id}/outcomes",
        "/api/outcomes",
        "/api/health",
        "/api/ready",
    }
    assert "application/problem+json" in document["paths"]["/api/route"]["post"]["responses"]["422"]["content"]
    assert client.get("/api/docs").status_code == 200


def test_a_decision_is_recorded_under_the_name_of_its_caller(make_router: MakeRouter, history: SqliteHistory) -> None:
    artifact = fake_artifact()
    router = make_router(history)
    app = create_app(
        router.registry,
        artifact.manifest,
        artifact.digest,
        router=router,
        history=history,
        access_of=lambda request: Access(request.headers.get("x-let-in-as")),
    )
    with TestClient(app) as client:
        named = client.post("/api/route", json={"prompt": PROMPT}, headers={"x-let-in-as": "ci"}).json()
        nameless = client.post("/api/route", json={"prompt": PROMPT}).json()
        assert (named["caller"], nameless["caller"]) == ("ci", None)
        listed = client.get("/api/history").json()["calls"]
        assert [call["caller"] for call in listed] == [None, "ci"]


def test_a_caller_cannot_name_itself(client: TestClient) -> None:
    problem(client.post("/api/route", json={"prompt": PROMPT, "caller": "admin"}), 422, "caller", "unknown field")
    assert client.post("/api/route", json={"prompt": PROMPT}, headers={"x-caller": "admin"}).json()["caller"] is None


def test_without_a_router_the_rest_still_works(make_router: MakeRouter, history: SqliteHistory) -> None:
    artifact = fake_artifact()
    app = create_app(make_router().registry, artifact.manifest, artifact.digest, history=history)
    with TestClient(app) as light:
        assert light.get("/api/health").status_code == 200
        assert light.get("/api/history").status_code == 200
        assert light.post("/api/route", json={"prompt": "x"}).status_code == 404
