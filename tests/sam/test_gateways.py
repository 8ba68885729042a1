"""The gateways' routes of the real `sam local`, as Kong and Plano call them."""

from dataclasses import replace

import httpx

from scripts.harness.kong import Plugin, Target

CONFIG = "cheap-pair"
TALK = [{"role": "user", "content": "Prove that every finite integral domain is a field."}]


def test_kongs_rules_hold_behind_the_gateway(api: httpx.Client) -> None:
    api.post("/api/route", json={"prompt": "What is 1+1?"})
    members = next(one for one in api.get("/api/configs").json()["configs"] if one["name"] == CONFIG)["models"]
    targets = {name.partition("@")[0]: Target(name.partition("@")[0]) for name in members}
    # A container of `sam local` is no Lambda: its time says nothing of the 300 ms.
    plugin = Plugin(api, CONFIG, targets, next(iter(targets)), disclosure="full", timeout_s=60.0)
    routed = plugin.route(TALK, "sam")
    assert (routed.outcome, routed.reason) == ("enforced", None)
    assert plugin.route(TALK, "sam").backend == routed.backend
    assert replace(plugin, decision_route="nobody").route(TALK, "sam").reason == "decision call failed: status 404"
    assert replace(plugin, disclosure="none").route(TALK, "sam-withheld").outcome == "enforced"


def test_planos_routes_answer_and_pin(api: httpx.Client) -> None:
    body = {"model": "gpt-4o", "max_tokens": 4096, "messages": TALK}
    headers = {"x-model-affinity": "sam-plano"}
    first = api.post("/routing/v1/messages", json=body, headers=headers)
    assert first.status_code == 200, first.text
    assert first.json()["models"]
    again = api.post("/routing/v1/messages", json=body, headers=headers).json()
    assert again["pinned"] is True
    refused = api.post("/routing/v1/messages", json={"messages": None})
    assert (refused.status_code, refused.json()["error"]["type"]) == (400, "invalid_request_error")


def test_root_health_and_doors_of_the_new_routes(api: httpx.Client, url: str) -> None:
    assert api.get("/health").json()["status"] == "ok"
    for path in ("/v1/decision", "/routing/v1/messages"):
        assert httpx.post(f"{url}{path}", json={}, timeout=120).status_code in (401, 403)
