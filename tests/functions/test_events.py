"""Events in the forms that gateways, consoles and test tools send: served, or refused with the right status."""

import base64
import json
from typing import Any

import pytest
from pointsman.errors import MalformedRequest

from functions.events import request_of
from tests.functions.conftest import Context, event

OUTCOME = '{"model_id": "x", "completed": true}'
MISSING = "0" * 26


@pytest.mark.parametrize(
    "odd",
    [
        {"headers": None},
        {"headers": {"host": None, "content-type": ["application/json"], "x-count": 1}},
        {"headers": {"Host": "example.com:notaport"}},
        {"headers": {"Host": "[::1]:8080"}},
        {"headers": {"host": "a b", "x-forwarded-port": "https"}},
        {"headers": "none"},
        {"queryStringParameters": None, "rawQueryString": None},
        {"rawQueryString": None, "queryStringParameters": {"limit": "5", "config": None}},
        {"cookies": None},
        {"body": None, "isBase64Encoded": None},
        {"body": "", "isBase64Encoded": "false"},
        {"isBase64Encoded": True},
        {"stageVariables": None, "pathParameters": None},
    ],
)
def test_nulls_and_odd_maps_do_not_keep_a_request_from_being_served(history: Any, odd: dict[str, Any]) -> None:
    answer = history({**event(path="/api/health"), **odd}, Context())
    assert (answer["statusCode"], json.loads(answer["body"])["status"]) == (200, "ok")


@pytest.mark.parametrize("http", [{"method": "GET"}, {"method": "get", "sourceIp": None}, {"method": "GET", "path": 1}])
def test_a_request_without_a_source_is_served(history: Any, http: dict[str, Any]) -> None:
    answer = history({**event(), "requestContext": {"http": http}}, Context())
    assert answer["statusCode"] == 200


@pytest.mark.parametrize("body", [{"model_id": "x"}, [1], 5, True, 1.5])
def test_a_body_that_is_no_text_is_a_400_that_says_so(history: Any, body: object) -> None:
    made = event("PUT", f"/api/history/{MISSING}/outcomes")
    answer = history({**made, "body": body}, Context())
    assert answer["statusCode"] == 400
    assert "write the JSON into a string" in json.loads(answer["body"])["detail"]


@pytest.mark.parametrize("stage", ["prod", "api", "v1", "$default"])
@pytest.mark.parametrize("path", ["/api/health", "/api/nothing"])
def test_a_named_stage_is_no_part_of_the_path(history: Any, stage: str, path: str) -> None:
    made = event(path=path if stage == "$default" else f"/{stage}{path}")
    made["requestContext"]["stage"] = stage
    assert history(made, Context())["statusCode"] == (200 if path.endswith("health") else 404)


def of_version_one(method: str, path: str, **more: Any) -> dict[str, Any]:
    """What a REST API sends: no version, no rawPath, a value and a list of values for everything."""
    return {
        "resource": "/{proxy+}",
        "path": path,
        "httpMethod": method,
        "headers": {"Content-Type": "application/json", "Host": "example.com"},
        "multiValueHeaders": {"Content-Type": ["application/json"], "Host": ["example.com"]},
        "queryStringParameters": None,
        "multiValueQueryStringParameters": None,
        "requestContext": {"stage": "api", "path": f"/api{path}", "identity": {"sourceIp": "203.0.113.1"}},
        "body": None,
        "isBase64Encoded": False,
        **more,
    }


def test_payload_version_one_is_served(history: Any) -> None:
    assert history(of_version_one("GET", "/api/health"), Context())["statusCode"] == 200
    asked = of_version_one("GET", "/api/history", multiValueQueryStringParameters={"limit": ["500"]})
    answer = history(asked, Context())
    assert (answer["statusCode"], json.loads(answer["body"])["errors"][0]["field"]) == (422, "limit")
    encoded = base64.b64encode(OUTCOME.encode()).decode()
    put = of_version_one("PUT", f"/api/history/{MISSING}/outcomes", body=encoded, isBase64Encoded=True)
    answer = history(put, Context())
    assert answer["statusCode"] == 404
    assert set(answer) == {"statusCode", "headers", "body", "isBase64Encoded"}  # a REST API takes no other field
    twice = of_version_one("GET", "/api/history", multiValueQueryStringParameters={"limit": ["5", "6"]})
    assert history(twice, Context())["statusCode"] == 422


@pytest.mark.parametrize(
    ("authorizer", "place", "name"),
    [
        ({"name": "laptop"}, ("lambda", "name"), "laptop"),
        ({"claims": {"sub": "someone"}}, ("jwt", "claims", "sub"), "someone"),
    ],
)
def test_who_calls_is_found_in_version_one_too(authorizer: Any, place: tuple[str, ...], name: str) -> None:
    made = of_version_one("GET", "/api/health", requestContext={"authorizer": authorizer})
    found: Any = request_of(made)["requestContext"]["authorizer"]
    for part in place:
        found = found[part]
    assert found == name


@pytest.mark.parametrize(
    "where",
    [
        {"queryStringParameters": {"Token": "x"}, "rawQueryString": None},
        {"rawQueryString": "limit=5&api_key=pm_x"},
        {"rawQueryString": "%74oken"},
        {"multiValueQueryStringParameters": {"token": ["x"]}, "rawQueryString": None},
    ],
)
def test_credentials_in_an_address_are_refused_however_they_are_written(where: dict[str, Any]) -> None:
    with pytest.raises(MalformedRequest, match="end up in logs"):
        request_of({**event(), **where})
