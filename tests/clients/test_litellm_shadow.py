"""`route: all`, `observe: true` and keys that are held to some models, in the real LiteLLM proxy.

Virtual keys need a database, which is not here: the proxy's own `custom_auth` gives the same objects in their place.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.clients.test_litellm import EASY, HARD, KEY, Proxy, outcomes, proxy
from tests.clients.upstream import TEXT

pytestmark = pytest.mark.slow

AUTH = f"""
from litellm.proxy._types import LitellmUserRoles, UserAPIKeyAuth

HELD = {{"{KEY}": [], "sk-luna": ["luna", "auto"], "sk-opus": ["opus", "auto"]}}


async def user_api_key_auth(request, api_key):
    return UserAPIKeyAuth(api_key=api_key, models=HELD[api_key], user_role=LitellmUserRoles.INTERNAL_USER)
"""


@pytest.fixture(scope="module")
def observing(clients_python: Path, pointsman: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    plugin = ", route: all, observe: true, config: cheap"
    with proxy(clients_python, pointsman, tmp_path_factory.mktemp("observing"), plugin=plugin) as one:
        yield one


@pytest.fixture(scope="module")
def routing_all(clients_python: Path, pointsman: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    folder = tmp_path_factory.mktemp("routing")
    (folder / "keys.py").write_text(AUTH)
    more = "general_settings: {custom_auth: keys.user_api_key_auth}\n"
    with proxy(clients_python, pointsman, folder, plugin=", route: all, config: best", more=more) as one:
        yield one


@pytest.mark.parametrize("stream", [False, True])
def test_what_is_observed_goes_on_as_it_came_and_is_recorded_and_reported(
    stream: bool, observing: Proxy, pointsman: str
) -> None:
    answer = observing.chat(model="luna", stream=stream, reasoning_effort="high")
    assert TEXT in answer.text
    sent = observing.upstream.last()
    assert (sent["model"], sent["reasoning_effort"]) == ("gpt-5.6-luna", "high")
    decision = httpx.get(f"{pointsman}/api/history/{answer.headers['x-pointsman-decision-id']}").json()
    assert (decision["reason"], decision["config"], decision["fallbacks"]) == ("observed", "cheap", [])
    assert decision["selected"][0].partition("@")[0] == "openai/gpt-5.6-luna"
    assert decision["shadow"]["selected"]
    (kept,) = outcomes(pointsman, answer).values()
    assert (kept["model_id"], kept["output_tokens"], kept["source"]) == (decision["selected"][0], 5, "gateway")


def test_messages_of_anthropic_are_observed_with_their_own_model(observing: Proxy, pointsman: str) -> None:
    body = {"model": "opus", "messages": EASY, "max_tokens": 100}
    answer = observing.http.post("/v1/messages", json=body)
    assert answer.status_code == 200, answer.text
    sent = observing.upstream.last()
    assert (sent["model"], "output_config" in sent, "thinking" in sent) == ("claude-opus-5.5", False, False)
    decision = httpx.get(f"{pointsman}/api/history/{answer.headers['x-pointsman-decision-id']}").json()
    assert decision["selected"] == ["anthropic/claude-opus-5.5@medium"]


def test_a_model_that_pointsman_does_not_know_is_called_and_not_recorded(observing: Proxy, pointsman: str) -> None:
    def known() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = httpx.get(f"{pointsman}/api/history?limit=200").json()["calls"]
        return found

    before = known()
    answer = observing.chat(model="home-made")
    assert (answer.status_code, observing.upstream.last()["model"]) == (200, "home-made")
    assert "x-pointsman-decision-id" not in answer.headers
    assert known() == before


def test_every_request_is_routed_whatever_model_it_names(routing_all: Proxy) -> None:
    answer = routing_all.chat(model="luna", messages=HARD)
    assert answer.status_code == 200, answer.text
    assert routing_all.upstream.last()["model"] in answer.headers["x-pointsman-model"]


@pytest.mark.parametrize(("key", "model"), [("sk-luna", "gpt-5.6-luna"), ("sk-opus", "claude-opus-5.5")])
def test_a_key_that_is_held_to_some_models_is_served_by_those(key: str, model: str, routing_all: Proxy) -> None:
    for messages in (EASY, HARD):
        body = {"model": "auto", "messages": messages}
        headers = {"authorization": f"Bearer {key}"}
        answer = routing_all.http.post("/v1/chat/completions", json=body, headers=headers)
        assert answer.status_code == 200, answer.text
        assert routing_all.upstream.last()["model"] == model
