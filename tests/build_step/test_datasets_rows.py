"""`rows`: every way to write them is read alike, and every fault is named with its file and line."""

import csv
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


def write_separated(path: Path, rows: list[dict[str, Any]], separator: str) -> Path:
    names = list(dict.fromkeys(name for row in rows for name in row))
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, delimiter=separator)
        writer.writerows([names, *([row.get(name) for name in names] for row in rows)])
    return path


def write_csv(path: Path, rows: list[dict[str, Any]]) -> Path:
    return write_separated(path, rows, ",")


def write_tsv(path: Path, rows: list[dict[str, Any]]) -> Path:
    return write_separated(path, rows, "\t")


Write = Callable[[Path, list[dict[str, Any]]], Path]
WRITERS: list[Write] = [write_jsonl, write_parquet, write_csv, write_tsv]


@pytest.mark.parametrize("write", WRITERS)
def test_a_file_is_read_whole(write: Write, tmp_path: Path) -> None:
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


@pytest.mark.parametrize("write", WRITERS)
def test_runs_of_a_prompt_and_a_model_are_averaged_and_weigh_as_many(write: Write, tmp_path: Path) -> None:
    again = [{**ROWS[0], "score": 0, "cost_usd": None, "input_tokens": None}, ROWS[0], {**ROWS[1], "score": 1}]
    data = load(write(tmp_path / "a.data", [*ROWS, *again]))
    assert data.score.tolist() == pytest.approx([2 / 3, 0.625, 0, 1])
    assert data.weight.tolist() == [3, 4, 1, 1]
    assert data.cost_usd[0] == 0.5
    assert data.input_tokens[0] == 3
    assert data.notes == ("a: averaged 3 further runs of a prompt and a model",)


def test_runs_of_different_weight_are_averaged_by_it(tmp_path: Path) -> None:
    data = load(write_jsonl(tmp_path / "a.jsonl", [{**ROWS[0], "weight": 3}, {**ROWS[0], "score": 0, "cost_usd": 2.5}]))
    assert (data.score.tolist(), data.weight.tolist(), data.cost_usd.tolist()) == ([0.75], [4], [1.0])


@pytest.mark.parametrize("write", WRITERS)
def test_numbers_as_text_and_blanks_around_names_are_read_alike(write: Write, tmp_path: Path) -> None:
    row = {
        "prompt_id": " p1",
        "prompt": " One? ",
        "model_id": "a\u00a0",
        "score": " 1 ",
        "cost_usd": "5e-1",
        "task": "t ",
    }
    rows = [
        {**row, "input_tokens": ""},
        {**row, "model_id": "a", "prompt_id": "p1\ufeff", "score": "0.5"},
    ]
    data = load(write(tmp_path / "a.data", rows))
    assert (data.prompt_ids, data.prompts, data.model_ids) == (["p1"], [" One? "], ["a"])
    assert (data.score.tolist(), data.weight.tolist(), data.cost_usd.tolist()) == ([0.75], [2], [0.5])
    assert data.prompt_task.tolist() == ["t"]
    assert np.isnan(data.input_tokens).all()


@pytest.mark.parametrize("write", WRITERS)
@pytest.mark.parametrize("value", ["good", "1,5", "0x1", "1_0", "١", "50 %", "one"])
def test_text_that_is_no_number_is_no_score(write: Write, value: str, tmp_path: Path) -> None:
    message = refused(write(tmp_path / "a.data", [{**ROWS[0], "score": "1"}, {**ROWS[1], "score": value}]))
    assert f"score: found {value!r}" in message
    assert f"{tmp_path / 'a.data'}:" in message


@pytest.mark.parametrize("write", WRITERS)
@pytest.mark.parametrize("name", ["prompt_id", "model_id"])
def test_a_blank_name_is_refused(write: Write, name: str, tmp_path: Path) -> None:
    assert name in refused(write(tmp_path / "a.data", [ROWS[0], {**ROWS[1], name: "  "}]))


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
def test_a_missing_column_is_named(write: Write, column: str, tmp_path: Path) -> None:
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
    write: Write, field: str, value: Any, said: str, tmp_path: Path
) -> None:
    rows = [dict(row) for row in ROWS]
    rows[2] = {**rows[2], "prompt_id": "p3", field: value}
    message = refused(write(tmp_path / "a.data", rows))
    places: dict[Write, str] = {write_jsonl: ":3", write_parquet: ": row 3"}
    place = places.get(write, ":4")  # a table has a header
    assert f"{tmp_path / 'a.data'}{place}" in message
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


def test_a_table_of_a_spreadsheet_is_read_with_its_mark_its_semicolons_and_its_quotes(tmp_path: Path) -> None:
    path = write_separated(tmp_path / "a.csv", ROWS, ";")
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes() + b"\r\n\r\n")
    data = load(path)
    assert data.prompts == ["One?", "Two?\nÜber"]
    assert data.score.tolist() == [1, 0.25, 0, 1]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("prompt_id,prompt\np1,One?\n", "the column model_id, score is missing"),
        ("prompt_id,prompt,model_id,score,score\n", "'score' is there twice"),
        ("prompt_id,prompt,model_id,score\np1,One?,a\n", "a.csv:2: 3 cells, where the header has 4"),
        ("prompt_id,prompt,model_id,score\np1,One,two?,a,1\n", "a.csv:2: 5 cells, where the header has 4"),
        ('prompt_id,prompt,model_id,score\np1,"One\n\n?",a,1\np2,"Two,a,1\n', "a.csv:5: not CSV"),
        ('prompt_id,prompt,model_id,score\np1,"One\n?",a,1\np2,Two,a,good\n', "a.csv:4: score: found 'good'"),
        ("prompt_id,prompt,model_id,score\np1,One?,a,\n", "a.csv:2: score"),
        ("", "the file is empty"),
    ],
)
def test_a_faulty_table_is_refused_with_its_line(text: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(text)
    assert said in refused(tmp_path / "a.csv")


def test_a_table_that_is_not_utf8_is_refused_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes("prompt_id,prompt,model_id,score\np1,café,a,1\n".encode("latin-1"))
    assert "a.csv:2: not UTF-8" in refused(tmp_path / "a.csv")


def test_a_response_without_a_prompt_is_refused_with_its_row(tmp_path: Path) -> None:
    write_parquet(tmp_path / "prompts.parquet", [{"prompt_id": "p1", "prompt": "One?"}])
    rows = [{"prompt_id": p, "model_id": "a", "score": 1} for p in ("p1", "p7")]
    write_parquet(tmp_path / "responses.parquet", rows)
    assert "row 2: prompt_id: 'p7' is not in prompts.parquet" in refused(tmp_path)


@pytest.mark.parametrize("name", ["prompt_id", "model_id"])
def test_a_column_of_fractions_is_no_name(name: str, tmp_path: Path) -> None:
    rows = [{**row, name: 1.5} for row in ROWS]
    assert f"{name}: a column of double, expected text" in refused(write_parquet(tmp_path / "a.parquet", rows))
