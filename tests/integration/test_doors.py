"""The doors of the API: who is let in, by which name, and for what; the same on a laptop as on AWS."""

import json
import logging
import subprocess
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import CliRunner
from fastapi.testclient import TestClient
from pointsman.api import create_app
from pointsman.api.cors import with_cors
from pointsman.api.doors import guard, is_own_host, own_names
from pointsman.auth.access import Access
from pointsman.auth.quotas import check_quota, counter_in_memory
from pointsman.auth.tokens_file import watched_tokens
from pointsman.cli.main import cli
from pointsman.errors import SettingsError, TooManyRequests
from pointsman.history.sqlite import SqliteHistory
from pointsman.settings import load_settings
from starlette.applications import Starlette

from scripts.harness.serving import command, serving
from tests.conftest import ROOT, MakeRouter
from tests.fakes import fake_artifact

ALL = ["route", "read", "read:all", "report", "admin"]


def new_token(path: Path, name: str, *scopes: str, per_minute: int | None = None) -> str:
    quota = [] if per_minute is None else [f"--per-minute={per_minute}"]
    arguments = ["token", "new", name, f"--file={path}", *(f"--scope={scope}" for scope in scopes), *quota]
    return CliRunner().invoke(cli, arguments, catch_exceptions=False).stdout.strip()


Ask = Callable[..., Any]


@pytest.fixture
def tokens(tmp_path: Path) -> Path:
    path = tmp_path / "tokens.json"
    new_token(path, "somebody")
    return path


@pytest.fixture
def ask(make_router: MakeRouter, history: SqliteHistory, tokens: Path) -> Iterator[Ask]:
    """Asks the guarded app of a local server with a token."""
    router, artifact = make_router(history), fake_artifact()
    app = create_app(
        router.registry, artifact.manifest, artifact.digest, router=router, history=history, web=ROOT / "web"
    )
    guarded = guard(app, own_names("127.0.0.1", ["pm.example"]), True, watched_tokens(tokens))
    with TestClient(app):  # starts and ends the app
        client = TestClient(guarded, base_url="http://localhost:8080", raise_server_exceptions=False)

        def send(token: str | None, method: str, path: str, **more: Any) -> Any:
            headers = {**({} if token is None else {"authorization": f"Bearer {token}"}), **more.pop("headers", {})}
            return client.request(method, path, headers=headers, **more)

        yield send


def refused(answer: Any, status: int, *words: str) -> None:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    for word in words:
        assert word in answer.text


@pytest.fixture
def from_page(make_router: MakeRouter, tokens: Path) -> Iterator[Callable[..., Any]]:
    """Asks the guarded app as a page of another origin would, by a browser."""
    router, artifact = make_router(), fake_artifact()
    app = create_app(router.registry, artifact.manifest, artifact.digest, router=router)
    guarded = guard(app, own_names("127.0.0.1"), True, watched_tokens(tokens))
    with TestClient(app):
        served = with_cors(guarded, "https://app.example, http://localhost:3000/")
        client = TestClient(served, base_url="http://localhost:8080", raise_server_exceptions=False)

        def send(method: str, origin: str, **headers: str) -> Any:
            return client.request(method, "/api/route", json={"prompt": "hi"}, headers={"origin": origin, **headers})

        yield send


@pytest.mark.parametrize("origin", ["https://app.example", "http://localhost:3000"])
def test_a_page_that_is_named_may_ask_and_read_what_it_is_refused(from_page: Callable[..., Any], origin: str) -> None:
    asks = {"access-control-request-method": "POST", "access-control-request-headers": "authorization, content-type"}
    preflight = from_page("OPTIONS", origin, **asks)
    assert (preflight.status_code, preflight.headers["access-control-allow-origin"]) == (200, origin)
    assert "authorization" in preflight.headers["access-control-allow-headers"]
    assert "access-control-allow-credentials" not in preflight.headers
    refused_one = from_page("POST", origin)
    assert (refused_one.status_code, refused_one.headers["access-control-allow-origin"]) == (401, origin)
    assert "x-pointsman-decision-id" in refused_one.headers["access-control-expose-headers"]


@pytest.mark.parametrize("origin", ["https://evil.example", "https://app.example.evil", "null", "http://app.example"])
def test_a_page_that_is_not_named_may_not(from_page: Callable[..., Any], origin: str) -> None:
    preflight = from_page("OPTIONS", origin, **{"access-control-request-method": "POST"})
    assert preflight.status_code == 400
    assert "access-control-allow-origin" not in preflight.headers
    assert "access-control-allow-origin" not in from_page("POST", origin).headers


def test_without_the_setting_nothing_changes() -> None:
    app = Starlette()
    assert with_cors(app, "") is app


@pytest.mark.parametrize("wrong", ["*", "app.example", "https://*.example", "https://a.example/path", "https://a b"])
def test_origins_are_named_one_by_one(wrong: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POINTSMAN_CORS_ORIGINS", wrong)
    said = "is not valid: not a list of origins. Give whole origins with commas between them"
    with pytest.raises(SettingsError, match=f"POINTSMAN_CORS_ORIGINS=.*{said}"):
        load_settings()


@pytest.mark.parametrize("path", ["/api/health", "/api/history", "/api/models", "/api/docs", "/api/nothing", "/api"])
def test_everything_under_api_needs_a_good_token_and_the_page_none(ask: Ask, path: str, tokens: Path) -> None:
    answer = ask(None, "GET", path)
    refused(answer, 401, "Authorization: Bearer")
    assert answer.headers["www-authenticate"] == "Bearer"
    for bad in ("pm_somebody_" + "0" * 64, "x", json.loads(tokens.read_text())["tokens"][0]["sha256"]):
        refused(ask(bad, "GET", path), 403, "not accepted")
    assert ask(None, "GET", "/").status_code == 200
    assert ask(new_token(tokens, "late"), "GET", path).status_code in (200, 404)


def test_a_token_in_the_address_is_refused_though_a_good_one_is_in_the_header(ask: Ask, tokens: Path) -> None:
    token = new_token(tokens, "ci")
    refused(ask(token, "GET", f"/api/health?Token={token}"), 400, "end up in logs")
    assert token not in ask(token, "GET", f"/api/health?token={token}").text


def test_a_revoked_token_is_refused_at_once(ask: Ask, tokens: Path) -> None:
    token = new_token(tokens, "ci")
    assert ask(token, "GET", "/api/health").status_code == 200
    CliRunner().invoke(cli, ["token", "revoke", "ci", f"--file={tokens}"], catch_exceptions=False)
    refused(ask(token, "GET", "/api/health"), 403)


@pytest.mark.parametrize("damage", [lambda path: path.unlink(), lambda path: path.write_text("{")])
def test_a_document_that_is_gone_or_none_lets_nobody_in(
    ask: Ask, tokens: Path, damage: Callable[[Path], object], caplog: pytest.LogCaptureFixture
) -> None:
    token = new_token(tokens, "ci")
    damage(tokens)
    with caplog.at_level(logging.ERROR):
        answer = ask(token, "GET", "/api/health")
    refused(answer, 500)
    assert str(tokens) not in answer.text
    assert str(tokens) in caplog.text


def asked_by(ask: Ask, token: str) -> dict[str, int]:
    """What each request answers to a token, on a decision of somebody else."""
    routed = ask(token, "POST", "/api/route", json={"prompt": "hello"})
    return {
        "route": routed.status_code,
        "read": ask(token, "GET", "/api/history").status_code,
        "models": ask(token, "GET", "/api/models").status_code,
    }


@pytest.mark.parametrize(
    ("scopes", "route", "read"),
    [(["route"], 200, 403), (["read"], 403, 200), (["report"], 403, 403), (["read:all"], 403, 200), (ALL, 200, 200)],
)
def test_a_token_may_do_what_its_scopes_say_and_no_more(
    ask: Ask, tokens: Path, scopes: list[str], route: int, read: int
) -> None:
    assert asked_by(ask, new_token(tokens, "ci", *scopes)) == {"route": route, "read": read, "models": 200}


def test_a_refusal_names_the_scope_that_is_missing(ask: Ask, tokens: Path) -> None:
    refused(ask(new_token(tokens, "ci", "read"), "POST", "/api/route", json={"prompt": "x"}), 403, "not route")


def test_a_reader_sees_its_own_decisions_and_a_reader_of_all_everybodys(ask: Ask, tokens: Path) -> None:
    mine, theirs = new_token(tokens, "mine"), new_token(tokens, "theirs")
    made = {
        token: [ask(token, "POST", "/api/route", json={"prompt": f"{i}"}).json()["id"] for i in range(3)]
        for token in (mine, theirs)
    }
    assert [call["id"] for call in ask(mine, "GET", "/api/history").json()["calls"]] == made[mine][::-1]
    assert ask(mine, "GET", f"/api/history/{made[mine][0]}").status_code == 200
    refused(ask(mine, "GET", f"/api/history/{made[theirs][0]}"), 404)
    everybody = new_token(tokens, "auditor", "read:all")
    assert len(ask(everybody, "GET", "/api/history").json()["calls"]) == 6
    assert ask(everybody, "GET", f"/api/history/{made[mine][0]}").status_code == 200


def test_pages_of_ones_own_decisions_lose_none_among_those_of_others(ask: Ask, tokens: Path) -> None:
    mine, theirs = new_token(tokens, "mine"), new_token(tokens, "theirs")
    made = []
    for i in range(20):
        answer = ask(mine if i % 3 == 0 else theirs, "POST", "/api/route", json={"prompt": f"{i}"}).json()
        made += [answer["id"]] if i % 3 == 0 else []
    seen, cursor = [], None
    while True:
        page = ask(mine, "GET", "/api/history", params={"limit": 2, **({"cursor": cursor} if cursor else {})}).json()
        assert len(page["calls"]) <= 2
        seen += [call["id"] for call in page["calls"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert seen == made[::-1]


def test_an_outcome_says_who_reported_it_and_a_reporter_does_not_learn_what_was_asked(ask: Ask, tokens: Path) -> None:
    asker, grader = new_token(tokens, "asker"), new_token(tokens, "grader", "report")
    made = ask(asker, "POST", "/api/route", json={"prompt": "a secret", "task": "private"}).json()
    outcome = {"model_id": made["selected"][0], "completed": True}
    told = ask(grader, "PUT", f"/api/history/{made['id']}/outcomes", json=outcome)
    assert told.json()["outcomes"][0]["reported_by"] == "grader"
    assert "secret" not in told.text
    assert "private" not in told.text
    found = ask(asker, "GET", f"/api/history/{made['id']}").json()
    assert (found["prompt"], found["outcomes"][0]["reported_by"]) == ("a secret", "grader")
    refused(ask(asker, "PUT", f"/api/history/{made['id']}/outcomes", json={**outcome, "reported_by": "me"}), 422)


def test_a_token_may_ask_as_often_as_its_quota_says_in_a_minute(ask: Ask, tokens: Path) -> None:
    token = new_token(tokens, "busy", per_minute=3)
    answers = [ask(token, "GET", "/api/health") for _ in range(8)]
    allowed = [answer for answer in answers if answer.status_code == 200]
    assert 3 <= len(allowed) <= 6  # a minute may begin meanwhile
    limited = next(answer for answer in answers if answer.status_code == 429)
    assert 1 <= int(limited.headers["retry-after"]) <= 60
    assert ask(new_token(tokens, "other"), "GET", "/api/health").status_code == 200


def test_a_quota_starts_anew_with_the_minute_and_others_do_not_use_it_up() -> None:
    count = counter_in_memory()
    ci, other = Access("ci", per_minute=2), Access("other")
    at = datetime(2026, 1, 1, 12, 0, 45, tzinfo=UTC)
    for _ in range(2):
        check_quota(ci, count, now=at)
    with pytest.raises(TooManyRequests) as raised:
        check_quota(ci, count, now=at)
    assert raised.value.headers == {"retry-after": "15"}
    for _ in range(5):
        check_quota(other, count, now=at)
    check_quota(other, count, default=1, now=at)
    with pytest.raises(TooManyRequests):
        check_quota(other, count, default=1, now=at)
    check_quota(ci, count, now=at.replace(minute=1))


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "LOCALHOST:8080",
        "localhost.",
        "127.0.0.1:8080",
        "127.9.9.9",
        "[::1]:8080",
        "pm.example",
        "PM.example:1",
    ],
)
def test_a_server_answers_to_its_own_names(ask: Ask, host: str) -> None:
    assert ask(None, "GET", "/", headers={"host": host}).status_code == 200


@pytest.mark.parametrize(
    "host",
    [
        *("evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "evil.example:8080", ""),
        *("localhost@evil.example", "localhost evil.example", "notpm.example", "x.pm.example"),
        *("10.0.0.1", "[2001:db8::1]:80", "2130706433", "0x7f.1"),
    ],
)
@pytest.mark.parametrize("path", ["/", "/api/health", "/api/history"])
def test_a_server_answers_to_no_other_name(ask: Ask, tokens: Path, host: str, path: str) -> None:
    refused(ask(new_token(tokens, "ci"), "GET", path, headers={"host": host}), 421, "not a name of this server")


def test_a_server_for_others_answers_to_any_address_and_to_its_names_only() -> None:
    names = own_names("0.0.0.0")
    assert is_own_host("192.0.2.7:8080", names, loopback=False)
    assert is_own_host("[2001:db8::1]", names, loopback=False)
    assert not is_own_host("evil.example", names, loopback=False)


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
def test_where_others_can_reach_it_the_server_does_not_start_without_tokens(host: str) -> None:
    done = subprocess.run(command("serve", "--port", "0", "--host", host), capture_output=True, text=True, check=False)
    assert done.returncode == 1
    for word in ("--tokens", "pointsman token new", "--insecure-no-auth"):
        assert word in done.stderr


def test_a_file_of_tokens_that_is_none_stops_the_start(tmp_path: Path) -> None:
    arguments = command("serve", "--port", "0", "--tokens", str(tmp_path / "none.json"))
    done = subprocess.run(arguments, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "none.json: no such file" in done.stderr


def test_the_real_server_keeps_its_doors(tmp_path: Path, artifact_folder: Path) -> None:
    path = tmp_path / "tokens.json"
    token = new_token(path, "ci")
    arguments = (f"--artifact={artifact_folder}", "--host=0.0.0.0", f"--tokens={path}")
    with serving(*arguments) as server:
        url = server.url.replace("0.0.0.0", "127.0.0.1")
        assert httpx.get(f"{url}/api/health").status_code == 401
        good = {"authorization": f"Bearer {token}"}
        assert httpx.get(f"{url}/api/health", headers=good).status_code == 200
        assert httpx.get(f"{url}/api/health", headers={**good, "host": "evil.example"}).status_code == 421
        made = httpx.post(f"{url}/api/route", headers=good, json={"prompt": "hello"}, timeout=30).json()
        assert (made["caller"], made["recorded"]) == ("ci", True)


def test_the_real_server_on_this_machine_asks_for_no_token_and_answers_to_no_other_name(artifact_folder: Path) -> None:
    with serving(f"--artifact={artifact_folder}") as server:
        assert httpx.get(f"{server.url}/api/history").status_code == 200
        assert httpx.get(f"{server.url}/api/history", headers={"host": "rebound.example"}).status_code == 421
