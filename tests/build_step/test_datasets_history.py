"""`history`: what the product recorded itself, learned from only where it is known whole."""

import hashlib
import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from pointsman.history.sqlite import SqliteHistory

from artifacts_build.datasets import Outcomes, Profiles, load_datasets, parse_dataset
from artifacts_build.errors import DatasetError
from tests.conftest import MakeRouter


def load(path: Path) -> Outcomes:
    return load_datasets([parse_dataset(f"history:{path}")], Profiles())


def refused(path: Path) -> str:
    with pytest.raises(DatasetError) as raised:
        load(path)
    return raised.value.detail


def decide(make_router: MakeRouter, history: SqliteHistory, prompt: str, completed: bool | None, **outcome: Any) -> str:
    """Record a decision of the small world and, where it is known, what happened; returns the selected model."""
    decision = make_router(history, **outcome.pop("settings", {})).decide(prompt, task=outcome.pop("task", None))
    if completed is not None:
        for model_id in decision.selected:
            fields = {"completed": completed, "score": None, "output_tokens": None, "cost_usd": None, **outcome}
            history.set_outcome(decision.id, model_id, fields)
    return decision.selected[0]


def as_jsonl(history: SqliteHistory, path: Path) -> Path:
    """The same as the API gives it."""
    ids = [call["id"] for call in history.page(100).calls]
    path.write_text("".join(json.dumps(history.get(one)) + "\n" for one in reversed(ids)))
    return path


@pytest.fixture
def recorded(make_router: MakeRouter, history: SqliteHistory) -> SqliteHistory:
    """Two prompts with outcomes, one decided twice; and what must be passed over."""
    decide(make_router, history, "an easy one", True, cost_usd=0.25, output_tokens=40, task="chat")
    decide(make_router, history, "an easy one", False, cost_usd=0.75)
    decide(make_router, history, "a hard one", True, score=0.25)
    decide(make_router, history, "nobody says", None)
    decide(make_router, history, "hashed", True, settings={"store_prompts": "hash"})
    decide(make_router, history, "long " * 40_000, True)
    return history


@pytest.mark.parametrize("form", ["sqlite", "jsonl"])
def test_selected_models_with_outcomes_are_learned_from(form: str, recorded: SqliteHistory, tmp_path: Path) -> None:
    path = tmp_path / "history.db" if form == "sqlite" else as_jsonl(recorded, tmp_path / "h.jsonl")
    data = load(path)
    assert sorted(data.prompts) == ["a hard one", "an easy one"]
    easy = data.prompts.index("an easy one")
    row = int((data.response_prompt == easy).nonzero()[0][0])
    assert data.score[row] == 0.5
    assert data.weight[row] == 2
    assert data.cost_usd[row] == 0.5
    assert data.output_tokens[row] == 40
    assert data.prompt_task[easy] == "chat"
    assert data.score[1 - row] == 0.25
    name = path.stem if form == "sqlite" else "h"
    assert f"{name}: passed over 1 decisions without an outcome" in data.notes
    assert any("passed over 2 decisions whose prompt was not kept whole" in note for note in data.notes)


def test_an_outcome_of_a_model_at_an_effort_is_one_of_the_model(tmp_path: Path) -> None:
    prompt = {"prompt": "test", "prompt_sha256": hashlib.sha256(b"test").hexdigest(), "task": None}
    outcome = {"model_id": "acme/thinks@high", "completed": True, "score": None}
    path = tmp_path / "h.jsonl"
    path.write_text(json.dumps({**prompt, "id": "x", "selected": ["acme/thinks@high"], "outcomes": [outcome]}) + "\n")
    assert list(load(path).model_ids) == ["acme/thinks"]


def test_both_forms_say_the_same(recorded: SqliteHistory, tmp_path: Path) -> None:
    one, two = load(tmp_path / "history.db"), load(as_jsonl(recorded, tmp_path / "h.jsonl"))
    assert one.prompt_ids == two.prompt_ids
    assert one.score.tolist() == two.score.tolist()
    assert one.response_model.tolist() == two.response_model.tolist()


def test_a_prompt_of_which_only_the_view_was_kept_is_passed_over(
    make_router: MakeRouter, history: SqliteHistory, tmp_path: Path
) -> None:
    decide(make_router, history, "word " * 500, True, settings={"store_prompts": "view"})
    message = refused(tmp_path / "history.db")
    assert "1 decisions whose prompt was not kept whole" in message
    assert "no response to learn from" in message


def test_the_file_is_only_read_also_while_it_is_written(
    make_router: MakeRouter, history: SqliteHistory, tmp_path: Path
) -> None:
    decide(make_router, history, "an easy one", True)
    before = (tmp_path / "history.db").read_bytes()
    assert len(load(tmp_path / "history.db").score) == 1
    assert (tmp_path / "history.db").read_bytes() == before
    decide(make_router, history, "another one", True)
    assert len(load(tmp_path / "history.db").score) == 2


def test_the_lists_of_the_api_are_no_decisions(recorded: SqliteHistory, tmp_path: Path) -> None:
    path = tmp_path / "page.jsonl"
    path.write_text("".join(json.dumps(call) + "\n" for call in recorded.page(10).calls))
    assert "6 decisions without an outcome" in refused(path)


def test_an_sqlite_file_of_another_program_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    db = sqlite3.connect(path)
    db.execute("CREATE TABLE t (x)")
    db.close()
    assert "an SQLite file of another program" in refused(path)


def test_a_damaged_file_is_refused(recorded: SqliteHistory, tmp_path: Path) -> None:
    recorded.close()
    path = tmp_path / "history.db"
    content = bytearray(path.read_bytes())
    content[4096:] = b"\xff" * (len(content) - 4096)
    path.write_bytes(content)
    assert f"{path}: cannot be read as a history" in refused(path)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"outcomes": "good"}, "outcomes: not a list of objects"),
        ({"outcomes": [{"model_id": "other", "completed": True}]}, "did not select 'other'"),
        ({"outcomes": [{"completed": True}]}, "model_id: the field is missing"),
        ({"outcomes": [{"model_id": "m", "completed": "yes"}]}, "completed: expected true or false"),
        ({"outcomes": [{"model_id": "m", "completed": True, "score": 3}]}, "score: 3 cannot be"),
        ({"outcomes": [{"model_id": "m", "completed": True, "cost_usd": "dear"}]}, "cost_usd: found 'dear'"),
    ],
)
def test_a_faulty_outcome_is_named_with_its_line(change: dict[str, Any], said: str, tmp_path: Path) -> None:
    sha256 = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
    outcome = {"model_id": "m", "completed": True}
    good = {"prompt": "test", "prompt_sha256": sha256, "selected": ["m"], "task": None, "outcomes": [outcome]}
    path = tmp_path / "h.jsonl"
    path.write_text(f"{json.dumps(good)}\n{json.dumps({**good, **change})}\n")
    message = refused(path)
    assert f"{path}:2: outcomes" in message
    assert said in message


def test_what_was_kept_under_a_keyed_hash_is_learned_from_with_the_key(
    make_router: MakeRouter, history: SqliteHistory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    decide(make_router, history, "an easy one", True)
    decide(make_router, history, "an easy one", False, settings={"hash_key": "a secret"})
    history.close()
    without = load(tmp_path / "history.db")
    monkeypatch.setenv("POINTSMAN_HASH_KEY", "a secret")
    found = load(tmp_path / "history.db")
    assert (without.weight.tolist(), found.weight.tolist()) == ([1], [2])
    assert found.prompt_ids == without.prompt_ids
