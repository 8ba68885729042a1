"""Outcomes that gateways can report: usage without a verdict, whoever served, cut off and failed calls, in batches."""

from typing import Any

import pytest
from fastapi.testclient import TestClient
from pointsman.history.outcomes import Evidence, evidence_of

HARD = "This is hard."


@pytest.fixture
def decision(client: TestClient) -> dict[str, Any]:
    """A decision that chose the strong model, with two fallbacks."""
    made: dict[str, Any] = client.post("/api/route", json={"prompt": HARD, "threshold": 0.9}).json()
    assert made["selected"] == ["acme/strong@high"]
    return made


def report(client: TestClient, decision: dict[str, Any], method: str = "PUT", **outcome: Any) -> Any:
    return client.request(method, f"/api/history/{decision['id']}/outcomes", json=outcome)


USAGE: dict[str, Any] = {
    "input_tokens": 1200,
    "cached_tokens": 1000,
    "output_tokens": 340,
    "latency_ms": 812.5,
    "cost_usd": 0.0042,
    "finish_reason": "stop",
    "source": "gateway",
}


def test_usage_alone_is_an_outcome_and_says_nothing_of_completion(client: TestClient, decision: Any) -> None:
    answer = report(client, decision, model_id="acme/strong@high", **USAGE)
    assert answer.status_code == 200, answer.text
    (kept,) = answer.json()["outcomes"]
    assert {name: kept[name] for name in USAGE} == USAGE
    assert kept["completed"] is None
    assert evidence_of(kept).completion is None


@pytest.mark.parametrize(
    ("named", "served"),
    [
        ("acme/strong", "acme/strong@high"),
        ("strong", "acme/strong@high"),
        ("acme.strong-v1", "acme/strong@high"),
        ("openrouter/acme-labs/strong", "acme/strong@high"),
        ("acme/strong@low", "acme/strong@low"),
        ("acme/middle", "acme/middle"),
        ("acme/weak-2026-09-01", "acme/weak"),
    ],
)
def test_whoever_served_may_be_named_as_the_gateway_names_it(
    client: TestClient, decision: Any, named: str, served: str
) -> None:
    (kept,) = report(client, decision, model_id=named, completed=True).json()["outcomes"]
    assert kept["model_id"] == served


def test_post_adds_to_what_is_known_and_put_replaces_it(client: TestClient, decision: Any) -> None:
    report(client, decision, "POST", model_id="acme/strong", **USAGE)
    (both,) = report(client, decision, "POST", model_id="acme/strong", completed=True, source="user").json()["outcomes"]
    assert (both["completed"], both["output_tokens"], both["source"]) == (True, 340, "user")
    (later,) = report(client, decision, "POST", model_id="acme/strong", output_tokens=350).json()["outcomes"]
    assert (later["completed"], later["output_tokens"]) == (True, 350)
    (alone,) = report(client, decision, model_id="acme/strong", completed=False).json()["outcomes"]
    assert (alone["completed"], alone["output_tokens"]) == (False, None)


def test_several_models_may_have_tried(client: TestClient, decision: Any) -> None:
    report(client, decision, "POST", model_id="acme/strong", error="overloaded")
    found = report(client, decision, "POST", model_id="acme/middle", completed=True, output_tokens=9).json()["outcomes"]
    assert [one["model_id"] for one in found] == ["acme/middle", "acme/strong@high"]


@pytest.mark.parametrize(
    ("outcome", "said"),
    [
        ({"model_id": "acme/strong"}, "nothing is reported"),
        ({"model_id": "acme/strong", "source": "gateway"}, "nothing is reported"),
        ({"model_id": "acme/nobody", "completed": True}, "was never a candidate"),
        ({"model_id": "x" * 300, "completed": True}, "200"),
        ({"model_id": "acme/strong", "completed": "yes"}, "completed"),
        ({"model_id": "acme/strong", "source": "rumour", "completed": True}, "source"),
        ({"model_id": "acme/strong", "input_tokens": 5, "cached_tokens": 6}, "more than input_tokens"),
        ({"model_id": "acme/strong", "output_tokens": -1}, "output_tokens"),
        ({"model_id": "acme/strong", "error": "x" * 501}, "error"),
        ({"completed": True}, "model_id"),
    ],
)
@pytest.mark.parametrize("method", ["PUT", "POST"])
def test_an_outcome_that_makes_no_sense_is_refused_and_nothing_is_kept(
    client: TestClient, decision: Any, method: str, outcome: dict[str, Any], said: str
) -> None:
    answer = report(client, decision, method, **outcome)
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    assert said in answer.text
    assert client.get(f"/api/history/{decision['id']}").json()["outcomes"] == []


def test_a_batch_keeps_each_outcome_or_says_why_not(client: TestClient, decision: Any) -> None:
    other = client.post("/api/route", json={"prompt": "What is 1+1?"}).json()
    gone = "01KAQ3V9ZC8M0Y6W2N4T7R5B1D"
    outcomes = [
        {"id": decision["id"], "model_id": "strong", **USAGE},
        {"id": gone, "model_id": "strong", "completed": True},
        {"id": other["id"], "model_id": "acme/nobody", "completed": True},
        {"id": other["id"], "model_id": other["selected"][0], "completed": True},
    ]
    answer = client.post("/api/outcomes", json={"outcomes": outcomes})
    assert answer.status_code == 200, answer.text
    results = answer.json()["results"]
    assert [one["status"] for one in results] == [200, 404, 422, 200]
    assert "never a candidate" in results[2]["detail"]
    assert client.get(f"/api/history/{decision['id']}").json()["outcomes"][0]["output_tokens"] == 340
    (kept,) = client.get(f"/api/history/{other['id']}").json()["outcomes"]
    assert kept["completed"] is True


@pytest.mark.parametrize(
    "batch",
    [
        {"outcomes": []},
        {"outcomes": [{"id": "x", "model_id": "y"}]},
        {"outcomes": [{"model_id": "y", "completed": True}]},
        {"outcomes": [{"id": "x", "model_id": "y", "completed": True}] * 201},
        {},
    ],
)
def test_a_batch_that_cannot_be_read_is_refused_whole(client: TestClient, batch: dict[str, Any]) -> None:
    assert client.post("/api/outcomes", json=batch).status_code == 422


@pytest.mark.parametrize(
    ("outcome", "proved"),
    [
        ({"completed": True}, Evidence(1.0, None, False, True)),
        ({"completed": False, "score": 0.25, "output_tokens": 9}, Evidence(0.25, 9, False, True)),
        ({"output_tokens": 9, "finish_reason": "stop"}, Evidence(None, 9, False, True)),
        ({"output_tokens": 4096, "finish_reason": "length"}, Evidence(None, 4096, True, True)),
        ({"output_tokens": 4096, "finish_reason": "max_tokens", "completed": False}, Evidence(0.0, 4096, True, True)),
        ({"error": "rate limited", "output_tokens": 3}, Evidence(None, None, False, False)),
        ({"cost_usd": 0.1}, Evidence(None, None, False, None)),
    ],
)
def test_each_outcome_proves_what_it_can_and_no_more(outcome: dict[str, Any], proved: Evidence) -> None:
    assert evidence_of(outcome) == proved
