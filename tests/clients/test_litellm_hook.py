"""What the plugin decides by itself, without the proxy around it; test_litellm.py runs the real one."""

import sys
from collections.abc import Iterator
from datetime import datetime, timedelta
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from pointsman_client import AsyncClient

from tests.clients.nasty import DECISION, Nasty, http, nasty_server
from tests.loops import run as run_alone

MODELS: list[dict[str, Any]] = [
    {"model_name": "luna", "litellm_params": {"model": "openai/gpt-5.6-luna"}},
    {"model_name": "luna-low", "litellm_params": {"model": "openai/gpt-5.6-luna", "reasoning_effort": "low"}},
    {"model_name": "other", "litellm_params": {"model": "x/y"}, "model_info": {"pointsman": "acme/other"}},
    {"model_name": "luna", "litellm_params": {"model": "azure/gpt-5.6-luna"}},
    {"model_name": "twin", "litellm_params": {"model": "openai/gpt-5.6-luna"}},
    {"model_name": "vectors", "litellm_params": {"model": "openai/ada"}, "model_info": {"mode": "embedding"}},
    {"model_name": "private", "litellm_params": {"model": "acme/p"}, "model_info": {"pointsman": False}},
    {"model_name": "all/*", "litellm_params": {"model": "openai/*"}},
    {"model_name": "auto", "litellm_params": {"model": "openai/gpt-4o"}},
]


@pytest.fixture
def plugin(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The plugin's module where LiteLLM is one class."""
    names = ("litellm", "litellm.integrations", "litellm.integrations.custom_logger")
    for name in names:
        monkeypatch.setitem(sys.modules, name, ModuleType(name))
    sys.modules[names[-1]].CustomLogger = object  # type: ignore[attr-defined]
    monkeypatch.delitem(sys.modules, "pointsman_client.litellm", raising=False)
    import pointsman_client.litellm as module

    yield module
    sys.modules.pop("pointsman_client.litellm", None)


@pytest.fixture
def server() -> Iterator[Nasty]:
    with nasty_server() as one:
        yield one


def data(**more: Any) -> dict[str, Any]:
    call_id = more.pop("call_id", "c1")
    messages = [{"role": "user", "content": "Hi"}]
    return {"model": "auto", "messages": messages, "litellm_call_id": call_id, **more}


def hooked(
    plugin: Any, server: Nasty, sent: dict[str, Any], kind: str = "acompletion", key: Any = None, **more: Any
) -> Any:
    """A plugin that has seen a request, and what it made of it."""
    one = plugin.Routing(AsyncClient(server.url, timeout_s=5), deployments=lambda: MODELS, **more)
    run_alone(one.async_pre_call_hook(key, None, sent, kind))
    return one


def logged(call_id: str = "c1", group: str = "luna-low", **more: Any) -> dict[str, Any]:
    record = {"model_group": group, "prompt_tokens": 5, "completion_tokens": 2, "metadata": {}, **more}
    return {"litellm_call_id": call_id, "standard_logging_object": record}


START = datetime(2026, 1, 1)
TIMES = (START, START + timedelta(seconds=2))


def reports(one: Any, server: Nasty) -> list[Any]:
    run_alone(one.client.flush())
    return [outcome for body in server.paths("/api/outcomes") for outcome in body["outcomes"]]


def test_the_candidates_are_the_chat_models_of_the_proxy(plugin: Any, server: Nasty) -> None:
    sent = data(reasoning_effort="high", thinking={"type": "enabled"}, litellm_session_id="s")
    hooked(plugin, server, sent)
    (asked,) = server.paths("/api/route")
    assert asked["models"] == ["openai/gpt-5.6-luna", "openai/gpt-5.6-luna@low", "acme/other"]
    assert asked["session_id"] == "s"
    assert "litellm_call_id" not in asked
    assert (sent["model"], sent["reasoning_effort"], "thinking" in sent) == ("luna-low", "low", False)
    assert sent["fallbacks"] == [{"model": "other"}, {"model": "auto"}]


def test_fallbacks_of_the_caller_stay(plugin: Any, server: Nasty) -> None:
    sent = data(fallbacks=["mine"])
    hooked(plugin, server, sent)
    assert sent["fallbacks"] == ["mine"]


def test_a_key_that_is_held_to_some_models_is_served_by_those(plugin: Any, server: Nasty) -> None:
    for held, asked in ((["other", "auto"], ["acme/other"]), (["auto"], 3), ([], 3), (["all-team-models"], 3)):
        hooked(plugin, server, data(), key=SimpleNamespace(models=held, team_models=[]))
        models = server.paths("/api/route")[-1]["models"]
        assert models == asked or len(models) == asked


@pytest.mark.parametrize("kind", ["aembedding", "aimage_generation", "call_mcp_tool"])
def test_what_is_no_conversation_is_left_alone(kind: str, plugin: Any, server: Nasty) -> None:
    sent = data()
    hooked(plugin, server, sent, kind)
    assert sent == data()
    assert server.requests == []


def test_observing_decides_and_reports_and_changes_nothing(plugin: Any, server: Nasty) -> None:
    sent = data(model="other")
    one = hooked(plugin, server, sent, observe=True, every=True)
    assert sent == data(model="other")
    (asked,) = server.paths("/api/route")
    assert (asked["observe"], asked["own_model"]) == (True, "acme/other")
    run_alone(one.async_log_success_event(logged(group="other"), None, *TIMES))
    assert [(kept["model_id"], kept["latency_ms"]) for kept in reports(one, server)] == [("acme/other", 2000)]


def test_a_call_is_reported_once_however_often_it_is_logged(plugin: Any, server: Nasty) -> None:
    one = hooked(plugin, server, data())
    for _ in range(3):
        run_alone(one.async_log_failure_event(logged(error_information={"error_class": "Timeout"}), None, *TIMES))
        run_alone(one.async_log_success_event(logged(group="other", response_cost=0.5), None, *TIMES))
    failed, served = reports(one, server)
    assert (failed["model_id"], failed["error"], "output_tokens" in failed) == (
        "openai/gpt-5.6-luna@low",
        "Timeout",
        False,
    )
    assert (served["model_id"], served["output_tokens"], served["cost_usd"]) == ("acme/other", 2, 0.5)


def test_a_call_that_was_never_routed_is_not_reported(plugin: Any, server: Nasty) -> None:
    one = hooked(plugin, server, data(model="luna", call_id="c2"))
    server.reply = http(500, {})
    run_alone(one.async_pre_call_hook(None, None, data(call_id="c3"), "acompletion"))
    for call_id in ("c2", "c3", "c4"):
        run_alone(one.async_log_success_event(logged(call_id), None, *TIMES))
        run_alone(one.async_log_failure_event(logged(call_id), None, *TIMES))
    run_alone(one.async_log_success_event({}, None, *TIMES))
    assert reports(one, server) == []


def test_the_answer_says_why_a_call_is_in_no_report(plugin: Any, server: Nasty) -> None:
    def told(reply: bytes) -> dict[str, str]:
        server.reply = reply
        headers: dict[str, str] = run_alone(
            hooked(plugin, server, data()).async_post_call_response_headers_hook(data(), None, None)
        )
        return headers

    known = {"x-pointsman-decision-id": DECISION["id"], "x-pointsman-model": "openai/gpt-5.6-luna@low"}
    assert told(http(200, DECISION)) == known
    assert told(http(200, {**DECISION, "recorded": False})) == {**known, "x-pointsman-problem": "not_recorded"}
    assert told(http(500, {})) == {"x-pointsman-problem": "failing"}


def test_odd_records_and_models_are_no_reason_that_a_request_fails(plugin: Any, server: Nasty) -> None:
    sent = data(model="luna")
    broken = plugin.Routing(AsyncClient(server.url), every=True, deployments=lambda: [{"model_info": 5}])
    assert run_alone(broken.async_pre_call_hook(None, None, sent, "acompletion")) is None
    assert sent == data(model="luna")
    one = hooked(plugin, server, data())
    odd = {"litellm_call_id": "c1", "standard_logging_object": {"metadata": 5}}
    run_alone(one.async_log_success_event(odd, None, *TIMES))


@pytest.mark.parametrize("wrong", [{"urls": "x"}, {"route": "some"}, {"observe": "yes"}, {"url": "nowhere"}])
def test_settings_that_make_no_sense_are_refused_at_start(wrong: dict[str, Any], plugin: Any) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        plugin.from_settings(wrong)


def test_the_callback_is_made_of_the_proxys_settings(plugin: Any) -> None:
    settings = {"pointsman": {"url": "http://127.0.0.1:1", "config": "cheap", "route": "all"}}
    sys.modules["litellm"].callback_settings = settings  # type: ignore[attr-defined]
    made = plugin.routing
    assert (made.config, made.every, made.observe, plugin.routing is made) == ("cheap", True, False, True)
    assert DECISION["recorded"]
