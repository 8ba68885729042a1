"""`agentic`: agent systems on tasks; they inform difficulty and nothing else."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from artifacts_build.datasets import Outcomes, Profile, Profiles, load_datasets, parse_dataset
from artifacts_build.errors import DatasetError


def write_lines(path: Path, *records: dict[str, Any]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    return path


def subject(name: str, **responses: Any) -> dict[str, Any]:
    return {"subject_id": name, "responses": responses, "metadata": {"rank": "1"}}


def task(name: str) -> dict[str, Any]:
    return {"task_id": name, "problem_statement": f"Mend {name}.", "repo": "x/y"}


def load(path: Path, options: str = "") -> Outcomes:
    return load_datasets([parse_dataset(f"agentic:{path}{options}")], Profiles({"s1": Profile("s1", 0.9, 0.9)}))


def refused(path: Path, options: str = "") -> str:
    with pytest.raises(DatasetError) as raised:
        load(path, options)
    return raised.value.detail


@pytest.fixture
def gso(tmp_path: Path) -> Path:
    """A folder as the project keeps it."""
    folder = tmp_path / "data/gso"
    write_lines(folder / "responses.jsonl", subject("s1", t1=1, t2=0), subject("agent:s2", t1=0, t2=0))
    write_lines(folder / "tasks.jsonl", task("t1"), task("t2"), task("t3"))
    return folder


def test_subjects_are_systems_without_capability(gso: Path) -> None:
    data = load(gso)
    assert data.model_ids == ["agent:s1", "agent:s2"]
    assert np.isnan(data.capability).all()
    assert not data.scored().any()
    assert data.prompts == ["Mend t1.", "Mend t2."]
    assert data.prompt_source.tolist() == ["gso", "gso"]
    assert data.score.tolist() == [1, 0, 0, 0]


def test_several_folders_are_several_sources(gso: Path) -> None:
    write_lines(gso.parent / "pro/responses.jsonl", subject("s1", t1=1), subject("s2", t1=1))
    write_lines(gso.parent / "pro/tasks.jsonl", {"task_id": "t1", "problem_statement": "Another t1."})
    data = load(gso.parent)
    assert sorted(set(data.prompt_source.tolist())) == ["gso", "pro"]
    assert len(set(data.prompt_ids)) == 3


def test_successes_in_trials_weigh_as_many(tmp_path: Path) -> None:
    write_lines(tmp_path / "tb/responses.jsonl", subject("s", t1={"successes": 3, "trials": 4}))
    write_lines(tmp_path / "tb/tasks.jsonl", task("t1"))
    data = load(tmp_path / "tb")
    assert data.score.tolist() == [0.75]
    assert data.weight.tolist() == [4]


@pytest.mark.parametrize("id_name", ["task_id", "instance_id"])
@pytest.mark.parametrize("kind", ["jsonl", "parquet"])
def test_task_texts_are_joined_from_a_file(id_name: str, kind: str, tmp_path: Path) -> None:
    responses = write_lines(tmp_path / "pro/responses.jsonl", subject("s", t1=1, t2=0, t9=1))
    texts = [{id_name: name, "problem_statement": f"Mend {name}."} for name in ("t1", "t2")]
    path = tmp_path / f"texts.{kind}"
    if kind == "jsonl":
        write_lines(path, *texts)
    else:
        pq.write_table(pa.Table.from_pylist(texts), path)
    for place in (responses.parent, responses):
        data = load(place, f",name=pro,tasks={path}")
        assert data.prompts == ["Mend t1.", "Mend t2."]
        assert data.prompt_source.tolist() == ["pro", "pro"]
        assert "pro: passed over 1 tasks of pro that have no text" in data.notes


def test_tasks_without_any_text_are_refused_with_the_remedy(tmp_path: Path) -> None:
    write_lines(tmp_path / "pro/responses.jsonl", subject("s", t1=1))
    assert f"agentic:{tmp_path / 'pro'},tasks=FILE" in refused(tmp_path / "pro")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ({"subject_id": "s3"}, "responses: expected a map"),
        ({"responses": {"t1": 1}}, "subject_id: the field is missing"),
        (subject("s3", t1="yes"), "responses: 't1': expected 0 or 1"),
        (subject("s3", t1=2), "score: 2 cannot be"),
        (subject("s3", t1=None), "responses: 't1': expected 0 or 1"),
        (subject("s3", t1={"successes": 5, "trials": 4}), "is not a number of successes"),
        (subject("s3", t1={"successes": 0, "trials": 0}), "is not a number of successes"),
    ],
)
def test_a_faulty_line_is_named(line: dict[str, Any], said: str, gso: Path) -> None:
    with (gso / "responses.jsonl").open("a") as stream:
        stream.write(json.dumps(line) + "\n")
    message = refused(gso)
    assert f"{gso / 'responses.jsonl'}:3" in message
    assert said in message


def test_a_task_with_two_texts_is_refused(gso: Path) -> None:
    with (gso / "tasks.jsonl").open("a") as stream:
        stream.write(json.dumps({"task_id": "t1", "problem_statement": "Other."}) + "\n")
    assert f"{gso / 'tasks.jsonl'}:4: the task 't1' had another text before" in refused(gso)


def test_a_folder_without_responses_is_refused(tmp_path: Path) -> None:
    assert "no responses.jsonl here or one folder below" in refused(tmp_path)


def test_a_task_file_that_is_not_there_is_refused(gso: Path, tmp_path: Path) -> None:
    assert "no such file" in refused(gso, f",tasks={tmp_path / 'nowhere'}")
