"""Nothing is read as what it does not say: times, numbers, names and sizes are exact, or refused with the remedy."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest
from fastapi.testclient import TestClient
from pointsman.api import create_app
from pointsman.history.sqlite import SqliteHistory
from pointsman.instants import instant_of

from tests.conftest import MakeRouter
from tests.fakes import fake_artifact

LIMIT = 30_000
JSON = {"content-type": "application/json"}


@pytest.fixture
def client(make_router: MakeRouter, history: SqliteHistory) -> Iterator[TestClient]:
    router, artifact = make_router(history, max_prompt_bytes=LIMIT), fake_artifact()
    app = create_app(router.registry, artifact.manifest, artifact.digest, router=router, history=history)
    with TestClient(app, raise_server_exceptions=False) as made:
        yield made


def refused(response: Any, field: str, *words: str) -> None:
    document = response.json()
    assert response.status_code == 422, document
    assert field in document["detail"] or field in [error["field"] for error in document["errors"]]
    for word in words:
        assert word in document["detail"]


@pytest.mark.parametrize(
    "text",
    [
        *("2027", "20261231", "0.5", "1767225600", "1e9", "-1", "inf", "", " ", "now", "2026-W01-1", "2026-001"),
        *("2026-02-30", "2026-13-01", "2026-1-1", "26-01-01", "2026-01-01T", "2026-01-01T24:61", "2026-01-01T10"),
        *("2026-01-01T10:00:00+0200", "2026-01-01T10:00:00 02:00", "2026-01-01T10:00:00Zulu", "٢٠٢٦-٠١-٠١"),
    ],
)
@pytest.mark.parametrize("field", ["since", "until"])
def test_what_is_no_time_is_refused_with_how_to_write_one(client: TestClient, field: str, text: str) -> None:
    refused(client.get("/api/history", params={field: text}), field, "2027-01-31T08:30:00Z")


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("2026-12-31", datetime(2026, 12, 31, tzinfo=UTC)),
        ("2026-12-31T10:30", datetime(2026, 12, 31, 10, 30, tzinfo=UTC)),
        ("2026-12-31t10:30:05.5z", datetime(2026, 12, 31, 10, 30, 5, 500_000, tzinfo=UTC)),
        ("2026-12-31 10:30:00+02:00", datetime(2026, 12, 31, 8, 30, tzinfo=UTC)),
        ("2024-02-29T23:59:59-12:00", datetime(2024, 3, 1, 11, 59, 59, tzinfo=UTC)),
        ("0000-02-29", datetime(1, 1, 1, tzinfo=UTC)),
    ],
)
def test_a_time_is_read_as_it_says_and_without_a_zone_as_utc(text: str, meant: datetime) -> None:
    assert instant_of(text) == meant


def test_a_page_can_be_asked_for_from_the_first_year_to_the_last(client: TestClient) -> None:
    client.post("/api/route", json={"prompt": "hello"})
    all_time = {"since": "0001-01-01T00:00:00+23:59", "until": "9999-12-31T23:59:59-23:59"}
    assert len(client.get("/api/history", params=all_time).json()["calls"]) == 1


@pytest.mark.parametrize("limit", ["1_0", " 5", "5 ", "+5", "5.0", "0x5", "٥", "", "1e1", "9" * 30])
def test_a_limit_is_plain_digits(client: TestClient, limit: str) -> None:
    refused(client.get("/api/history", params={"limit": limit}), "limit")


def test_a_parameter_that_there_is_not_or_twice_is_refused_and_not_passed_over(client: TestClient) -> None:
    refused(client.get("/api/history?modle=acme/strong"), "modle", "unknown field")
    refused(client.get("/api/history?model=acme/strong&model=acme/weak"), "model", "more than once")


def test_a_filter_by_an_alias_finds_what_its_model_decided(client: TestClient) -> None:
    made = client.post("/api/route", json={"prompt": "hello"}).json()
    assert made["selected"] == ["acme/middle"]
    calls = client.get("/api/history", params={"model": "middle"}).json()["calls"]
    assert [call["id"] for call in calls] == [made["id"]]
    assert client.get("/api/history", params={"model": "acme/strong"}).json()["calls"] == []


@pytest.mark.parametrize(
    ("field", "name", "near"),
    [
        ("model", "acme/midle", "'acme/middle'"),
        ("model", "acme/strongg", "'acme/strong'"),
        ("model", "", "no model"),
        ("model", "nothing like it", "no model"),
        ("config", "Auto", "auto"),
        ("config", "aut", "auto"),
    ],
)
def test_a_filter_by_a_name_that_nobody_knows_is_refused_with_the_nearest(
    client: TestClient, field: str, name: str, near: str
) -> None:
    refused(client.get("/api/history", params={field: name}), field, near)


def test_what_the_registry_has_forgotten_can_still_be_found(
    make_router: MakeRouter, history: SqliteHistory, client: TestClient
) -> None:
    old = make_router(history).decide("hello").to_dict()
    history.append({**old, "id": old["id"][:-1] + "0", "selected": ["acme/retired"], "config": "retired"})
    for where in ({"model": "acme/retired"}, {"config": "retired"}):
        assert len(client.get("/api/history", params=where).json()["calls"]) == 1


def test_a_decision_is_found_by_its_id_in_either_letter_case(client: TestClient) -> None:
    made = client.post("/api/route", json={"prompt": "hello"}).json()
    assert client.get(f"/api/history/{made['id'].lower()}").json()["id"] == made["id"]
    outcome = {"model_id": made["selected"][0], "completed": True}
    assert client.put(f"/api/history/{made['id'].lower()}/outcomes", json=outcome).status_code == 200


@pytest.mark.parametrize("text", ["x", "x" * 5_000, "8" + "0" * 25, "0" * 27, "ſ" * 26, "%00", "..%2f..", "01KAQ3V9 "])
def test_what_is_no_id_of_a_decision_is_not_found(client: TestClient, text: str) -> None:
    assert client.get(f"/api/history/{text}").status_code == 404


@pytest.mark.parametrize("value", [5.0, 5])
def test_a_whole_number_may_be_written_with_a_point(client: TestClient, value: float) -> None:
    made = client.post("/api/route", json={"prompt": "hello", "max_output_tokens": value}).json()
    assert {candidate["output_tokens"] for candidate in made["candidates"]} == {5}


@pytest.mark.parametrize("value", [5.5, "5", True, 0, -1, 1e30, [5]])
def test_what_is_no_count_of_tokens_is_refused(client: TestClient, value: Any) -> None:
    refused(client.post("/api/route", json={"prompt": "hello", "max_output_tokens": value}), "max_output_tokens")


def escaped(text: str) -> str:
    """A JSON string with every UTF-16 unit written out, which JSON allows and is the longest it allows."""
    units = memoryview(text.encode("utf-16-le")).cast("H")
    return '"' + "".join(f"\\u{unit:04x}" for unit in units) + '"'


@pytest.mark.parametrize("character", ["a", "\x01", "\\", "/", "\x7f", "ж", "好", "👩", "\ud7ff"])
@pytest.mark.parametrize("write", [json.dumps, partial(json.dumps, ensure_ascii=False), escaped])
def test_a_prompt_of_the_limit_is_read_in_every_encoding_and_one_byte_more_is_not(
    client: TestClient, character: str, write: Any
) -> None:
    fits = character * (LIMIT // len(character.encode()))
    for prompt, status in ((fits, 200), (fits + "x" * (LIMIT + 1 - len(fits.encode())), 413)):
        answer = client.post("/api/route", content=f'{{"prompt": {write(prompt)}}}'.encode(), headers=JSON)
        assert answer.status_code == status, answer.text[:200]


def test_a_body_beyond_any_encoding_of_a_prompt_is_refused_unread(client: TestClient) -> None:
    body = b'{"prompt": "' + b" " * (LIMIT * 6 + 70_000) + b'"}'
    answer = client.post("/api/route", content=body, headers=JSON)
    assert (answer.status_code, answer.json()["status"]) == (413, 413)


def test_a_body_is_limited_where_no_prompt_is_expected(make_router: MakeRouter, history: SqliteHistory) -> None:
    artifact = fake_artifact()
    light = TestClient(create_app(make_router().registry, artifact.manifest, artifact.digest, history=history))
    answer = light.put(f"/api/history/{'0' * 26}/outcomes", content=b" " * 100_000, headers=JSON)
    assert answer.status_code == 413


def test_a_body_may_begin_with_a_byte_order_mark(client: TestClient) -> None:
    answer = client.post("/api/route", content=b"\xef\xbb\xbf" + b'{"prompt": "hello"}\r\n', headers=JSON)
    assert answer.json()["prompt"] == "hello"
