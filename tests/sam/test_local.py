"""The stack in order, over HTTP, as a client sees it."""

import json
from collections.abc import Iterator

import httpx
import pytest

from scripts.harness.serving import serving
from scripts.sam_local import stack
from scripts.sam_local.engine import WORK
from tests.sam.conftest import client

PROMPTS = [
    "What is 1+1?",
    "Prove that every finite integral domain is a field.",
    "证明:每个有限整环都是域。",
    "Translate 'good morning' to Thai. " * 400,
]
PROBLEM = "application/problem+json"


@pytest.fixture(scope="module")
def laptop(url: str) -> Iterator[httpx.Client]:
    """The same library, artifact and registry behind `make serve`."""
    assert url
    with serving() as server, httpx.Client(base_url=server.url, timeout=60) as ready:
        yield ready


def route(api: httpx.Client, prompt: str = "What is 1+1?", **fields: object) -> httpx.Response:
    return api.post("/api/route", json={"prompt": prompt, **fields})


def test_a_decision_is_made_recorded_listed_and_gets_an_outcome(api: httpx.Client) -> None:
    made = route(api, "Who wrote Faust?", task="trivia").json()
    assert made["recorded"] is True
    assert made["caller"] == "laptop"
    listed = api.get("/api/history", params={"limit": 1}).json()["calls"][0]
    assert (listed["id"], listed["caller"], listed["prompt_preview"]) == (made["id"], "laptop", "Who wrote Faust?")
    outcome = {"model_id": made["selected"][0], "completed": True, "score": 0.9}
    answered = api.put(f"/api/history/{made['id']}/outcomes", json=outcome)
    assert answered.status_code == 200
    opened = api.get(f"/api/history/{made['id']}").json()
    assert opened["task"] == "trivia"
    assert [(o["model_id"], o["score"]) for o in opened["outcomes"]] == [(made["selected"][0], 0.9)]


@pytest.mark.parametrize("config", ["auto", "cheap-pair", "quality-pair"])
@pytest.mark.parametrize("prompt", PROMPTS, ids=["easy", "hard", "chinese", "long"])
def test_the_functions_decide_as_the_local_server_does(
    api: httpx.Client, laptop: httpx.Client, prompt: str, config: str
) -> None:
    there, here = route(api, prompt, config=config).json(), route(laptop, prompt, config=config).json()
    assert there["selected"] == here["selected"]
    # The two may run different versions of onnxruntime and numpy, so a sum may end differently in its last digits.
    assert there["difficulty"] == pytest.approx(here["difficulty"], rel=1e-4)
    for ours, theirs in zip(there["candidates"], here["candidates"], strict=True):
        for field in ("mu", "sigma"):
            assert ours.pop(field) == pytest.approx(theirs.pop(field), rel=1e-4)
        assert ours == theirs
    assert there["artifact"] == here["artifact"]


def test_health_configs_and_models_are_the_local_servers(api: httpx.Client, laptop: httpx.Client) -> None:
    for path in ("/api/health", "/api/configs", "/api/models"):
        here, there = api.get(path).json(), laptop.get(path).json()
        for answer in (here, there):
            answer.pop("last_append", None)  # each process tells of its own
        assert here == there


def test_the_history_pages_by_cursor(api: httpx.Client) -> None:
    ids = [route(api, f"Number {i}?").json()["id"] for i in range(3)]
    first = api.get("/api/history", params={"limit": 2}).json()
    second = api.get("/api/history", params={"limit": 1, "cursor": first["next"]}).json()
    assert [call["id"] for call in (*first["calls"], *second["calls"])] == ids[::-1]


def test_without_a_token_every_path_is_401(url: str) -> None:
    with client(url, None) as anybody:
        for method, path in (
            ("POST", "/api/route"),
            ("GET", "/api/health"),
            ("GET", "/api/history"),
            ("PUT", "/api/history/01KAQ3V9ZC8M0Y6W2N4T7R5B1D/outcomes"),
            ("GET", "/api/nothing"),
            ("OPTIONS", "/api/route"),
        ):
            assert anybody.request(method, path).status_code == 401, (method, path)


@pytest.mark.parametrize("wrong", ["unknown-token", "revoked-token", "expired-token", "x" * 5000, "ünïcode".encode()])
def test_a_token_that_is_not_good_is_403(url: str, wrong: str | bytes) -> None:
    headers = {b"authorization": b"Bearer " + (wrong if isinstance(wrong, bytes) else wrong.encode())}
    assert httpx.get(f"{url}/api/health", headers=headers, timeout=60).status_code == 403


def test_a_good_token_under_another_scheme_is_403(url: str, token: str) -> None:
    for value in (token, f"Basic {token}", "Bearer", f"Bearer{token}"):
        assert httpx.get(f"{url}/api/health", headers={"authorization": value}, timeout=60).status_code == 403


def test_the_generated_token_is_good_until_it_is_taken_out(url: str) -> None:
    with client(url, "generated-token") as first:
        assert route(first).json()["caller"] == "first"


def test_a_token_in_the_address_is_refused(url: str, api: httpx.Client, token: str) -> None:
    assert httpx.get(f"{url}/api/health?token={token}", timeout=60).status_code == 401
    beside = api.get("/api/health", params={"access_token": token})
    assert (beside.status_code, beside.headers["content-type"]) == (400, PROBLEM)
    assert token not in beside.text


def test_what_does_not_exist_is_a_404_problem(api: httpx.Client) -> None:
    answer = api.get("/api/nothing")
    assert (answer.status_code, answer.headers["content-type"]) == (404, PROBLEM)
    assert answer.json()["type"] == "urn:pointsman:problem:not-found"
    assert api.get("/api/history/01KAQ3V9ZC8M0Y6W2N4T7R5B1D").status_code == 404
    assert api.get("/api/route").status_code == 405


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{", 400),
        (b"[]", 400),
        (b'{"prompt": ""}', 422),
        (b'{"prompt": "x", "config": "none"}', 422),
        (b'{"prompt": "x", "unknown": 1}', 422),
        (b'{"prompt": "\\ud800"}', 422),
    ],
)
def test_bad_input_is_a_problem_document(api: httpx.Client, body: bytes, status: int) -> None:
    answer = api.post("/api/route", content=body, headers={"content-type": "application/json"})
    assert (answer.status_code, answer.headers["content-type"]) == (status, PROBLEM)


def test_a_body_that_arrives_as_base64_is_read(api: httpx.Client) -> None:
    # The gateway sends what is not text as base64.
    body = json.dumps({"prompt": "What is 1+1?"}).encode()
    answer = api.post("/api/route", content=body, headers={"content-type": "application/octet-stream"})
    assert answer.status_code in (200, 400)
    assert answer.headers["content-type"] in ("application/json", PROBLEM)


def test_a_prompt_over_the_limit_is_413_and_a_body_over_lambdas_is_refused(api: httpx.Client) -> None:
    long = route(api, "word " * 900_000)
    assert (long.status_code, long.headers["content-type"]) == (413, PROBLEM)
    huge = route(api, "word " * 1_400_000)
    assert huge.status_code in (413, 502)


def test_another_origin_gets_no_leave_to_read(api: httpx.Client) -> None:
    answer = api.get("/api/health", headers={"origin": "https://elsewhere.example"})
    assert "access-control-allow-origin" not in answer.headers
    preflight = api.options(
        "/api/route", headers={"origin": "https://elsewhere.example", "access-control-request-method": "POST"}
    )
    assert "access-control-allow-origin" not in preflight.headers


def test_the_page_is_beside_the_api(url: str) -> None:
    assert "<title>" in httpx.get(f"{url}/index.html").text


def test_the_log_has_the_decision_and_nothing_of_the_prompt(api: httpx.Client) -> None:
    made = route(api, "Xylophone quagmire?", config="cheap-pair").json()
    log = (WORK / "api.log").read_text()
    lines = [json.loads(line) for line in log.splitlines() if line.startswith('{"level"')]
    (line,) = [line for line in lines if line.get("decision_id") == made["id"]]
    assert (line["config"], line["selected"]) == ("cheap-pair", made["selected"])
    assert set(line["milliseconds"]) == {"embed", "choose", "record"}
    assert "Xylophone" not in log


def test_a_table_that_is_gone_costs_the_record_and_not_the_answer(api: httpx.Client, aws: str) -> None:
    dynamodb = stack.client("dynamodb", aws)
    dynamodb.delete_table(TableName=stack.TABLE)
    try:
        made = route(api, "Zeppelin marmalade?").json()
        assert made["recorded"] is False
        assert made["selected"]
        answer = api.get("/api/history")
        assert (answer.status_code, answer.headers["content-type"]) == (503, PROBLEM)
        assert api.get("/api/health").status_code == 200
    finally:
        stack.create_table(aws)
    log = (WORK / "api.log").read_text()
    (line,) = [json.loads(line) for line in log.splitlines() if "decision_not_recorded" in line and made["id"] in line]
    assert line["record"]["candidates"] == made["candidates"]
    assert "Zeppelin" not in log
    assert route(api).json()["recorded"] is True
