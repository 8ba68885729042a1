"""`agentic`: outcomes of agent systems on tasks, as the agent-psychometrics project keeps them.

    data/<dataset>/responses.jsonl   {"subject_id": "…", "responses": {"task id": 0 or 1, …}}
    data/<dataset>/tasks.jsonl       {"task_id": "…", "problem_statement": "…"}

The path is such a folder, the folder above several, or a responses file. A response may also be
`{"successes": 3, "trials": 5}`: its score is the share, and it weighs as much as its trials. Where no task texts
are shipped, `tasks=FILE` names a JSONL or Parquet file that has them; `instance_id` is read as `task_id`.

A subject is a system, a model with its scaffold: it tells how hard a task is, and nothing of a model's scores.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from artifacts_build.datasets.collect import Collected, Collector
from artifacts_build.datasets.lines import open_file, read_lines, text_field
from artifacts_build.datasets.published_scores import SYSTEM_PREFIX
from artifacts_build.datasets.rows import parquet_batches, text_column
from artifacts_build.datasets.spec import DatasetSpec
from artifacts_build.datasets.values import name_of, number_of
from artifacts_build.errors import DatasetError

RESPONSES, TASKS = "responses.jsonl", "tasks.jsonl"
ID_NAMES = ("task_id", "instance_id")


def read_agentic(spec: DatasetSpec) -> Collected:
    """Read one or several folders of responses.

    Raises:
        DatasetError: there are none, no task has a text, or a line cannot be.
    """
    into = Collector()
    given = _texts(spec.tasks) if spec.tasks else {}
    for path in _responses_files(spec.path):
        beside = path.with_name(TASKS)
        texts = {**given, **(_texts(beside) if beside.exists() else {})}
        _read_responses(path, texts, into, spec)
    if not len(into):
        raise DatasetError(
            f"{spec.path}: none of its tasks has a text. Name a file of {ID_NAMES[0]} and problem_statement: "
            f"agentic:{spec.path},tasks=FILE."
        )
    return into.finish(spec.name, spec.path)


def _responses_files(path: Path) -> list[Path]:
    if not path.is_dir():
        open_file(path).close()
        return [path]
    if (path / RESPONSES).exists():
        return [path / RESPONSES]
    found = sorted(path.glob(f"*/{RESPONSES}"))
    if not found:
        raise DatasetError(f"{path}: no {RESPONSES} here or one folder below. Name the folder that holds it.")
    return found


def _read_responses(path: Path, texts: Mapping[str, str], into: Collector, spec: DatasetSpec) -> None:
    file = into.file(path, "line")
    source = path.parent.name if path.parent.name and spec.path.is_dir() else spec.name
    at: dict[str, int] = {}
    textless: set[str] = set()
    for line, record in read_lines(path, f"{source} responses"):
        place = f"{path}:{line}"
        subject = name_of(text_field(record, "subject_id", place))
        responses = record.get("responses")
        if not isinstance(responses, dict):
            raise DatasetError(
                f"{place}: responses: expected a map from task id to 0 or 1. Check that this is a responses file."
            )
        system = subject if subject.startswith(SYSTEM_PREFIX) else SYSTEM_PREFIX + subject
        for named, response in responses.items():
            task_id = name_of(named)
            if task_id not in at:
                if not texts.get(task_id, "").strip():
                    textless.add(task_id)
                    continue
                at[task_id] = into.prompt(f"{source}/{task_id}", texts[task_id], file, line, source)
            score, weight = _score(response, f"{place}: responses: {task_id!r}")
            into.response(at[task_id], system, score, file, line, weight)
    if textless:
        into.skip(f"tasks of {source} that have no text", len(textless))


def _score(response: Any, place: str) -> tuple[float, float]:
    """Score and weight of one response."""
    if isinstance(response, dict):
        successes, trials = response.get("successes"), response.get("trials")
        if not isinstance(successes, int) or not isinstance(trials, int) or not 0 <= successes <= trials or not trials:
            raise DatasetError(f"{place}: {response} is not a number of successes in some trials. Mend it.")
        return successes / trials, float(trials)
    if isinstance(response, str):
        response = number_of(response)
    if not isinstance(response, int | float):
        raise DatasetError(f"{place}: expected 0 or 1, found {str(response)[:100]!r}. Mend it or leave the task out.")
    return float(response), 1.0


def _texts(path: Path) -> dict[str, str]:
    """Task texts by id."""
    with open_file(path) as stream:
        parquet = stream.read(4) == b"PAR1"
    texts: dict[str, str] = {}
    for named, text, place in _parquet_texts(path) if parquet else _jsonl_texts(path):
        task_id = name_of(named)
        if texts.setdefault(task_id, text) != text:
            raise DatasetError(f"{place}: the task {task_id!r} had another text before. Keep one.")
    return texts


def _jsonl_texts(path: Path) -> Iterator[tuple[str, str, str]]:
    for line, record in read_lines(path):
        place = f"{path}:{line}"
        name = next((name for name in ID_NAMES if name in record), ID_NAMES[0])
        yield text_field(record, name, place), text_field(record, "problem_statement", place, missing=""), place


def _parquet_texts(path: Path) -> Iterator[tuple[str, str, str]]:
    for first, table in parquet_batches(path, ("problem_statement",), ID_NAMES):
        name = next((name for name in ID_NAMES if name in table.column_names), None)
        if name is None:
            raise DatasetError(f"{path}: the column {ID_NAMES[0]} is missing. Add it.")
        ids = text_column(table, name, path, first)
        texts = text_column(table, "problem_statement", path, first, missing="")
        for i, (task_id, text) in enumerate(zip(ids, texts, strict=True)):
            yield task_id, text, f"{path}: row {first + i}"
