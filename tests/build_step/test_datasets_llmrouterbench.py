"""`llmrouterbench`: its tree and its tar say the same, the newest run counts, and nothing is unpacked."""

import io
import json
import tarfile
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from artifacts_build.datasets import Outcomes, Profiles, load_datasets, parse_dataset
from artifacts_build.datasets.json_stream import CHUNK, JsonRecords
from artifacts_build.errors import DatasetError


def record(question: str, score: Any, **more: Any) -> dict[str, Any]:
    """A record as the benchmark writes it."""
    return {
        "index": 1,
        "origin_query": question,
        "prompt": f"Question: {question}\nAnswer:",
        "prompt_tokens": 15,
        "completion_tokens": 5,
        "cost": 0.0001,
        "score": score,
        "prediction": "4",
        "ground_truth": "4",
        "raw_output": "The sum is 4.",
        "extra_fields": {},
        **more,
    }


def run(*records: dict[str, Any], demo: bool = False) -> bytes:
    """A result file as the benchmark writes it: the head first, indented, not ASCII."""
    head = {"performance": 0.5, "counts": len(records), "model_name": "m", "demo": demo, "extra_metrics": {}}
    return json.dumps({**head, "records": list(records)}, indent=2, ensure_ascii=False).encode()


TREE = {
    "aime/test/Qwen3-8B/aime-test-Qwen3-8B-20250101_120000.json": run(record("2+2?", 1.0), record("Größe?", 0.0)),
    "aime/test/glm-4/aime-test-glm-4-20250101_120000.json": run(record("2+2?", 0.5), record("Größe?", None)),
    "gpqa/test/glm-4/result.json": run(record("Why?", 1.0), record("Why?", 0.0)),
}


def write_tree(folder: Path, files: dict[str, bytes], root: str = "results/bench") -> Path:
    for name, content in files.items():
        path = folder / root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder / root


def write_tar(path: Path, files: dict[str, bytes], root: str = "bench-release", mode: str = "w:gz") -> Path:
    with tarfile.open(path, mode) as tar:  # type: ignore[call-overload]
        for name, content in files.items():
            member = tarfile.TarInfo(f"{root}/{name}")
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return path


def load(path: Path) -> Outcomes:
    return load_datasets([parse_dataset(f"llmrouterbench:{path},name=bench")], Profiles())


def refused(path: Path) -> str:
    with pytest.raises(DatasetError) as raised:
        load(path)
    return raised.value.detail


def test_a_tree_is_read(tmp_path: Path) -> None:
    data = load(write_tree(tmp_path, TREE))
    assert sorted(data.prompts) == sorted(f"Question: {q}\nAnswer:" for q in ("2+2?", "Größe?", "Why?", "Why?"))
    assert data.model_ids == ["Qwen3-8B", "glm-4"]
    assert sorted(data.prompt_source.tolist()) == ["aime", "aime", "gpqa", "gpqa"]
    assert sorted(data.score.tolist()) == [0, 0, 0.5, 1, 1]
    assert set(data.cost_usd.tolist()) == {0.0001}
    assert set(data.input_tokens.tolist()) == {15}
    assert set(data.output_tokens.tolist()) == {5}
    assert "bench: passed over 1 records without a score" in data.notes


def test_a_question_that_is_twice_in_a_benchmark_is_two_prompts_of_one_group(tmp_path: Path) -> None:
    data = load(write_tree(tmp_path, TREE))
    twice = [i for i, source in enumerate(data.prompt_source) if source == "gpqa"]
    assert len(twice) == 2
    assert data.prompt_group[twice[0]] == data.prompt_group[twice[1]]


def test_a_record_without_a_score_keeps_its_place_among_equal_questions(tmp_path: Path) -> None:
    files = {
        "a/test/m1/run.json": run(record("Why?", None), record("Why?", 1.0)),
        "a/test/m2/run.json": run(record("Why?", 0.0), record("Why?", 1.0)),
    }
    data = load(write_tree(tmp_path, files))
    by_prompt = [data.score[data.response_prompt == i].tolist() for i in range(2)]
    assert by_prompt == [[0.0], [1.0, 1.0]]


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz"])
def test_a_tar_says_what_the_tree_says_in_any_order(mode: str, tmp_path: Path) -> None:
    tree = load(write_tree(tmp_path / "tree", TREE))
    tar = load(write_tar(tmp_path / "bench.tar", dict(reversed(TREE.items())), mode=mode))
    assert tar.prompt_ids == tree.prompt_ids
    assert tar.prompts == tree.prompts
    assert tar.model_ids == tree.model_ids
    for name in ("response_prompt", "response_model", "score", "cost_usd", "prompt_group", "prompt_source"):
        np.testing.assert_array_equal(getattr(tar, name), getattr(tree, name))


def test_a_tar_is_not_unpacked(tmp_path: Path) -> None:
    path = write_tar(tmp_path / "bench.tar", {**TREE, "aime/test/glm-4/readme.md": b"# hi"})
    data = load(path)
    assert [p.name for p in tmp_path.iterdir()] == ["bench.tar"]
    assert "bench: passed over 1 files in the tar that are no results" in data.notes


def test_the_newest_run_that_is_no_demo_counts(tmp_path: Path) -> None:
    files = {
        "aime/test/m/aime-test-m-20250101_120000.json": run(record("2+2?", 0.0)),
        "aime/test/m/aime-test-m-20250301_120000.json": run(record("2+2?", 1.0)),
        "aime/test/m/aime-test-m-20250401_120000.json": run(record("2+2?", 0.5), demo=True),
    }
    data = load(write_tree(tmp_path, files))
    assert data.score.tolist() == [1.0]
    assert "bench: passed over 2 files of demos and older runs" in data.notes


def test_records_by_lines_and_as_a_list_are_read_too(tmp_path: Path) -> None:
    one, two = record("2+2?", 1.0), record("3+3?", 0.0)
    lines = b"".join(json.dumps(r).encode() + b"\n" for r in (one, two))
    data = load(
        write_tree(
            tmp_path, {"a/test/m1/run.jsonl": lines, "a/test/m2/run.json": json.dumps([one, two], indent=1).encode()}
        )
    )
    assert data.score.reshape(2, 2).sum(axis=0).tolist() == [1, 1]
    assert len(data.prompts) == 2


def test_the_folders_above_a_file_say_what_it_is_wherever_one_points(tmp_path: Path) -> None:
    write_tree(tmp_path, TREE)
    for path in (tmp_path, tmp_path / "results", tmp_path / "results/bench"):
        assert load(path).model_ids == ["Qwen3-8B", "glm-4"]
    for path in (tmp_path / "results/bench/aime", tmp_path / "results/bench/aime/test"):
        assert set(load(path).prompt_source.tolist()) == {"aime"}


def test_a_folder_called_bench_far_above_means_nothing(tmp_path: Path) -> None:
    data = load(write_tree(tmp_path / "bench/a/b", TREE, root="bench-release"))
    assert sorted(set(data.prompt_source.tolist())) == ["aime", "gpqa"]
    assert data.model_ids == ["Qwen3-8B", "glm-4"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (run(record("a", 1.0))[:-30], "record 1: not JSON, or cut off"),
        (run(record("a", 1.0), record("b", 50.0)), "record 2: score: 50 cannot be"),
        (run(record("a", 1.0), record("b", float("nan"))), "record 2: score: it is missing or not a number"),
        (run(record("a", "good")), "record 1: score: found 'good'"),
        (run({"origin_query": "a", "prompt": "a"}), "record 1: score: the field is missing"),
        (run(record("a", 1.0)).replace(b"Question: a", b"Question: \xe9"), "not UTF-8"),
        (b'{"performance": 1}', "there is no list 'records'"),
        (b'{"records": {}}', "records is not a list"),
        (b'{"records": [1]}', "not an object"),
        (b'{"records": []} {}', "more text behind the document"),
        (b'"text"', "neither an object nor a list"),
        (b'{"records": [' + b"[" * 100_000, "nested too deeply"),
    ],
)
def test_a_faulty_file_is_named_with_its_record(content: bytes, said: str, tmp_path: Path) -> None:
    name = "aime/test/bad/aime-test-bad-20250101_120000.json"
    tree = write_tree(tmp_path / "tree", {**TREE, name: content})
    for path in (tree, write_tar(tmp_path / "bench.tar.gz", {**TREE, name: content})):
        message = refused(path)
        assert name in message
        assert said in message


def test_a_line_that_is_not_utf8_is_named(tmp_path: Path) -> None:
    content = run(record("a", 1.0), record("b", 1.0)).replace(b"Question: b", b"Question: \xe9")
    line = content[: content.index(b"\xe9")].count(b"\n") + 1
    assert f"run.json:{line}: " in refused(write_tree(tmp_path, {"aime/test/m/run.json": content}))


def test_a_tar_that_is_cut_off_is_refused(tmp_path: Path) -> None:
    many = {f"aime/test/m{i}/run.json": run(*(record(f"{i} {k} {i * k}?", 1.0) for k in range(300))) for i in range(5)}
    for mode in ("w", "w:gz", "w:xz"):
        path = write_tar(tmp_path / "bench.tar", many, mode=mode)
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
        assert "not a whole tar" in refused(path)


def test_a_folder_without_results_is_refused(tmp_path: Path) -> None:
    assert "no .json or .jsonl file" in refused(tmp_path)


def test_a_large_document_is_read_without_holding_it(tmp_path: Path) -> None:
    path = tmp_path / "large.json"
    with path.open("wb") as stream:
        stream.write(b'{"demo": false, "records": [')
        for i in range(600):
            stream.write((b"," if i else b"") + json.dumps(record(f"{i}?", 1.0, raw_output="x" * 100_000)).encode())
        stream.write(b"]}")
    assert path.stat().st_size > 50 * CHUNK
    tracemalloc.start()
    with path.open("rb") as stream:
        count = sum(1 for _ in JsonRecords(stream, "large"))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert count == 600
    assert peak < 10 * CHUNK


def test_values_that_straddle_the_buffer_are_read_whole() -> None:
    numbers = [{"n": 10**i, "pad": "é" * (CHUNK // 7)} for i in range(12)]
    raw = json.dumps({"a": 1, "records": numbers, "z": 12345}, ensure_ascii=False).encode()
    document = JsonRecords(io.BytesIO(raw), "x")
    assert list(document) == numbers
    assert document.head == {"a": 1, "z": 12345}
