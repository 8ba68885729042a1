"""`history`: this product's own decisions, with what really happened to them.

The SQLite file that the local server writes, or JSONL of decisions as `GET /api/history/{id}` gives them. An
outcome is a response: its score, or else whether the model completed the prompt. Only a prompt that was kept whole
is learned from: its sha256, or where hashes are keyed (POINTSMAN_HASH_KEY) its keyed one, must be that of the decision,
so one that was cut, viewed or hashed is passed over.

An outcome of a model at an effort is one of the model, as everywhere in outcomes.
A prompt that was decided several times is one prompt. A model's outcomes on it are averaged and weigh as many.
"""

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from itertools import groupby
from math import isnan, nan
from operator import itemgetter
from pathlib import Path
from typing import Any

from pointsman.errors import UnknownModel
from pointsman.history.base import model_of
from pointsman.history.outcomes import served
from pointsman.history.prompts import prompt_hash
from pointsman.history.sqlite_schema import MIGRATIONS
from pointsman.settings import load_settings
from tqdm import tqdm

from artifacts_build.datasets.collect import Collected, Collector
from artifacts_build.datasets.lines import number_field, open_file, parse_object, read_lines, text_field
from artifacts_build.datasets.spec import DatasetSpec
from artifacts_build.datasets.values import name_of
from artifacts_build.errors import DatasetError

MAGIC = b"SQLite format 3\x00"
DECISIONS = """
    SELECT b.id, b.body, o.outcome FROM bodies b LEFT JOIN outcomes o ON o.decision_id = b.id ORDER BY b.id, o.model_id
"""


def read_history(spec: DatasetSpec) -> Collected:
    """Read a history file.

    Raises:
        DatasetError: it is no history, or a decision or an outcome cannot be; names the line or the decision.
    """
    with open_file(spec.path) as stream:
        sqlite = stream.read(len(MAGIC)) == MAGIC
    into, key = Collector(), load_settings().hash_key
    file = into.file(spec.path, "record" if sqlite else "line")
    found: dict[tuple[str, str], list[tuple[float, float, float]]] = {}
    row_of: dict[tuple[str, str], int] = {}
    prompts: dict[str, tuple[str, int, str]] = {}
    for row, decision in _decisions(spec.path) if sqlite else read_lines(spec.path):
        place = into.place(file, row)
        outcomes = decision.get("outcomes") or []
        if not outcomes:
            into.skip("decisions without an outcome")
            continue
        prompt = decision.get("prompt")
        if not isinstance(prompt, str) or decision.get("prompt_sha256") not in _hashes(prompt, key):
            into.skip("decisions whose prompt was not kept whole (POINTSMAN_STORE_PROMPTS, or longer than 64 KiB)")
            continue
        digest = _hashes(prompt)[0]
        prompts.setdefault(digest, (prompt, row, text_field(decision, "task", place, missing="")))
        for model_id, outcome in _outcomes(decision, outcomes, place):
            found.setdefault((digest, model_id), []).append(outcome)
            row_of.setdefault((digest, model_id), row)
    for (digest, model_id), several in found.items():
        text, row, task = prompts[digest]
        score, cost, written = (_mean(column) for column in zip(*several, strict=True))
        prompt_at = into.prompt(digest[:24], text, file, row, "", task)
        place_row = row_of[digest, model_id]
        into.response(prompt_at, model_id, score, file, place_row, float(len(several)), cost, output_tokens=written)
    return into.finish(spec.name, spec.path, ordered=True)


def _outcomes(
    decision: Mapping[str, Any], outcomes: Any, place: str
) -> Iterator[tuple[str, tuple[float, float, float]]]:
    """Model ids with score, cost in USD and output tokens."""
    if not isinstance(outcomes, list) or not all(isinstance(outcome, dict) for outcome in outcomes):
        raise DatasetError(f"{place}: outcomes: not a list of objects. Write decisions as the API gives them.")
    for outcome in outcomes:
        if outcome.get("score") is None and "completed" in outcome and outcome["completed"] is None:
            continue  # usage, a cut off answer or a failed call: nobody judged it
        model_id = name_of(text_field(outcome, "model_id", f"{place}: outcomes"))
        try:
            served(decision, model_id)
        except UnknownModel:
            raise DatasetError(
                f"{place}: outcomes: the decision did not select {model_id!r}, nor was it a candidate. "
                "Leave the outcome out."
            ) from None
        score = number_field(outcome, "score", f"{place}: outcomes")
        if isnan(score):
            completed = outcome.get("completed")
            if not isinstance(completed, bool):
                raise DatasetError(
                    f"{place}: outcomes: completed: expected true or false, found {completed!r}. Mend it."
                )
            score = float(completed)
        if not 0 <= score <= 1:
            raise DatasetError(
                f"{place}: outcomes: score: {score:g} cannot be; expected a fraction from 0 to 1. Mend it."
            )
        yield (
            model_of(model_id),
            (
                score,
                number_field(outcome, "cost_usd", f"{place}: outcomes"),
                number_field(outcome, "output_tokens", f"{place}: outcomes"),
            ),
        )


def _decisions(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """The decisions of an SQLite file with their outcomes; the file is only read, also while a server writes it."""
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as db:
            version = db.execute("PRAGMA user_version").fetchone()[0]
            if not 1 <= version <= len(MIGRATIONS):
                raise DatasetError(
                    f"{path}: an SQLite file of another program, or of a newer Pointsman (version {version}). "
                    "Name the history that POINTSMAN_DB names."
                )
            total = db.execute("SELECT count(*) FROM bodies").fetchone()[0]
            with tqdm(total=total, desc=path.name, unit="decision", disable=None) as bar:
                for number, (_, rows) in enumerate(groupby(db.execute(DECISIONS), itemgetter(0)), start=1):
                    bar.update()
                    several = list(rows)
                    place = f"{path}: record {number}"
                    outcomes = [parse_object(raw.encode(), place) for _, _, raw in several if raw is not None]
                    yield number, {**parse_object(several[0][1].encode(), place), "outcomes": outcomes}
    except sqlite3.Error as error:
        raise DatasetError(f"{path}: cannot be read as a history: {error}. Check the file, or restore it.") from None


def _hashes(text: str, key: str = "") -> tuple[str, ...]:
    """The hashes that a decision of this prompt may have: the plain one and, where there is a key, the keyed one."""
    raw = text.encode("utf-8", "surrogatepass")
    return (prompt_hash(raw), prompt_hash(raw, key)) if key else (prompt_hash(raw),)


def _mean(values: tuple[float, ...]) -> float:
    known = [value for value in values if not isnan(value)]
    return sum(known) / len(known) if known else nan
