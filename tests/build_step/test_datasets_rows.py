"""`rows`: every way to write them is read alike, and every fault is named with its file and line."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from artifacts_build.datasets import Outcomes, Profiles, load_datasets, load_outcomes, parse_dataset
from artifacts_build.errors import DatasetError

ROWS: list[dict[str, Any]] = [
    {"prompt_id": "p1", "prompt": "One?", "model_id": "a", "score": 1, "cost_usd": 0.5, "input_tokens": 3},
    {"prompt_id": "p1", "prompt": "One?", "model_id": "b", "score": 0.25, "output_tokens": 7, "weight": 2.0},
    {"prompt_id": "p2", "prompt": "Two?\nÜber", "model_id": "a", "score": 0, "task": "sums", "source": "school"},
    {"prompt_id": "p2", "prompt": "Two?\nÜber", "model_id": "b", "score": 1, "task": "sums", "source": "school"},
]


def write_jsonl(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


def write_parquet(path: Path, rows: list[dict[str, Any]]) -> Path:
    names = list(dict.fromkeys(name for row in rows for name in row))
    pq.write_table(pa.table({name: [row.get(name) for row in rows] for name in names}), path)
    return path


def load(path: Path, options: str = "") -> Outcomes:
    return load_datasets([parse_dataset(f"rows:{path}{options}")], Profiles())


def refused(path: Path) -> str:
    with pytest.raises(DatasetError) as raised:
        load(path)
    assert "\n" not in raised.value.detail
    return raised.value.detail


WRITERS: list[Callable[[Path, list[dict[str, Any]]], Path]] = [write_jsonl, write_parquet]


@pytest.mark.parametrize("write", WRITERS)
def test_a_file_is_read_whole(write: Callable[[Path, list[dict[str, Any]]], Path], tmp_path: Path) -> None:
    data = load(write(tmp_path / "some.data", ROWS))
    assert data.prompt_ids == ["p1", "p2"]
    assert data.prompts == ["One?", "Two?\nÜber"]
    assert data.prompt_source.tolist() == ["some", "school"]
    assert data.prompt_task.tolist() == ["", "sums"]
    assert data.model_ids == ["a", "b"]
    assert data.score.tolist() == [1, 0.25, 0, 1]
    assert data.weight.tolist() == [1, 2, 1, 1]
    assert data.cost_usd[0] == 0.5
    assert data.input_tokens[0] == 3
    assert data.output_tokens[1] == 7
    assert np.isnan(data.cost_usd[1:]).all()
    assert data.notes == ()


def test_tokens_are_output_tokens(tmp_path: Path) -> None:
    rows = [{"prompt_id": "p", "prompt": "One?", "model_id": "a", "score": 1, "tokens": 9}]
    assert load(write_jsonl(tmp_path / "a.jsonl", rows)).output_tokens.tolist() == [9]
    assert load(write_parquet(tmp_path / "a.parquet", rows)).output_tokens.tolist() == [9]


def test_a_folder_reads_as_the_file_that_says_the_same(tmp_path: Path) -> None:
    prompts = [{"prompt_id": "p1", "prompt": "One?"}, {"prompt_id": "p2", "prompt": "Two?\nÜber"}]
    prompts[1] |= {"source": "school", "task": "sums"}
    write_parquet(tmp_path / "prompts.parquet", prompts)
    write_parquet(tmp_path / "responses.parquet", [{k: v for k, v in row.items() if k != "prompt"} for row in ROWS])
    folder, file = load(tmp_path, ",name=x"), load(write_jsonl(tmp_path / "rows.jsonl", ROWS), ",name=x")
    assert folder.prompts == file.prompts
    assert folder.prompt_source.tolist() == file.prompt_source.tolist()
    assert folder.prompt_group.tolist() == file.prompt_group.tolist()
    for name in ("response_prompt", "response_model", "score", "weight", "cost_usd", "output_tokens"):
        np.testing.assert_array_equal(getattr(folder, name), getattr(file, name))


def test_the_models_file_of_a_folder_is_read(tmp_path: Path) -> None:
    write_parquet(tmp_path / "prompts.parquet", [{"prompt_id": "p1", "prompt": "One?"}])
    write_parquet(tmp_path / "responses.parquet", [{"prompt_id": "p1", "model_id": "a", "score": 1}])
    (tmp_path / "models.csv").write_text("model_id,base_model,gpqa_diamond,livecodebench\na,base,50,\n")
    data = load_outcomes(tmp_path)
    assert data.base_models == ["base"]
    assert data.capability.tolist() == [0.5]


def test_rows_that_repeat_are_dropped_and_counted(tmp_path: Path) -> None:
    data = load(write_jsonl(tmp_path / "a.jsonl", [*ROWS, ROWS[0], ROWS[0]]))
    assert len(data.score) == 4
    assert data.notes == ("a: passed over 2 rows that repeat another word for word",)


@pytest.mark.parametrize(("name", "unit"), [("a.jsonl", "a.jsonl:5"), ("a.parquet", "a.parquet: row 5")])
def test_rows_that_disagree_are_refused_with_both_places(name: str, unit: str, tmp_path: Path) -> None:
    write = write_jsonl if name.endswith("jsonl") else write_parquet
    message = refused(write(tmp_path / name, [*ROWS, {**ROWS[0], "score": 0.5}]))
    assert f"{unit}: score: 'a' has 0.5 on the prompt 'p1', and 1 in" in message
    assert unit.replace("5", "1") in message
    assert "mean" in message


def test_prompts_with_one_model_are_kept_and_said(tmp_path: Path) -> None:
    data = load(write_jsonl(tmp_path / "a.jsonl", ROWS[:3]))
    assert len(data.prompts) == 2
    assert "1 prompts have a response of one model only" in data.notes[0]


def test_a_prompt_nobody_answered_is_passed_over_and_said(tmp_path: Path) -> None:
    write_parquet(tmp_path / "prompts.parquet", [{"prompt_id": f"p{i}", "prompt": f"{i}?"} for i in range(3)])
    write_parquet(tmp_path / "responses.parquet", [{"prompt_id": "p2", "model_id": m, "score": 1} for m in "ab"])
    data = load(tmp_path)
    assert data.prompt_ids == ["p2"]
    assert data.response_prompt.tolist() == [0, 0]
    assert data.notes == (f"{tmp_path.name}: passed over 2 prompts without a response",)


@pytest.mark.parametrize("write", WRITERS)
@pytest.mark.parametrize("column", ["prompt_id", "prompt", "model_id", "score"])
def test_a_missing_column_is_named(
    write: Callable[[Path, list[dict[str, Any]]], Path], column: str, tmp_path: Path
) -> None:
    rows = [{name: value for name, value in row.items() if name != column} for row in ROWS]
    message = refused(write(tmp_path / "a.data", rows))
    assert str(tmp_path / "a.data") in message
    assert column in message
    assert "missing" in message


@pytest.mark.parametrize("write", WRITERS)
@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("score", float("nan"), "score"),
        ("score", None, "score"),
        ("score", 50.0, "50 cannot be"),
        ("score", -0.1, "-0.1 cannot be"),
        ("score", float("inf"), "inf cannot be"),
        ("weight", 0.0, "0 cannot be"),
        ("weight", -1.0, "-1 cannot be"),
        ("cost_usd", -1.0, "-1 cannot be"),
        ("input_tokens", -3.0, "-3 cannot be"),
        ("output_tokens", float("inf"), "inf cannot be"),
        ("model_id", None, "model_id"),
        ("prompt", "   ", "empty"),
    ],
)
def test_a_value_that_cannot_be_is_refused_with_its_row(
    write: Callable[[Path, list[dict[str, Any]]], Path], field: str, value: Any, said: str, tmp_path: Path
) -> None:
    rows = [dict(row) for row in ROWS]
    rows[2] = {**rows[2], "prompt_id": "p3", field: value}
    message = refused(write(tmp_path / "a.data", rows))
    assert f"{tmp_path / 'a.data'}:3" in message or f"{tmp_path / 'a.data'}: row 3" in message
    assert field in message
    assert said in message


def test_how_many_more_rows_have_the_fault_is_said(tmp_path: Path) -> None:
    rows = [{**row, "score": 50.0} for row in ROWS]
    assert "(3 more rows have the same fault)" in refused(write_jsonl(tmp_path / "a.jsonl", rows))


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b'{"prompt_id": "p9", "prompt": "cut o', "not JSON"),
        (b'{"prompt_id": "p9", "prompt": "caf\xe9", "model_id": "a", "score": 1}\n', "not UTF-8: byte 0xe9"),
        (b'["p9"]\n', "not a JSON object"),
        (b"[" * 100_000 + b"\n", "not JSON"),
        (b'{"prompt_id": "p9", "prompt": "\\ud800", "model_id": "a", "score": 1}\n', "lone surrogate"),
        (b'{"prompt_id": "p9", "prompt": "One?", "model_id": "a", "score": "good"}\n', "score: found 'good'"),
        (b'{"prompt_id": ["p9"], "prompt": "One?", "model_id": "a", "score": 1}\n', "prompt_id: found ['p9']"),
        (b'{"prompt_id": "p1", "prompt": "Other?", "model_id": "c", "score": 1}\n', "another prompt before"),
        (b'{"prompt_id": "p9", "prompt": "One?", "model_id": "a", "score": 1' + b"0" * 400 + b"}\n", "inf cannot be"),
        (b'{"prompt_id": "p9", "prompt": "One?", "model_id": "\\udc00", "score": 1}\n', "lone surrogate"),
        (
            b'{"prompt_id": "p2", "prompt": "Two?\\n\xc3\x9cber", "model_id": "c", "score": 1, "source": "zoo"}\n',
            "source: the prompt_id 'p2' had another source before",
        ),
    ],
)
def test_a_faulty_line_is_named(line: bytes, said: str, tmp_path: Path) -> None:
    path = write_jsonl(tmp_path / "a.jsonl", ROWS)
    path.write_bytes(path.read_bytes() + b"\n" + line)
    message = refused(path)
    assert f"{path}:6" in message
    assert said in message


def test_a_line_that_is_cut_off_says_that_the_file_may_be(tmp_path: Path) -> None:
    path = write_jsonl(tmp_path / "a.jsonl", ROWS)
    path.write_bytes(path.read_bytes()[:-20])
    assert f"{path}:4: not JSON" in refused(path)
    assert "cut off" in refused(path)


def test_a_byte_order_mark_and_windows_line_ends_do_no_harm(tmp_path: Path) -> None:
    path = write_jsonl(tmp_path / "a.jsonl", ROWS)
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    assert len(load(path).score) == 4


def test_an_empty_file_a_missing_one_and_a_blank_one_are_refused(tmp_path: Path) -> None:
    empty, blank = tmp_path / "empty.jsonl", tmp_path / "blank.jsonl"
    empty.write_bytes(b"")
    blank.write_bytes(b"\n\n")
    assert "the file is empty" in refused(empty)
    assert "no response to learn from" in refused(blank)
    assert "no such file" in refused(tmp_path / "nowhere.jsonl")


def test_a_folder_without_the_tables_says_what_is_missing(tmp_path: Path) -> None:
    assert "prompts.parquet and responses.parquet are missing" in refused(tmp_path)


def test_a_parquet_file_that_is_cut_off_is_refused(tmp_path: Path) -> None:
    path = write_parquet(tmp_path / "a.parquet", ROWS)
    path.write_bytes(path.read_bytes()[:-30])
    assert "not a whole Parquet file" in refused(path)


def test_csv_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("prompt_id,prompt\n")
    assert "JSONL or Parquet" in refused(tmp_path / "a.csv")


def test_a_response_without_a_prompt_is_refused_with_its_row(tmp_path: Path) -> None:
    write_parquet(tmp_path / "prompts.parquet", [{"prompt_id": "p1", "prompt": "One?"}])
    rows = [{"prompt_id": p, "model_id": "a", "score": 1} for p in ("p1", "p7")]
    write_parquet(tmp_path / "responses.parquet", rows)
    assert "row 2: prompt_id: 'p7' is not in prompts.parquet" in refused(tmp_path)


def test_a_column_of_texts_is_no_score(tmp_path: Path) -> None:
    rows = [{**row, "score": "good"} for row in ROWS]
    assert "score: a column of string, expected numbers" in refused(write_parquet(tmp_path / "a.parquet", rows))
