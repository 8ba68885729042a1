"""`routerbench`: its wide table, once it is no pickle any more."""

import csv
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from artifacts_build.datasets import Outcomes, Profiles, load_datasets, parse_dataset
from artifacts_build.errors import DatasetError

TABLE: list[dict[str, Any]] = [
    {
        "sample_id": "mmlu-law.val.5",
        "prompt": "['Answer with a letter.\\nWhich is it?']",
        "eval_name": "mmlu-law",
        "gpt-4-1106-preview": 1.0,
        "WizardLM/WizardLM-13B-V1.2": 0.0,
        "gpt-4-1106-preview|model_response": "['A']",
        "WizardLM/WizardLM-13B-V1.2|model_response": 'B,\n"C"',
        "gpt-4-1106-preview|total_cost": 0.004,
        "WizardLM/WizardLM-13B-V1.2|total_cost": 0.0001,
        "oracle_model_to_route_to": "gpt-4-1106-preview",
    }
]
TABLE.append(
    {**TABLE[0], "sample_id": "grade-school-math.dev.1", "prompt": "[1, 2] is a list, is it?", "eval_name": "g"}
)


def write(path: Path, rows: list[dict[str, Any]]) -> Path:
    if path.suffix == ".csv":
        with path.open("w", newline="", encoding="utf-8") as stream:
            writer = csv.DictWriter(stream, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
    else:
        pq.write_table(pa.Table.from_pylist(rows), path)
    return path


def load(path: Path) -> Outcomes:
    return load_datasets([parse_dataset(f"routerbench:{path}")], Profiles())


def refused(path: Path) -> str:
    with pytest.raises(DatasetError) as raised:
        load(path)
    return raised.value.detail


FILES = ["routerbench.csv", "routerbench.parquet"]


@pytest.mark.parametrize("name", FILES)
def test_a_table_is_read(name: str, tmp_path: Path) -> None:
    data = load(write(tmp_path / name, TABLE))
    assert data.prompts == ["Answer with a letter.\nWhich is it?", "[1, 2] is a list, is it?"]
    assert data.prompt_source.tolist() == ["mmlu-law", "g"]
    assert data.model_ids == ["WizardLM/WizardLM-13B-V1.2", "gpt-4-1106-preview"]
    by_model = {
        data.model_ids[m]: (s, c) for m, s, c in zip(data.response_model, data.score, data.cost_usd, strict=True)
    }
    assert by_model == {"gpt-4-1106-preview": (1.0, 0.004), "WizardLM/WizardLM-13B-V1.2": (0.0, 0.0001)}
    assert np.isnan(data.input_tokens).all()


@pytest.mark.parametrize("name", ["routerbench_0shot.pkl", "routerbench.data"])
def test_a_pickle_is_refused_by_name_and_never_read(name: str, tmp_path: Path) -> None:
    class Bomb:
        def __reduce__(self) -> Any:
            return (Path.mkdir, (tmp_path / "exploded",))

    (tmp_path / name).write_bytes(pickle.dumps(Bomb()))
    message = refused(tmp_path / name)
    assert name in message
    assert "pickle" in message
    assert "to_parquet" in message
    assert not (tmp_path / "exploded").exists()


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("column", ["sample_id", "prompt", "eval_name", "gpt-4-1106-preview"])
def test_a_missing_column_is_named(name: str, column: str, tmp_path: Path) -> None:
    rows = [{key: value for key, value in row.items() if key != column} for row in TABLE]
    assert f"{name}: the column {column} is missing" in refused(write(tmp_path / name, rows))


@pytest.mark.parametrize("name", FILES)
def test_a_table_without_costs_is_no_routerbench(name: str, tmp_path: Path) -> None:
    rows = [{key: value for key, value in row.items() if "|" not in key} for row in TABLE]
    assert "no column ends with |total_cost" in refused(write(tmp_path / name, rows))


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize(("value", "said"), [(7.0, "7 cannot be"), (None, "missing"), (float("nan"), "not a number")])
def test_a_score_that_cannot_be_is_refused_with_its_row(name: str, value: Any, said: str, tmp_path: Path) -> None:
    rows = [TABLE[0], {**TABLE[1], "gpt-4-1106-preview": value}]
    message = refused(write(tmp_path / name, rows))
    assert f"{name}: row 2: score" in message
    assert said in message


def test_a_csv_that_is_not_utf8_is_refused_with_its_line(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", TABLE)
    path.write_bytes(path.read_bytes().replace(b"is it?", b"is\xe9it?"))
    assert "a.csv:2: not UTF-8" in refused(path) or "a.csv:3: not UTF-8" in refused(path)


def test_a_csv_with_a_short_row_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", TABLE)
    path.write_text(path.read_text() + "only,three,cells\n")
    assert "a.csv" in refused(path)


def test_a_sample_that_is_there_twice_is_two_runs(tmp_path: Path) -> None:
    data = load(write(tmp_path / "a.parquet", [*TABLE, TABLE[0]]))
    assert (len(data.score), data.weight.sum()) == (4, 6)
