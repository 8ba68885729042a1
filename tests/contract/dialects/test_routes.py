"""What the routes answer to bodies of every dialect, with our fields beside, in whose names, and how they refuse."""

from typing import Any

import pytest
from fastapi.testclient import TestClient
from pointsman.history.sqlite import SqliteHistory

EASY, HARD = "What is 1+1?", "This is hard."


def chat(text: str = EASY, **more: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": text}], **more}


TOOLS = [{"type": "function", "function": {"name": "search", "parameters": {}}}]
BODIES: dict[str, dict[str, Any]] = {
    "prompt": {"prompt": EASY},
    "chat": chat(),
    "responses": {"input": EASY},
    "messages": chat(system="Be brief.", max_tokens=9000),
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_every_dialect_gets_a_decision_that_is_recorded(
    client: TestClient, history: SqliteHistory, body: dict[str, Any]
) -> None:
    answer = client.post("/api/route", json=body)
    assert answer.status_code == 200, answer.text
    decision = answer.json()
    assert decision["selected"] == ["acme/weak"]
    assert decision["recorded"]
    kept = history.get(decision["id"])
    assert EASY in kept["prompt"]
    assert answer.headers["x-pointsman-decision-id"] == decision["id"]
    assert answer.headers["x-pointsman-model"] == "acme/weak"
    assert float(answer.headers["x-pointsman-p-complete"]) == pytest.approx(decision["expected_quality"], rel=1e-5)
    assert float(answer.headers["x-pointsman-cost-usd"]) == pytest.approx(decision["cost"])
    assert answer.headers["x-pointsman-reason"] == "threshold"


def test_what_a_body_needs_filters_the_candidates_by_itself(client: TestClient) -> None:
    picture = {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}
    seen = [{"role": "user", "content": [{"type": "text", "text": EASY}, picture]}]
    for body in (chat(tools=TOOLS), {"messages": seen}, {"input": EASY, "tools": [{"type": "function", "name": "f"}]}):
        decision = client.post("/api/route", json=body).json()
        assert "acme/weak" not in [one["model_id"] for one in decision["candidates"]], body
    assert "image" in decision["excluded"][0]["why"] or "tools" in decision["excluded"][0]["why"]


def test_tokens_are_of_the_whole_body_and_the_difficulty_of_what_is_asked_now(client: TestClient) -> None:
    long = [
        {"role": "system", "content": "rule " * 500},
        {"role": "user", "content": HARD},
        {"role": "assistant", "content": "done"},
        {"role": "user", "content": EASY},
    ]
    decision = client.post("/api/route", json={"messages": long, "tools": TOOLS}).json()
    alone = client.post("/api/route", json=chat(EASY)).json()
    assert decision["difficulty"] == alone["difficulty"]
    assert decision["candidates"][0]["input_tokens"] > 500 + alone["candidates"][0]["input_tokens"]
    assert client.post("/api/route", json=chat(HARD)).json()["difficulty"] > decision["difficulty"]


def test_the_limit_of_the_call_caps_what_is_expected_to_be_written(client: TestClient) -> None:
    decision = client.post("/api/route", json=chat(max_completion_tokens=10)).json()
    assert decision["tokens"]["expected"] <= 10
    assert decision["asked"]["max_output_tokens"] == 10


def test_our_fields_are_heard_in_the_body_and_in_headers(client: TestClient) -> None:
    by_body = client.post("/api/route", json=chat(threshold=0.95, exclude=["strong"])).json()
    assert by_body["completion_threshold"] == 0.95
    assert all("strong" not in one["model_id"] for one in by_body["candidates"])
    headers = {"x-pointsman-threshold": "0.95", "x-pointsman-models": "strong@high,acme/weak"}
    by_header = client.post("/api/route", json=chat(), headers=headers).json()
    assert by_header["completion_threshold"] == 0.95
    assert {one["model_id"] for one in by_header["candidates"]} == {"acme/strong@high", "acme/weak"}
    assert client.post("/api/route", json=chat(config="bare")).json()["config"] == "bare"
    assert client.post("/api/route", json={"prompt": EASY}, headers={"x-pointsman-config": "bare"}).json()[
        "config"
    ] == ("bare")


def test_a_body_that_names_a_config_as_its_model_is_routed_by_it(client: TestClient) -> None:
    assert client.post("/api/route", json=chat(model="pointsman/bare")).json()["config"] == "bare"
    assert client.post("/api/route", json=chat(model="gpt-5.5")).json()["config"] == "auto"
    assert client.post("/api/route", json=chat(model="bare", config="kong")).json()["config"] == "kong"


def test_an_answer_is_in_the_callers_names_where_it_asks_for_them(client: TestClient) -> None:
    hard = {"threshold": 0.8, "config": "bare"}
    ours = client.post("/api/route", json=chat(HARD, **hard)).json()
    assert "model" not in ours["calls"][0]
    theirs = client.post("/api/route", json=chat(HARD, names="openrouter", **hard)).json()
    assert (theirs["calls"][0]["model_id"], theirs["calls"][0]["model"]) == ("acme/strong", "acme-labs/strong")
    assert theirs["fallbacks"][0]["model"] == "acme/weak"
    config = client.post("/api/route", json=chat(HARD, threshold=0.8, config="named")).json()
    assert config["calls"][0]["model"] == "acme.strong-v1"
    asked = client.post("/api/route?detail=brief", json=chat(HARD, threshold=0.8, models=["strong", "acme/weak"]))
    assert asked.json()["calls"][0]["model"] == "strong"


def test_a_retried_request_gets_the_same_decision(client: TestClient, history: SqliteHistory) -> None:
    headers = {"idempotency-key": "one"}
    first = client.post("/api/route", json=chat(), headers=headers)
    again = client.post("/api/route", json=chat(), headers=headers)
    assert again.json() == first.json()
    assert again.headers["idempotency-replayed"] == "true"
    assert "idempotency-replayed" not in first.headers
    assert len(history.page(10).calls) == 1
    assert client.post("/api/route?detail=brief", json=chat(), headers=headers).json()["id"] == first.json()["id"]
    other = client.post("/api/route", json=chat(HARD), headers=headers)
    assert other.status_code == 422
    assert other.json()["errors"][0]["field"] == "idempotency-key"


def decision_of(request: dict[str, Any], form: str = "openai_chat", **more: Any) -> dict[str, Any]:
    return {"input_format": form, "request": {"model": "kong", **request}, **more}


@pytest.mark.parametrize(
    ("form", "request_body"),
    [
        ("openai_chat", chat(HARD)),
        ("openai_responses", {"input": HARD}),
        ("anthropic_messages", {**chat(HARD), "max_tokens": 9000, "system": "Be brief."}),
    ],
)
def test_switchyards_decision_names_a_target_of_the_map(
    client: TestClient, form: str, request_body: dict[str, Any]
) -> None:
    answer = client.post("/v1/decision", json=decision_of(request_body, form, threshold=0.8))
    assert answer.status_code == 200, answer.text
    document = answer.json()
    assert set(document) == {"selected", "fallbacks"}
    for target in (document["selected"], *document["fallbacks"]):
        assert set(target) == {"target", "model", "llm_client", "extra_body"}
        assert target["llm_client"] == {"format": form}
    assert (document["selected"]["target"], document["selected"]["model"]) == ("strong", "acme/strong")
    assert "low" in str(document["selected"]["extra_body"])
    assert [one["target"] for one in document["fallbacks"]] == ["weak"]
    assert answer.headers["x-pointsman-effort"] == "low"


def test_without_a_map_a_target_is_the_models_name(client: TestClient) -> None:
    document = client.post("/v1/decision", json={"input_format": "openai_chat", "request": chat(model="bare")}).json()
    assert document["selected"]["target"] == document["selected"]["model"] == "acme/weak"
    assert document["selected"]["extra_body"] == {}


@pytest.mark.parametrize("marker", ["[redacted 412 chars]", "[redacted: 412 chars]"])
def test_withheld_text_is_answered_with_the_configs_default_and_says_so(
    client: TestClient, history: SqliteHistory, marker: str
) -> None:
    answer = client.post("/v1/decision", json=decision_of(chat(marker)))
    assert answer.json()["selected"]["target"] == "weak"
    assert answer.headers["x-pointsman-reason"] == "default"
    kept = history.get(answer.headers["x-pointsman-decision-id"])
    assert "withheld" in kept["explanation"]
    assert "default of 'kong'" in kept["explanation"]
    assert kept["candidates"][0]["input_tokens"] >= 103
    ours = client.post("/api/route", json=chat(marker)).json()
    assert (ours["selected"], ours["reason"]) == (["acme/middle"], "default")


def test_withheld_text_without_a_default_or_with_one_that_cannot_serve_is_said(client: TestClient) -> None:
    marker = "[redacted: 9 chars]"
    bare = client.post("/api/route", json=chat(marker, config="bare")).json()
    assert bare["reason"] in ("threshold", "fallback")
    assert "no default_model" in bare["explanation"]
    tools = client.post("/api/route", json=chat(marker, config="kong", tools=TOOLS)).json()
    assert tools["selected"][0].startswith("acme/strong")
    assert "cannot serve it" in tools["explanation"]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("chat/completions", chat()),
        ("messages", chat(max_tokens=9000)),
        ("responses", {"input": EASY}),
    ],
)
def test_planos_routes_list_models_in_order(client: TestClient, path: str, body: dict[str, Any]) -> None:
    headers = {"x-model-affinity": "s-1", "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}
    first = client.post(f"/routing/v1/{path}", json={"model": "gpt-4o", **body}, headers=headers)
    assert first.status_code == 200, first.text
    document = first.json()
    assert document["models"][0] == "acme/weak"
    assert len(document["models"]) == 3
    assert document["route"] == "auto"
    assert document["trace_id"] == "0af7651916cd43dd8448eb211c80319c"
    assert (document["session_id"], document["pinned"], document["switched"]) == ("s-1", False, False)
    again = client.post(f"/routing/v1/{path}", json={"model": "gpt-4o", **body}, headers=headers).json()
    assert again["pinned"]


@pytest.mark.parametrize(
    ("path", "body", "status", "said"),
    [
        ("/v1/decision", {"input_format": "cohere", "request": {}}, 400, "input_format"),
        ("/v1/decision", decision_of(chat(), model_typo=1), 200, ""),
        ("/v1/decision", {"input_format": "openai_chat", "request": chat(model="nothing")}, 404, "no config 'nothing'"),
        ("/v1/decision", {"input_format": "openai_chat", "request": chat()}, 404, "Name a config"),
        ("/v1/decision", decision_of(chat(), threshold=70), 400, "threshold"),
        ("/routing/v1/chat/completions", {"messages": None}, 400, "messages: missing or null"),
        ("/routing/v1/chat/completions", chat(None), 400, "messages.0.content: null"),  # type: ignore[arg-type]
        ("/routing/v1/responses", {"input": None}, 400, "input: null"),
        ("/routing/v1/chat/completions", chat(session_id="x" * 10_240), 400, "session_id: 10,240 characters"),
        ("/routing/v1/chat/completions", chat(models=["acme/strnog"]), 400, "acme/strong"),
    ],
)
def test_openais_callers_are_refused_in_openais_shape(
    client: TestClient, history: SqliteHistory, path: str, body: dict[str, Any], status: int, said: str
) -> None:
    answer = client.post(path, json=body)
    assert answer.status_code == status, answer.text
    if status == 200:
        return
    assert answer.headers["content-type"] == "application/json"
    error = answer.json()["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert error["type"] == "invalid_request_error"
    assert error["code"] == ("model_not_found" if status == 404 else error["code"])
    assert said in error["message"]
    assert history.page(10).calls == []


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/routing/v1/messages", {"messages": [{"role": "assistant", "content": "a"}]}),
        ("/routing/v1/messages", {"messages": [{"role": "user", "content": None}]}),
        ("/routing/v1/messages", []),
        ("/v1/decision", {"input_format": "anthropic_messages", "request": {"model": "kong", "messages": []}}),
        ("/v1/decision", {"input_format": "anthropic_messages", "request": chat(model="nothing")}),
    ],
)
def test_anthropics_callers_are_refused_in_anthropics_shape(
    client: TestClient, history: SqliteHistory, path: str, body: Any
) -> None:
    answer = client.post(path, json=body)
    document = answer.json()
    expected = "not_found_error" if "nothing" in str(body) else "invalid_request_error"
    assert answer.status_code == (404 if "nothing" in str(body) else 400), answer.text
    assert (document["type"], document["error"]["type"]) == ("error", expected)
    assert document["error"]["message"]
    assert history.page(10).calls == []


def test_a_wrong_method_or_a_body_that_is_too_large_is_refused_in_the_callers_shape(make_client: Any) -> None:
    client = make_client(max_prompt_bytes=2_000)
    wrong = client.get("/v1/decision")
    assert (wrong.status_code, wrong.json()["error"]["type"]) == (405, "invalid_request_error")
    assert "POST" in wrong.headers["allow"]
    large = client.post("/routing/v1/messages", json=chat("x" * 100_000))
    assert (large.status_code, large.json()["error"]["type"]) == (413, "request_too_large")
    long = client.post("/v1/decision", json=decision_of(chat("word " * 500)))
    assert (long.status_code, long.json()["error"]["code"]) == (413, "payload_too_large")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"prompt": "a", **chat()}, "messages"),
        ({"messages": [{"role": "tool", "tool_call_id": "x", "content": "a"}]}, "messages.0.tool_call_id"),
        ({"messages": [{"role": "user", "content": None}]}, "messages.0.content"),
        (chat(system="a", response_format={"type": "json_object"}), "response_format"),
        (chat(session_id="x" * 10_240), "session_id"),
        (chat(sticky="sometimes"), "sticky"),
        (chat(names="nobody"), "names"),
        (chat(threshold="high"), "threshold"),
        (chat(config="nothing"), "config"),
        ({"prompt": "a", "tools": []}, "tools"),
    ],
)
def test_our_own_route_refuses_with_a_problem_document_that_names_the_field(
    client: TestClient, history: SqliteHistory, body: dict[str, Any], field: str
) -> None:
    answer = client.post("/api/route", json=body)
    assert answer.status_code == 422, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["errors"][0]["field"] == field
    assert history.page(10).calls == []


@pytest.mark.parametrize("raw", [b'{"messages": [{"role": "user", "content": "\\ud800"}]}', b'{"input": "\\udfff"}'])
def test_half_a_character_is_refused(client: TestClient, raw: bytes) -> None:
    answer = client.post("/api/route", content=raw, headers={"content-type": "application/json"})
    assert answer.status_code == 422
    assert "surrogate" in answer.text


def test_endless_numbers_and_deep_nesting_are_no_servers_error(client: TestClient) -> None:
    deep = b'{"messages":[{"role":"user","content":"a"}],"tools":[' + b"[" * 500 + b"]" * 500 + b"]}"
    for raw in (deep, b'{"messages":[{"role":"user","content":"a"}],"tools":[{"n":' + b"9" * 400 + b"}]}"):
        answer = client.post("/api/route", content=raw, headers={"content-type": "application/json"})
        assert answer.status_code in (200, 400, 422), answer.text


def test_a_picture_of_five_megabytes_is_an_image_and_not_a_text(client: TestClient) -> None:
    picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "A" * 6_700_000}}
    answer = client.post("/api/route", json={"messages": [{"role": "user", "content": [picture]}]})
    assert answer.status_code == 200, answer.text[:500]
    assert answer.json()["candidates"][0]["input_tokens"] < 5_000


def test_root_health_is_ok_for_those_who_ask_there(client: TestClient) -> None:
    assert client.get("/health").json()["status"] == "ok"


HALF = "\\ud800"


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/decision", f'{{"input_format":"{HALF}","request":{{}}}}'),
        (
            "/v1/decision",
            f'{{"input_format":"openai_chat","request":{{"messages":[{{"role":"{HALF}","content":"x"}}]}}}}',
        ),
        ("/routing/v1/messages", f'{{"messages":[{{"role":"user","content":"x"}}],"max_tokens":"{HALF}"}}'),
        ("/routing/v1/chat/completions", f'{{"messages":[{{"role":"user","content":"x"}}],"tools":"{HALF}"}}'),
        ("/routing/v1/chat/completions", f'{{"messages":[{{"role":"user","content":"x"}}],"session_id":"{HALF}"}}'),
        ("/routing/v1/chat/completions", f'{{"messages":[{{"role":"user","content":"{HALF}"}}]}}'),
        ("/api/route", f'{{"messages":[{{"role":"user","content":"x"}}],"session_id":"{HALF}"}}'),
        ("/api/route", f'{{"prompt":"x","models":["{HALF}"]}}'),
        ("/api/route", f'{{"prompt":"x","config":"{HALF}"}}'),
    ],
)
def test_half_a_character_anywhere_is_refused_in_the_callers_shape(client: TestClient, path: str, body: str) -> None:
    answer = client.post(path, content=body, headers={"content-type": "application/json"})
    assert answer.status_code in (400, 422)
    assert answer.json()["errors" if path == "/api/route" else "error"]
