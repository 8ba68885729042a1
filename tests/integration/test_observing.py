"""Shadow mode: the caller's own model is answered, and what would have been chosen is recorded beside it."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from fastapi.testclient import TestClient
from pointsman.api import create_app
from pointsman.errors import NoCandidate, RequestError, UnknownModel
from pointsman.history.erasure import Selection, delete_all, export
from pointsman.history.report import report
from pointsman.history.sqlite import SqliteHistory

from tests.conftest import MakeRouter
from tests.fakes import fake_artifact

PROMPT = "What is 1+1?"
MESSAGES = [{"role": "user", "content": PROMPT}]


@pytest.fixture
def client(make_router: MakeRouter, history: SqliteHistory) -> Iterator[TestClient]:
    router, artifact = make_router(history), fake_artifact()
    app = create_app(router.registry, artifact.manifest, artifact.digest, router=router, history=history)
    with TestClient(app, raise_server_exceptions=False) as made:
        yield made


def posted(client: TestClient, path: str, body: dict[str, Any], **headers: str) -> dict[str, Any]:
    answer = client.post(path, json=body, headers=headers)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_the_own_model_is_answered_and_the_choice_told_beside_it(make_router: MakeRouter) -> None:
    router = make_router()
    chosen = router.decide(PROMPT)
    observed = router.decide(PROMPT, observe=True, own_model="acme/strong")
    assert chosen.selected != ("acme/strong",)
    assert (observed.selected, observed.reason) == (("acme/strong",), "observed")
    assert [call.model_id for call in observed.calls] == ["acme/strong"]
    assert observed.fallbacks == ()
    assert observed.shadow == {
        "selected": list(chosen.selected),
        "expected_quality": chosen.expected_quality,
        "cost": chosen.cost,
        "reason": chosen.reason,
    }
    own = next(one for one in chosen.candidates if one.model_id == "acme/strong")
    assert (observed.cost, observed.expected_quality) == (own.cost, own.mu)
    assert observed.explanation == (
        f"acme/strong is taken: it is the caller's own, and is only observed: {own.mu:.0%} expected "
        f"at ${own.cost:.3g}. "
        f"{chosen.selected[0]} would have been chosen: {chosen.expected_quality:.0%} at ${chosen.cost:.3g}."
    )
    assert chosen.shadow is None


def test_an_own_model_that_is_no_candidate_is_weighed_and_never_chosen(make_router: MakeRouter) -> None:
    router = make_router()
    alone = router.decide(PROMPT, config="strong")
    observed = router.decide(PROMPT, config="strong", observe=True, own_model="acme/weak")
    assert observed.selected == ("acme/weak",)
    assert observed.shadow is not None
    assert observed.shadow["selected"] == list(alone.selected)
    assert observed.cost < observed.shadow["cost"]


def test_in_a_conversation_it_is_the_model_of_the_body(client: TestClient) -> None:
    body = {"messages": MESSAGES, "model": "acme/strong", "observe": True}
    found = posted(client, "/api/route", body)
    assert found["selected"] == ["acme/strong"]
    kept = client.get(f"/api/history/{found['id']}").json()
    assert kept["shadow"] == found["shadow"]
    brief = posted(client, "/api/route?detail=brief", body)
    assert brief["shadow"]["selected"] == found["shadow"]["selected"]


def test_gateways_are_told_the_own_model_alone(client: TestClient) -> None:
    plano = posted(client, "/routing/v1/chat/completions", {"messages": MESSAGES, "model": "middle", "observe": True})
    assert plano["models"] == ["middle"] or plano["models"] == ["acme/middle"]
    asked = {"input_format": "openai_chat", "request": {"messages": MESSAGES, "model": "auto"}}
    headers = {"x-pointsman-observe": "true", "x-pointsman-own-model": "acme/strong"}
    switchyard = posted(client, "/v1/decision", asked, **headers)
    assert switchyard["selected"]["model"] == "acme/strong"
    assert switchyard["fallbacks"] == []


def test_a_config_may_observe_and_a_request_may_say_otherwise(make_router: MakeRouter) -> None:
    router = make_router()
    auto = router.registry.configs["auto"].model_copy(update={"observe": True})
    router.registry = replace(router.registry, configs={**router.registry.configs, "auto": auto})
    assert router.decide(PROMPT, own_model="acme/strong").reason == "observed"
    assert router.decide(PROMPT, observe=False).reason != "observed"


@pytest.mark.parametrize(
    ("asked", "kind", "words"),
    [
        ({}, RequestError, "own_model: missing. Name the model"),
        ({"own_model": "acme/strnog"}, UnknownModel, "acme/strong"),
        ({"own_model": "acme/weak", "preferred_input_modalities": ["image"]}, NoCandidate, "own_model: acme/weak"),
    ],
)
def test_what_cannot_be_observed_is_refused_with_the_remedy(
    make_router: MakeRouter, asked: dict[str, Any], kind: type[RequestError], words: str
) -> None:
    with pytest.raises(kind, match=words):
        make_router().decide(PROMPT, observe=True, **asked)


# What a decision lacked before shadow mode and what came with it.
LATER = ("shadow", "asked")


def test_records_of_before_shadow_mode_are_read_reported_and_exported(
    client: TestClient, make_router: MakeRouter, history: SqliteHistory
) -> None:
    made = make_router().decide(PROMPT, caller="team-a").to_dict()
    old = {name: value for name, value in made.items() if name not in LATER}
    history.append(old)
    history.append({**make_router().decide(PROMPT, caller="team-a", observe=True, own_model="acme/strong").to_dict()})
    answered = client.get(f"/api/history/{old['id']}")
    assert answered.status_code == 200
    assert answered.json()["selected"] == made["selected"]
    newest, oldest = client.get("/api/history").json()["calls"]
    assert (newest["reason"], oldest["reason"]) == ("observed", made["reason"])
    total = report(history.decisions(), "config")[-1]
    assert (total.decisions, total.compared, total.unpriced) == (2, 1, 0)
    assert total.chosen_usd == pytest.approx(2 * made["cost"])
    history.set_outcome(old["id"], made["selected"][0], {"cost_usd": 0.5})
    assert report(history.decisions(), "model")[-1].reported_usd == 0.5


def test_shadow_mode_is_in_what_is_exported_deleted_and_noted(make_router: MakeRouter, history: SqliteHistory) -> None:
    router = make_router(history)
    observed = router.decide(PROMPT, caller="team-a", observe=True, own_model="acme/strong")
    router.decide(PROMPT, caller="team-b")
    history.set_outcome(observed.id, "acme/strong", {"completed": True, "cost_usd": 0.25})
    (kept,) = export(history, "team-a", "somebody")
    assert (kept["shadow"], kept["reason"]) == (observed.to_dict()["shadow"], "observed")
    assert kept["outcomes"][0]["model_id"] == "acme/strong"
    assert delete_all(history, Selection(caller="team-a"), "somebody") == 1
    assert [(note["action"], note["decisions"]) for note in history.notes()] == [("delete", 1), ("export", 1)]
    assert report(history.decisions(), "caller")[-1].compared == 0
