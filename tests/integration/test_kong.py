"""Kong's rules, ported, against the running server: within 300 ms, targets and models as the gateway knows them."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from scripts.harness.kong import Plugin, Target
from scripts.harness.serving import serving
from tests.conftest import ROOT

KONG = """name: kong-router
description: what the gateway has
models: [openai/gpt-5.6-luna@low, anthropic/claude-sonnet-5.5@low]
targets: {openai/gpt-5.6-luna@low: weak, anthropic/claude-sonnet-5.5: strong}
default_model: openai/gpt-5.6-luna@low
"""
TARGETS = {"weak": Target("openai/gpt-5.6-luna"), "strong": Target("anthropic/claude-sonnet-5.5")}
TALK = [
    {"role": "system", "content": "You are a careful assistant."},
    {"role": "user", "content": "What is a tide?"},
    {"role": "assistant", "content": "The rise and fall of the sea."},
    {"role": "user", "content": "Prove that every finite integral domain is a field."},
]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """The server with the bundled models and the gateway's config; its first request was somebody else's."""
    registry = tmp_path_factory.mktemp("kong") / "registry"
    (registry / "routers").mkdir(parents=True)
    (registry / "models").symlink_to(ROOT / "registry/models")
    (registry / "routers/kong.yaml").write_text(KONG)
    (registry / "routers/auto.yaml").write_text((ROOT / "registry/routers/auto.yaml").read_text())
    db: Path = registry.parent / "history.db"
    with serving("--registry", str(registry), "--db", str(db)) as running:
        client = httpx.Client(base_url=running.url)
        client.post("/api/route", json={"prompt": "Hello"}, timeout=60)
        yield client
        client.close()


@pytest.fixture
def plugin(server: httpx.Client) -> Plugin:
    # Under the tests' own load, what would take 30 ms may take 300: time is what benchmarks measure.
    return Plugin(server, "kong-router", TARGETS, "weak", disclosure="full", timeout_s=10.0)


@pytest.mark.parametrize("disclosure", ["none", "latest_user_prompt", "recent_message_window", "full"])
@pytest.mark.parametrize("protocol", ["openai_chat", "openai_responses"])
def test_every_decision_is_one_that_the_gateway_can_enforce(plugin: Plugin, disclosure: Any, protocol: str) -> None:
    targets = {name: replace(target, protocol=protocol) for name, target in TARGETS.items()}
    asked = replace(plugin, disclosure=disclosure, protocol=protocol, targets=targets)
    routed = asked.route(TALK, f"{disclosure}-{protocol}")
    assert (routed.outcome, routed.reason) == ("enforced", None)
    assert set(routed.fallbacks) <= set(TARGETS)


def test_anthropics_format_is_enforced_as_well(plugin: Plugin) -> None:
    targets = {name: replace(target, protocol="anthropic_messages") for name, target in TARGETS.items()}
    asked = replace(plugin, protocol="anthropic_messages", targets=targets)
    assert asked.route(TALK[1:], "anthropic").outcome == "enforced"


def test_a_withheld_text_gets_the_default_and_not_a_guess(plugin: Plugin, server: httpx.Client) -> None:
    routed = replace(plugin, disclosure="none").route(TALK, "withheld")
    assert routed.backend == "weak"
    latest = server.get("/api/history", params={"limit": 1}).json()["calls"][0]
    assert latest["reason"] == "default"


def test_what_the_gateway_does_not_know_falls_back_and_never_further(plugin: Plugin) -> None:
    for changed, reason in (
        ({"decision_route": "nobody"}, "status 404"),
        ({"targets": {"other": Target("x")}, "default_target": "other"}, "unknown target"),
        ({"targets": {name: Target("x") for name in TARGETS}}, "drift: model"),
        ({"targets": {name: replace(one, protocol="other") for name, one in TARGETS.items()}}, "drift: format"),
        ({"timeout_s": 0.000_001}, "decision call failed"),
    ):
        routed = replace(plugin, **changed).route(TALK, "drift")
        assert routed.outcome == "fallback"
        assert reason in str(routed.reason)


def test_most_decisions_come_within_the_gateways_three_hundred_milliseconds(plugin: Plugin) -> None:
    quick = replace(plugin, timeout_s=0.3)
    found = [quick.route(TALK, f"quick-{i}").outcome for i in range(20)]
    assert found.count("enforced") >= 10, "a machine at rest answers all of them: python -m benchmarks dialects"
