"""`route` and `history` as Lambda calls them: events in, answers out, and never an exception."""

import json
import logging
import random
import subprocess
import sys
from datetime import datetime
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import boto3
import pytest
from pointsman import instants
from pointsman.errors import ArtifactError
from pointsman.history import replay

from tests.conftest import ROOT, MakeTable
from tests.functions.conftest import TABLE, Context, Import, event

PROBLEM = "application/problem+json"


def body_of(answer: dict[str, Any]) -> Any:
    return json.loads(answer["body"])


def test_a_decision_carries_its_callers_name_whatever_let_it_in(route: Any) -> None:
    for authorizer, name in (
        ({"lambda": {"name": "laptop"}}, "laptop"),
        ({"jwt": {"claims": {"sub": "someone"}, "scopes": None}}, "someone"),
        ({"iam": {"userArn": "arn:aws:iam::1:user/me"}}, "arn:aws:iam::1:user/me"),
        (None, None),
    ):
        made = route(event("POST", "/api/route", {"prompt": "What is 1+1?"}, authorizer=authorizer), Context())
        assert (made["statusCode"], body_of(made)["caller"]) == (200, name)
        assert body_of(made)["recorded"] is True


@pytest.mark.parametrize(
    "odd",
    [
        {},
        None,
        [],
        "text",
        {"Records": [{"eventSource": "aws:sqs", "body": "{}"}]},
        {"version": "1.0", "httpMethod": "GET", "requestContext": {}},
        {"version": "1.0", "httpMethod": None, "path": "/api/health"},
        {"source": "aws.events", "detail": {}},
        {"requestContext": None},
        {"version": "2.0", "requestContext": {"http": None}},
        {"version": "2.0", "requestContext": {"http": {"method": "GET"}}},
    ],
)
def test_an_event_that_is_no_request_is_a_400_problem(history: Any, odd: object) -> None:
    answer = history(odd, Context())
    assert (answer["statusCode"], answer["headers"]["content-type"]) == (400, PROBLEM)


def test_a_base64_body_is_read_and_a_broken_one_is_refused(route: Any) -> None:
    good = event("POST", "/api/route", json.dumps({"prompt": "What is 1+1?"}).encode())
    assert route(good, Context())["statusCode"] == 200
    assert route({**good, "body": "no base64!"}, Context())["statusCode"] == 400
    assert route(event("POST", "/api/route", b"\xff\xfe\x00"), Context())["statusCode"] == 400


def test_a_body_of_six_megabytes_is_a_413_problem(route: Any) -> None:
    answer = route(event("POST", "/api/route", {"prompt": "word " * 1_200_000}), Context())
    assert (answer["statusCode"], answer["headers"]["content-type"]) == (413, PROBLEM)


def test_a_path_that_does_not_exist_is_a_404_problem_in_plain_text(history: Any) -> None:
    answer = history(event(path="/api/nothing"), Context())
    assert (answer["statusCode"], answer["headers"]["content-type"]) == (404, PROBLEM)
    assert answer["isBase64Encoded"] is False


@pytest.mark.parametrize("name", ["token", "Access_Token", "authorization"])
def test_a_token_in_the_address_is_refused_and_not_repeated(history: Any, name: str) -> None:
    answer = history(event(query={name: "pm_laptop_secret"}), Context())
    assert answer["statusCode"] == 400
    assert "pm_laptop" not in answer["body"]


def test_a_clock_that_jumps_changes_no_answer(route: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    ids = []
    for year in (2026, 2040, 1990, 2026):
        clock = SimpleNamespace(now=lambda tz, year=year: datetime(year, 1, 1, tzinfo=tz))
        monkeypatch.setattr(instants, "datetime", clock)
        made = route(event("POST", "/api/route", {"prompt": "What is 1+1?"}), Context())
        assert (made["statusCode"], body_of(made)["recorded"]) == (200, True)
        ids.append(body_of(made)["id"])
    assert len(set(ids)) == 4
    assert ids[2] < ids[0] < ids[1]  # an id says when its decision was made, wherever the clock has been


def test_a_log_line_holds_no_prompt_and_the_unrecorded_decision_can_be_replayed(
    route: Any, aws: MakeTable, capsys: pytest.CaptureFixture[str]
) -> None:
    boto3.client("dynamodb").delete_table(TableName=TABLE)
    lines: list[str] = []
    handler = logging.getLogger("pointsman.history").handlers[0]
    handler.emit = lambda record: lines.append(handler.format(record))  # type: ignore[method-assign]
    made = body_of(route(event("POST", "/api/route", {"prompt": "Zeppelin marmalade?"}), Context()))
    assert made["recorded"] is False
    assert len(lines) == 1
    assert "Zeppelin" not in lines[0]
    assert "Zeppelin" not in capsys.readouterr().out
    store = aws(name=TABLE)
    assert [found.id for found in replay(store, lines)] == [made["id"]]
    assert store.get(made["id"])["candidates"] == made["candidates"]


def test_a_start_that_fails_is_answered_and_tried_again(start: Import) -> None:
    shared, tries = start("shared"), []

    def build() -> Any:
        tries.append(1)
        raise ArtifactError("/opt/artifact: no such file.")

    handler = shared.serve(build)
    for _ in range(2):
        answer = handler(event(), Context())
        assert (answer["statusCode"], answer["headers"]["content-type"]) == (503, PROBLEM)
        assert "/opt" not in answer["body"]
    assert len(tries) == 3


def test_before_a_snapshot_a_start_that_fails_is_raised(start: Import, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_LAMBDA_INITIALIZATION_TYPE", "snap-start")
    shared = start("shared")

    def build() -> Any:
        raise ArtifactError("/opt/artifact: no such file.")

    with pytest.raises(ArtifactError):
        shared.serve(build)


def test_after_a_snapshot_connections_and_randomness_are_renewed(
    start: Import, monkeypatch: pytest.MonkeyPatch
) -> None:
    registered: list[Any] = []
    runtime = ModuleType("snapshot_restore_py")
    runtime.register_after_restore = registered.append  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "snapshot_restore_py", runtime)
    shared, renewed = start("shared"), []
    shared.after_restore(lambda: renewed.append(1))
    random.seed(1)
    before = random.getstate()
    for hook in registered:
        hook()
    assert renewed == [1]
    assert random.getstate() != before


def test_history_imports_neither_numpy_nor_the_embedder_nor_yaml(compiled: Path) -> None:
    code = (
        "import os, sys; import functions.history.app; "
        "print([m for m in ('numpy', 'onnxruntime', 'tokenizers', 'yaml', 'click', 'uvicorn') if m in sys.modules])"
    )
    variables = {
        "PYTHONPATH": f"{ROOT}:{ROOT / 'layers/pointsman/python'}",
        "POINTSMAN_TABLE": "t-t",
        "POINTSMAN_REGISTRY": str(compiled / "registry.json"),
        "POINTSMAN_ARTIFACT": str(compiled),
        "AWS_DEFAULT_REGION": "us-east-1",
        "POWERTOOLS_TRACE_DISABLED": "true",
    }
    done = subprocess.run([sys.executable, "-c", code], env=variables, capture_output=True, text=True, check=True)
    assert done.stdout.strip().splitlines()[-1] == "[]"
    assert "cannot start" not in done.stdout


def test_the_functions_observe_and_keep_what_would_have_been_chosen(route: Any, history: Any) -> None:
    body = {"messages": [{"role": "user", "content": "What is 1+1?"}], "model": "openai/gpt-5.5@high", "observe": True}
    made = body_of(route(event("POST", "/api/route", body), Context()))
    assert (made["selected"], made["reason"], made["fallbacks"]) == (["openai/gpt-5.5@high"], "observed", [])
    assert made["shadow"]["selected"] != made["selected"]
    kept = body_of(history(event(path=f"/api/history/{made['id']}"), Context()))
    assert (kept["shadow"], kept["recorded"]) == (made["shadow"], True)
    outcome = {"model_id": "openai/gpt-5.5", "input_tokens": 9, "output_tokens": 5, "source": "gateway"}
    done = history(event("PUT", f"/api/history/{made['id']}/outcomes", outcome), Context())
    assert body_of(done)["outcomes"][0]["model_id"] == "openai/gpt-5.5@high"
    refused = route(event("POST", "/api/route", {**body, "model": "openai/gpt-5.55"}), Context())
    assert (refused["statusCode"], refused["headers"]["content-type"]) == (422, PROBLEM)
    asked = event("POST", "/v1/decision", {"input_format": "openai_chat", "request": {**body, "model": "auto"}})
    asked["headers"] |= {"x-pointsman-own-model": "openai/gpt-5.5@high"}
    assert "gpt-5.5" in body_of(route(asked, Context()))["selected"]["model"]
