"""What a function checks before its app: the way that a request came, and how often its caller asked."""

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from tests.functions.conftest import TABLE, Context, Import, event

CI = {"lambda": {"name": "ci", "scopes": "read", "per_minute": 3}}


@pytest.mark.parametrize("headers", [{}, {"x-pointsman-origin": ""}, {"x-pointsman-origin": "guess"}, None])
def test_a_request_past_cloudfront_is_refused(history: Any, monkeypatch: pytest.MonkeyPatch, headers: Any) -> None:
    monkeypatch.setenv("ORIGIN_SECRET", "secret")
    answer = history({**event(), "headers": headers}, Context())
    assert answer["statusCode"] == 403
    assert "ApiUrl" in json.loads(answer["body"])["detail"]


def test_a_request_by_way_of_cloudfront_is_served(history: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORIGIN_SECRET", "secret")
    made = {**event(), "headers": {"X-Pointsman-Origin": "secret"}}
    assert history(made, Context())["statusCode"] == 200


def test_without_cloudfront_nobody_is_asked_for_its_header(history: Any) -> None:
    assert history(event(), Context())["statusCode"] == 200


def at(monkeypatch: pytest.MonkeyPatch, module: Any, text: str) -> None:
    """Stop the clock of quotas."""

    check = module.check_quota
    monkeypatch.setattr(
        module,
        "check_quota",
        lambda access, count, default: check(access, count, default, datetime.fromisoformat(text)),
    )


def test_a_quota_counts_in_the_table_for_every_copy(history: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    import functions.gate as gate

    at(monkeypatch, gate, "2030-01-01T12:00:45+00:00")
    asked = event(authorizer=CI)
    assert [history(asked, Context())["statusCode"] for _ in range(5)] == [200, 200, 200, 429, 429]
    limited = history(asked, Context())
    assert limited["headers"]["retry-after"] == "15"
    gate.renew()  # another copy
    assert history(asked, Context())["statusCode"] == 429
    other = event(authorizer={"lambda": {"name": "other"}})
    assert history(other, Context())["statusCode"] == 200
    item = boto3.client("dynamodb").get_item(
        TableName=TABLE, Key={"pk": {"S": "quota#ci"}, "sk": {"S": "2030-01-01T12:00"}}
    )["Item"]
    assert item["asked"] == {"N": "3"}
    assert int(item["expires_at"]["N"]) > 1893499200
    # The counters are no decisions.
    assert json.loads(history(event(path="/api/history"), Context())["body"])["calls"] == []


def test_the_stacks_quota_holds_for_tokens_without_one(history: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    import functions.gate as gate

    at(monkeypatch, gate, "2030-01-01T12:01:00+00:00")
    monkeypatch.setenv("POINTSMAN_REQUESTS_PER_MINUTE", "1")
    asked = event(authorizer={"lambda": {"name": "plain"}})
    assert [history(asked, Context())["statusCode"] for _ in range(2)] == [200, 429]


@pytest.mark.parametrize(
    "error",
    [
        EndpointConnectionError(endpoint_url="https://x"),
        ClientError({"Error": {"Code": "AccessDeniedException", "Message": ""}}, "UpdateItem"),
    ],
)
def test_where_it_cannot_be_counted_a_request_is_let_through(
    history: Any, monkeypatch: pytest.MonkeyPatch, error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    import functions.gate as gate

    def fail(**_: Any) -> None:
        raise error

    monkeypatch.setattr(gate, "_client", type("Gone", (), {"update_item": staticmethod(fail)}))
    assert [history(event(authorizer=CI), Context())["statusCode"] for _ in range(5)] == [200] * 5
    assert "could not be counted" in caplog.text


def test_every_answer_is_kept_by_nobody_and_asks_for_tls(history: Any) -> None:
    for asked in (event(), event(path="/api/nothing"), {}, event(query={"token": "x"})):
        headers = history(asked, Context())["headers"]
        assert headers["cache-control"] == "no-store"
        assert headers["strict-transport-security"].startswith("max-age=")


def test_nothing_is_counted_without_a_quota(history: Any, monkeypatch: pytest.MonkeyPatch, start: Import) -> None:
    import functions.gate as gate

    assert callable(start)
    counted: list[Callable[..., object]] = []
    monkeypatch.setattr(gate, "count", lambda *a: counted.append(a))
    history(event(authorizer={"lambda": {"name": "plain"}}), Context())
    assert counted == []
