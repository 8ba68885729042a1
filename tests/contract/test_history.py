"""What every history store promises. A new store is added to the fixture `store` and must pass it all."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pointsman.api.schemas import RecordedDecisionOut
from pointsman.errors import InvalidCursor, NotFound, UnknownModel
from pointsman.history import Filter, History, append_or_log, replay
from pointsman.history.base import encode_cursor
from pointsman.history.ids import Ids, timestamp
from pointsman.history.sqlite import SqliteHistory

from tests.conftest import MakeRouter

START = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture(params=["sqlite", pytest.param("aws", id="dynamodb"), "dynalite"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[History]:
    """An empty store of every kind in turn."""
    if request.param == "sqlite":
        made: History = SqliteHistory(tmp_path / "contract.db")
    else:
        made = request.getfixturevalue(request.param)()
    yield made
    made.close()


@pytest.fixture
def decision(make_router: MakeRouter) -> dict[str, Any]:
    """A real decision, not recorded anywhere."""
    return make_router().decide("What is 1+1?").to_dict()


def at(decision: dict[str, Any], minutes: int, **changes: Any) -> dict[str, Any]:
    """The same decision as if it had been made some minutes after START."""
    instant = START + timedelta(minutes=minutes)
    return {**decision, "id": Ids().next(instant), "ts": timestamp(instant), **changes}


def pages(store: History, limit: int, where: Filter | None = None) -> list[list[str]]:
    """The ids of every page, following the cursors."""
    found, cursor = [], None
    while True:
        page = store.page(limit, cursor, where)
        found.append([call["id"] for call in page.calls])
        cursor = page.next
        if cursor is None:
            return found


def test_a_decision_comes_back_as_it_was_kept(store: History, decision: dict[str, Any]) -> None:
    store.append(decision)
    found = store.get(decision["id"])
    assert found.pop("outcomes") == []
    assert found == decision


def test_a_list_shows_summaries_not_bodies(store: History, decision: dict[str, Any]) -> None:
    store.append(decision)
    (call,) = store.page(10).calls
    assert call["prompt_preview"] == "What is 1+1?"
    assert call["selected"] == list(decision["selected"])
    assert call["strongest"] == decision["strongest"]
    assert "candidates" not in call


def test_decisions_are_listed_newest_first_over_pages(store: History, decision: dict[str, Any]) -> None:
    kept = [at(decision, minute) for minute in range(7)]
    for one in kept:
        store.append(one)
    newest_first = [one["id"] for one in reversed(kept)]
    assert pages(store, 3) == [newest_first[:3], newest_first[3:6], newest_first[6:]]


def test_a_last_full_page_has_no_next(store: History, decision: dict[str, Any]) -> None:
    for minute in range(4):
        store.append(at(decision, minute))
    assert [len(page) for page in pages(store, 2)] == [2, 2]


def test_an_empty_history_is_one_empty_page(store: History) -> None:
    assert pages(store, 10) == [[]]


def test_decisions_that_arrive_while_paging_shift_nothing(store: History, decision: dict[str, Any]) -> None:
    kept = [at(decision, minute) for minute in range(4)]
    for one in kept:
        store.append(one)
    first = store.page(2)
    store.append(at(decision, 100))
    second = store.page(2, first.next)
    assert [call["id"] for call in second.calls] == [kept[1]["id"], kept[0]["id"]]


def test_a_list_can_be_filtered(store: History, decision: dict[str, Any]) -> None:
    kept = [
        at(decision, 0, config="auto", selected=("acme/a",)),
        at(decision, 10, config="pair", selected=("acme/a", "acme/b")),
        at(decision, 20, config="auto", selected=("acme/b",)),
        at(decision, 30, config="auto", selected=("acme/a",)),
    ]
    for one in kept:
        store.append(one)

    def listed(**where: Any) -> list[int]:
        ids = [decision_id for page in pages(store, 2, Filter(**where)) for decision_id in page]
        return [next(i for i, one in enumerate(kept) if one["id"] == decision_id) for decision_id in ids]

    assert listed(config="auto") == [3, 2, 0]
    assert listed(model="acme/b") == [2, 1]
    assert listed(model="acme/a", config="auto") == [3, 0]
    assert listed(since=START + timedelta(minutes=10)) == [3, 2, 1]
    assert listed(until=START + timedelta(minutes=10)) == [0]
    assert listed(since=START + timedelta(minutes=5), until=START + timedelta(minutes=25), model="acme/b") == [2, 1]
    assert listed(model="acme/unknown") == []


def test_a_list_of_a_model_has_the_decisions_for_each_of_its_efforts(store: History, decision: dict[str, Any]) -> None:
    kept = [
        at(decision, 0, selected=("acme/a@low",)),
        at(decision, 10, selected=("acme/a@high", "acme/a@low")),
        at(decision, 20, selected=("acme/a",)),
        at(decision, 30, selected=("acme/ab@low",)),
    ]
    for one in kept:
        store.append(one)

    def listed(model: str) -> list[int]:
        ids = [decision_id for page in pages(store, 2, Filter(model=model)) for decision_id in page]
        return [next(i for i, one in enumerate(kept) if one["id"] == decision_id) for decision_id in ids]

    assert listed("acme/a") == [2, 1, 0]
    assert listed("acme/a@low") == [1, 0]
    assert listed("acme/a@high") == [1]
    assert listed("acme/a@max") == []


def test_an_outcome_of_a_model_is_that_of_its_selected_effort(store: History, decision: dict[str, Any]) -> None:
    one = at(decision, 0, selected=("acme/a@low",))
    both = at(decision, 1, selected=("acme/a@low", "acme/a@high"))
    store.append(one)
    store.append(both)
    (outcome,) = store.set_outcome(one["id"], "acme/a", {"completed": True})["outcomes"]
    assert outcome["model_id"] == "acme/a@low"
    (outcome,) = store.set_outcome(one["id"], "acme/a@low", {"completed": False})["outcomes"]
    assert outcome["completed"] is False
    with pytest.raises(UnknownModel, match="acme/a@high"):
        store.set_outcome(both["id"], "acme/a", {"completed": True})
    with pytest.raises(UnknownModel, match="acme/a@low"):
        store.set_outcome(one["id"], "acme/a@high", {"completed": True})


# A decision as the first version recorded it: no efforts, no calls, no parts of the cost.
OLD: dict[str, Any] = {
    "id": "01KAQ3V9ZC8M0Y6W2N4T7R5B1D",
    "ts": "2025-11-23T01:10:09.636Z",
    "caller": None,
    "config": "cheap-pair",
    "completion_threshold": 0.7,
    "fallback_quality_margin": 0.05,
    "max_k": 1,
    "caution": 0.0,
    "prompt": "What is 1+1?",
    "prompt_bytes": 12,
    "prompt_sha256": "ab" * 32,
    "task": None,
    "selected": ["acme/a"],
    "candidates": [
        {
            "model_id": "acme/a",
            "mu": 0.91,
            "sigma": 0.1,
            "cost": 0.0002,
            "capability": 0.7,
            "capability_known": True,
            "input_tokens": 10,
            "output_tokens": 512,
            "latency_s": None,
        }
    ],
    "excluded": [],
    "difficulty": -0.6,
    "expected_quality": 0.91,
    "cost": 0.0002,
    "latency": None,
    "utility": 0.91,
    "strongest": {"model_id": "acme/a", "cost": 0.0002},
    "reason": "threshold",
    "explanation": "acme/a is the cheapest choice of 1 candidate that clears the completion threshold.",
    "recorded": True,
    "artifact": "d" * 64,
}


def test_a_decision_of_an_older_version_still_opens(store: History) -> None:
    store.append(OLD)
    (call,) = store.page(10, where=Filter(model="acme/a")).calls
    assert call["id"] == OLD["id"]
    found = store.set_outcome(OLD["id"], "acme/a", {"completed": True, "score": None})
    for outcome in found["outcomes"]:
        outcome |= {"output_tokens": None, "cost_usd": None}
    RecordedDecisionOut.model_validate(found)
    assert {name: found[name] for name in OLD} == OLD


def test_a_decision_that_was_serialized_already_is_kept_as_it_is(store: History, make_router: MakeRouter) -> None:
    made = make_router().decide("What is 1+1?")
    store.append(made.record())
    found = store.get(made.id)
    assert found.pop("outcomes") == []
    assert found == {**made.to_dict(), "recorded": True}
    assert store.page(10).calls[0]["strongest"] == made.to_dict()["strongest"]


def test_appending_twice_keeps_the_first(store: History, decision: dict[str, Any]) -> None:
    store.append(decision)
    store.append({**decision, "cost": 99.0})
    assert store.get(decision["id"])["cost"] == decision["cost"]
    assert len(store.page(10).calls) == 1


@pytest.mark.parametrize("cursor", ["x", "", "!!!!", "eyJ2IjoxfQ", "A" * 200, "ünïcode", "bnVsbA", "W10"])
def test_a_forged_cursor_is_refused(store: History, cursor: str) -> None:
    with pytest.raises(InvalidCursor, match="was not made by this API"):
        store.page(10, cursor)


def test_a_cursor_of_a_decision_that_is_gone_still_works(store: History, decision: dict[str, Any]) -> None:
    kept = at(decision, 0)
    store.append(kept)
    assert [call["id"] for call in store.page(10, encode_cursor(Ids().next(START + timedelta(days=1)))).calls] == [
        kept["id"]
    ]


def test_an_unknown_decision_is_not_found(store: History) -> None:
    for decision_id in ("01KAQ3V9ZC8M0Y6W2N4T7R5B1D", "nonsense", "", "x" * 64):
        with pytest.raises(NotFound):
            store.get(decision_id)
        with pytest.raises(NotFound):
            store.set_outcome(decision_id, "acme/a", {"completed": True})


def test_the_last_outcome_of_a_model_stands(store: History, decision: dict[str, Any]) -> None:
    pair = at(decision, 0, selected=("acme/a", "acme/b"))
    store.append(pair)
    store.set_outcome(pair["id"], "acme/a", {"completed": False, "score": 0.2})
    store.set_outcome(pair["id"], "acme/b", {"completed": True, "score": None})
    found = store.set_outcome(pair["id"], "acme/a", {"completed": True, "score": 0.9})
    assert found == store.get(pair["id"])
    outcomes = {outcome.pop("model_id"): outcome for outcome in found["outcomes"]}
    assert {name: (o["completed"], o["score"]) for name, o in outcomes.items()} == {
        "acme/a": (True, 0.9),
        "acme/b": (True, None),
    }
    assert all(outcome["ts"].endswith("Z") for outcome in outcomes.values())


def test_an_outcome_of_a_model_that_was_not_selected_is_refused(store: History, decision: dict[str, Any]) -> None:
    store.append(decision)
    with pytest.raises(UnknownModel, match=decision["selected"][0]):
        store.set_outcome(decision["id"], "acme/other", {"completed": True})


def test_text_of_any_script_survives(store: History, decision: dict[str, Any]) -> None:
    nasty = "مرحبا \x00 \u202e עברית 你好 👩‍👩‍👧 '; DROP TABLE summaries; --"
    kept = at(decision, 0, prompt=nasty, task=nasty)
    store.append(kept)
    assert store.get(kept["id"])["prompt"] == nasty


def test_a_log_can_be_replayed_without_duplicates(store: History, decision: dict[str, Any]) -> None:
    one, two = at(decision, 0, recorded=False), at(decision, 1, recorded=False)
    log = [
        "some other line",
        "2026-01-01 ERROR " + json.dumps({"event": "decision_not_recorded", "error": "full", "record": one}),
        json.dumps({"event": "decision_not_recorded", "error": "full", "record": two}) + " trailing",
        '{"event": "decision_not_recorded", "record": {"id": "cut off',
        '{"event": "something else"}',
    ]
    for _ in range(2):
        found = list(replay(store, log))
        assert [line.id for line in found] == [one["id"], two["id"], None]
        assert (found[2].line, found[2].problem) == (4, "a decision that is cut off or is not JSON")
    assert len(store.page(10).calls) == 2
    assert store.get(one["id"])["recorded"] is True


def test_recording_says_that_it_worked(store: History, decision: dict[str, Any]) -> None:
    assert append_or_log(store, decision)
