"""Whatever the service does, the caller's request goes on; what is reported is what happened."""

import asyncio
import json
import logging
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
from pointsman.api.connections import IDLE_S
from pointsman_client import Answer, AsyncClient, Client, NamesError, engine
from pointsman_client.outcomes import usage_of

from tests.clients import nasty
from tests.clients.nasty import DECISION, Nasty, http, nasty_server
from tests.loops import run as run_alone

DEFAULT = "my/own-model"
MESSAGES = [{"role": "user", "content": "What is 1+1?"}]


@pytest.fixture
def server() -> Iterator[Nasty]:
    with nasty_server() as one:
        yield one


def route(url: str, timeout_s: float = 20, **more: Any) -> Answer:
    with Client(url, default=DEFAULT, timeout_s=timeout_s, **more) as client:
        return client.route(messages=MESSAGES)


def test_an_answer_says_what_to_call_and_what_next(server: Nasty) -> None:
    answer = route(server.url)
    assert answer.routed
    assert (answer.model, answer.effort, dict(answer.request)) == (
        "openai/gpt-5.6-luna",
        "low",
        {"reasoning_effort": "low"},
    )
    assert (answer.p_complete, answer.cost_usd, answer.decision_id) == (0.9, 0.0005, DECISION["id"])
    assert [(one.model, one.p_complete) for one in answer.fallbacks] == [("acme/other", 0.8)]
    assert server.paths("/api/route") == [{"messages": MESSAGES}]


BAD: dict[str, tuple[nasty.Reply, str]] = {
    "silent": (nasty.silent, "slow"),
    "a byte at a time": (nasty.dripping, "slow"),
    "hangs up": (nasty.hanging_up, "unreachable"),
    "hangs up at once": (b"", "unreachable"),
    "429": (http(429, {"detail": "too many"}), "busy"),
    "500": (http(500, {"detail": "no"}), "failing"),
    "500 of a proxy": (http(502, b"<html>Bad Gateway</html>", "text/html"), "failing"),
    "HTML": (http(200, b"<html>Sign in</html>", "text/html"), "unreadable"),
    "no JSON": (http(200, b'{"calls": [', "application/json"), "unreadable"),
    "elsewhere": (http(302, b"", location="https://example.com/"), "unreadable"),
    "not a document": (http(200, [1, 2]), "unreadable"),
    "nothing": (http(200, {}), "unreadable"),
    "no calls": (http(200, {**DECISION, "calls": []}), "unreadable"),
    "calls of another kind": (http(200, {**DECISION, "calls": [{"model": 5}]}), "unreadable"),
    "deep": (http(200, b"[" * 100_000), "unreadable"),
    "not allowed": (http(401, {"message": "Unauthorized"}), "refused"),
    "an old service": (http(404, {"detail": "Not Found"}), "refused"),
    "not HTTP": (b"SSH-2.0-OpenSSH_9.6\r\n", "unreachable"),
}


@pytest.mark.parametrize("name", BAD)
def test_the_request_goes_on_with_its_default_and_the_reason_is_logged_once(
    name: str, server: Nasty, caplog: pytest.LogCaptureFixture
) -> None:
    server.reply, kind = BAD[name]
    with Client(server.url, default=DEFAULT, timeout_s=0.3 if kind == "slow" else 20, rest_s=0) as client:
        answers = [client.route(messages=MESSAGES) for _ in range(2)]
        for answer in answers:
            assert (answer.model, answer.routed, answer.decision_id, dict(answer.request)) == (DEFAULT, False, None, {})
            assert answer.problem is not None
            assert answer.problem.kind == kind
            assert not client.report(answer, completed=True)
        assert client.flush()
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    assert server.paths("/api/outcomes") == []
    assert len(server.requests) <= 2


@pytest.mark.parametrize("read", [True, False])
def test_a_kept_connection_that_was_closed_meanwhile_loses_no_decision(
    read: bool, server: Nasty, caplog: pytest.LogCaptureFixture
) -> None:
    server.reply = partial(nasty.keeping, read=read)
    with Client(server.url, default=DEFAULT, timeout_s=20) as client:
        assert [client.route(messages=MESSAGES).problem for _ in range(4)] == [None] * 4
    assert caplog.records == []
    assert len(server.paths("/api/route")) == 4


def test_a_connection_that_rests_is_given_up_before_the_service_closes_it(
    server: Nasty, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert engine.KEPT_S < IDLE_S
    ends: list[bytes] = []

    def keeping(one: socket.socket) -> None:
        one.sendall(http(200, DECISION))
        ends.append(one.recv(100))

    server.reply = keeping
    monkeypatch.setattr(engine, "KEPT_S", 0.01)
    with Client(server.url, default=DEFAULT, timeout_s=20) as client:
        for _ in range(2):
            assert client.route(messages=MESSAGES).routed
            time.sleep(0.1)
    assert ends[0] == b""


def test_a_service_that_is_not_there_is_no_reason_to_fail(caplog: pytest.LogCaptureFixture) -> None:
    with nasty_server() as gone:
        url = gone.url
    with Client(url, default=DEFAULT, timeout_s=0.3) as client:
        kinds = [answer.problem.kind for _ in range(5) if (answer := client.route(prompt="Hi")).problem]
    assert kinds == ["unreachable"] * 3 + ["resting"] * 2
    assert len(caplog.records) == 1
    assert route("http://no.such.host.invalid", timeout_s=0.3).model == DEFAULT


def test_a_service_that_asks_for_a_pause_gets_one(server: Nasty) -> None:
    server.reply = http(429, {}, retry_after="30")
    with Client(server.url, default=DEFAULT, timeout_s=20) as client:
        assert [client.route(prompt="Hi").model for _ in range(4)] == [DEFAULT] * 4
    assert len(server.requests) == 1


def test_older_and_newer_services_are_understood_as_far_as_they_can_be(server: Nasty) -> None:
    server.reply = http(200, {"id": "x", "selected": ["acme/old"], "expected_quality": "high", "cost": None})
    old = route(server.url)
    assert (old.routed, old.model, old.effort, old.p_complete, old.cost_usd, old.fallbacks) == (
        True, "acme/old", None, None, None, ()
    )  # fmt: skip
    call = {"model_id": "acme/new", "effort": "low", "request": {"x": 1}, "region": "moon"}
    server.reply = http(200, {**DECISION, "calls": [call], "fallbacks": [5, {}, call], "session": [], "mood": {"a": 1}})
    new = route(server.url)
    assert (new.model, [one.model for one in new.fallbacks]) == ("acme/new", ["acme/new"])
    assert new.raw["mood"] == {"a": 1}


def test_models_are_told_in_the_callers_names_and_only_those_that_it_has(server: Nasty) -> None:
    models = {"fast": "openai/gpt-5.6-luna@low", "strong": "acme/strong"}
    answer = route(server.url, models=models)
    assert server.paths("/api/route")[0]["models"] == ["openai/gpt-5.6-luna@low", "acme/strong"]
    assert (answer.model, answer.model_id) == ("fast", "openai/gpt-5.6-luna")
    assert answer.fallbacks == ()
    server.reply = http(200, {**DECISION, "calls": [{"model_id": "acme/none", "effort": None, "request": {}}]})
    stranger = route(server.url, models=models)
    assert (stranger.model, stranger.problem and stranger.problem.kind) == (DEFAULT, "no_such_model")


@pytest.mark.parametrize(
    "models",
    [
        {"a": "acme/x", "b": "acme/x"},
        {"a": "acme/x", "b": "Acme/X "},
        [("a", "acme/x"), ("a", "acme/y")],
        {"a": ""},
        [5],
    ],
)
def test_a_map_of_names_with_two_meanings_is_refused_when_it_is_made(models: Any) -> None:
    with pytest.raises(NamesError, match="models"):
        Client(default=DEFAULT, models=models)


def test_efforts_of_one_model_may_have_names_of_their_own(server: Nasty) -> None:
    models = {"quick": "openai/gpt-5.6-luna@low", "any": "openai/gpt-5.6-luna"}
    assert route(server.url, models=models).model == "quick"


def test_a_model_that_the_service_does_not_know_is_left_out_for_a_while(
    server: Nasty, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def answer(_: str, body: Any) -> bytes:
        if "acme/unheard" in body["models"]:
            error = {"field": "models.1", "message": "unknown model", "value": "acme/unheard"}
            return http(422, {"type": "urn:pointsman:problem:unknown-model", "detail": "no", "errors": [error]})
        return http(200, DECISION)

    server.by_path = answer
    models = {"a": "openai/gpt-5.6-luna", "b": "acme/unheard"}
    with Client(server.url, default=DEFAULT, models=models, timeout_s=20) as client:
        assert [client.route(prompt="Hi").model for _ in range(2)] == ["a", "a"]
    assert [len(body["models"]) for body in server.paths("/api/route")] == [2, 1, 1]
    monkeypatch.setattr("pointsman_client.engine.UNKNOWN_FOR_S", 0.0)
    with Client(server.url, default=DEFAULT, models=models, timeout_s=20) as client:
        client.route(prompt="Hi")
        server.by_path = None
        assert client.route(prompt="Hi").model == "a"
    assert len(server.paths("/api/route")[-1]["models"]) == 2
    assert len(caplog.records) == 2


@pytest.mark.parametrize("call", [{}, {"prompt": "a", "messages": MESSAGES}])
def test_what_is_wrong_in_the_call_itself_is_said(call: dict[str, Any]) -> None:
    with Client(default=DEFAULT) as client, pytest.raises(ValueError, match="one of messages"):
        client.route(**call)
    with Client() as client, pytest.raises(ValueError, match="default: missing"):
        client.route(prompt="Hi")


def test_objects_of_sdks_in_a_conversation_are_sent_and_others_are_no_reason_to_fail(server: Nasty) -> None:
    class Message:
        def model_dump(self, **_: Any) -> dict[str, str]:
            return {"role": "assistant", "content": "2"}

    with Client(server.url, default=DEFAULT, timeout_s=20) as client:
        assert client.route(messages=[*MESSAGES, Message()]).routed
        odd = client.route(messages=[*MESSAGES, object()])
    assert server.paths("/api/route")[0]["messages"][1] == {"role": "assistant", "content": "2"}
    assert (odd.model, odd.problem and odd.problem.kind) == (DEFAULT, "refused")


def kept(path: str, body: Any) -> bytes:
    if path.startswith("/api/route"):
        return http(200, DECISION)
    return http(200, {"results": [{**one, "status": 200} for one in body["outcomes"]]})


def test_reports_are_sent_in_batches_of_who_served(server: Nasty) -> None:
    server.by_path = kept
    with Client(server.url, default=DEFAULT, timeout_s=20) as client:
        answer = client.route(prompt="Hi")
        usage = {"prompt_tokens": 10, "completion_tokens": 4, "prompt_tokens_details": {"cached_tokens": 6}}
        assert client.report(answer, usage=usage, completed=True, source="user")
        assert client.report(answer, model=answer.fallbacks[0], error="x" * 900)
        assert client.report(answer, model="acme/other", latency_ms=12)
        assert not client.report(answer)
        assert client.flush()
    first, second, third = (one for body in server.paths("/api/outcomes") for one in body["outcomes"])
    assert first == {
        "id": DECISION["id"], "model_id": "openai/gpt-5.6-luna@low", "input_tokens": 10, "cached_tokens": 6,
        "output_tokens": 4, "completed": True, "source": "user",
    }  # fmt: skip
    assert (second["model_id"], len(second["error"]), third["model_id"]) == ("acme/other", 500, "acme/other")


@pytest.mark.parametrize(
    "wrong", [{"input_tokens": -1}, {"cost_usd": float("nan")}, {"score": 2}, {"completed": "yes"}, {"source": "me"}]
)
def test_a_report_that_makes_no_sense_is_refused_before_it_is_sent(wrong: dict[str, Any], server: Nasty) -> None:
    with (
        Client(server.url, default=DEFAULT, timeout_s=20) as client,
        pytest.raises(ValueError, match=next(iter(wrong))),
    ):
        client.report(client.route(prompt="Hi"), **wrong)


def test_reports_wait_while_the_service_is_away(server: Nasty, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pointsman_client.engine.PAUSES_S", (0.05,))
    tried: list[int] = []

    def answer(path: str, body: Any) -> bytes:
        if path.startswith("/api/outcomes"):
            tried.append(len(body["outcomes"]))
            if len(tried) < 3:
                return http(503, {})
        return kept(path, body)

    server.by_path = answer
    with Client(server.url, default=DEFAULT, timeout_s=20) as client:
        decision = client.route(prompt="Hi")
        for _ in range(250):
            client.report(decision, latency_ms=1)
        assert client.flush()
    assert sum(tried[2:]) == 250


def test_one_bad_report_does_not_lose_the_others(server: Nasty) -> None:
    taken: list[Any] = []

    def answer(path: str, body: Any) -> bytes:
        if path.startswith("/api/outcomes"):
            if any(one.get("error") == "bad" for one in body["outcomes"]):
                return http(422, {"detail": "bad"})
            taken.extend(body["outcomes"])
        return kept(path, body)

    server.by_path = answer
    with Client(server.url, default=DEFAULT, timeout_s=20) as client:
        decision = client.route(prompt="Hi")
        for error in ("a", "bad", "c"):
            client.report(decision, error=error)
        assert client.flush()
    assert [one["error"] for one in taken] == ["a", "c"]


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_program_that_ends_sends_what_waits(host: str, server: Nasty) -> None:
    server.by_path = kept
    code = (
        "from pointsman_client import Client\n"
        f"client = Client({server.url.replace('127.0.0.1', host)!r}, default='x', timeout_s=20)\n"
        "client.report('01KAQ3V9ZC8M0Y6W2N4T7R5B1D', model='acme/x', completed=True)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
    assert [one["completed"] for body in server.paths("/api/outcomes") for one in body["outcomes"]] == [True]


def test_a_forked_process_asks_and_reports_for_itself(server: Nasty) -> None:
    server.by_path = kept
    code = (
        "import os\n"
        "from pointsman_client import Client\n"
        f"client = Client({server.url!r}, default='x', timeout_s=20)\n"
        "answer = client.route(prompt='Hi')\n"
        "client.report(answer, error='parent')\n"
        "if os.fork() == 0:\n"
        "    client.report(client.route(prompt='Hi'), error='child')\n"
        "    os._exit(0 if client.flush() else 1)\n"
        "assert os.wait()[1] == 0\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
    said = [one["error"] for body in server.paths("/api/outcomes") for one in body["outcomes"]]
    assert sorted(said) == ["child", "parent"]


def test_the_same_from_event_loops_one_after_another(server: Nasty) -> None:
    server.by_path = kept
    client = AsyncClient(server.url, default=DEFAULT, timeout_s=20)

    async def several() -> list[str]:
        answers = await asyncio.gather(*(client.route(prompt="Hi") for _ in range(20)))
        client.report(answers[0], completed=False)
        assert await client.flush()
        return [one.model for one in answers]

    for _ in range(2):
        assert run_alone(several()) == ["openai/gpt-5.6-luna"] * 20
    run_alone(client.close())
    assert run_alone(client.route(prompt="Hi")).model == DEFAULT
    assert len(server.paths("/api/outcomes")) == 2


def test_usage_is_read_as_providers_write_it() -> None:
    class Usage:
        input_tokens, output_tokens, cache_read_input_tokens, cache_creation_input_tokens = 5, 7, 100, 20

    assert usage_of(Usage()) == {"input_tokens": 125, "cached_tokens": 100, "output_tokens": 7}
    responses = {"input_tokens": 5, "output_tokens": 7, "input_tokens_details": {"cached_tokens": 3}}
    assert usage_of(responses) == {"input_tokens": 5, "cached_tokens": 3, "output_tokens": 7}
    assert usage_of({"total": 5}) == usage_of(object()) == usage_of(None) == {}


def test_the_client_is_found_in_the_package_and_says_how_to_install_it() -> None:
    import pointsman.client

    assert pointsman.client.Client is Client
    code = "import sys; sys.modules['pointsman_client'] = None\nimport pointsman.client"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "pip install 'pointsman[client]'" in done.stderr


def test_the_real_service_answers_and_keeps_what_is_reported(pointsman: str) -> None:
    import httpx

    models = {"small": "gpt-5.6-luna", "large": "anthropic/claude-opus-5.5", "none": "acme/unheard"}
    with Client(pointsman, default=DEFAULT, models=models, timeout_s=20) as client:
        answer = client.route(messages=MESSAGES, session_id="s1", detail="full")
        assert (answer.model, answer.model_id, answer.session_id) == ("small", "openai/gpt-5.6-luna", "s1")
        assert {"small", "large", f"small@{answer.effort}"} <= set(answer.candidates)
        assert answer.candidates["small"].p_complete is not None
        assert client.report(answer, usage={"input_tokens": 9, "output_tokens": 3}, completed=True, source="test")
        assert client.flush()
        assert client.route(prompt="Hi", models=["large"]).model == "large"
        assert client.route(prompt="Hi", config="nope").model == DEFAULT
    kept = httpx.get(f"{pointsman}/api/history/{answer.decision_id}").json()["outcomes"]
    assert [(one["model_id"], one["completed"], one["output_tokens"]) for one in kept] == [
        (answer.candidate_id, True, 3)
    ]
    with Client(pointsman, default=DEFAULT, timeout_s=20) as plain:
        alias = plain.route(prompt="Hi", models=["gpt-5.6-luna"], detail="full")
        assert alias.model == "gpt-5.6-luna"
        assert "gpt-5.6-luna" in alias.candidates
        assert json.dumps(alias.request)
