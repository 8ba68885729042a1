"""One dataset while it is read: prompts by id, responses as columns, and what was passed over.

A reader adds prompts and responses in any order; `finish` checks all rows at once, so that every kind refuses
the same things with the same words: scores that are missing or outside [0, 1], numbers that cannot be. Rows of one
prompt and model are runs of it: they are averaged, and weigh as many. Each row remembers its file and line, which an
error names.
"""

from array import array
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from artifacts_build.datasets.outcomes import Floats, Indices
from artifacts_build.datasets.values import name_of
from artifacts_build.errors import DatasetError

Unit = Literal["line", "row", "record"]
FIELDS = ("prompt", "source", "task", "dedup_key")
NUMBERS = ("score", "weight", "cost_usd", "input_tokens", "output_tokens")


@dataclass(frozen=True)
class Collected:
    """A dataset that was read whole and checked; r responses of m models on n prompts."""

    prompt_ids: list[str]  # [n]
    prompts: list[str]  # [n]
    sources: list[str]  # [n] "" where the dataset names none
    tasks: list[str]  # [n] "" where there is none
    keys: list[str]  # [n] dedup_key, "" where there is none
    model_ids: list[str]  # [m]
    prompt: Indices  # [r]
    model: Indices  # [r]
    numbers: dict[str, Floats]  # NUMBERS, each [r]
    notes: tuple[str, ...]  # what was passed over, and how often


class Collector:
    """Collects what a reader finds."""

    def __init__(self) -> None:
        self._prompts: list[list[str]] = []  # id, text, source, task, key
        self._prompt_at: dict[str, int] = {}
        self._models: list[str] = []
        self._model_at: dict[str, int] = {}
        self._files: list[tuple[str, Unit]] = []
        self._index = {name: array("q") for name in ("prompt", "model", "file", "row")}
        self._number = {name: array("d") for name in NUMBERS}
        self._skipped: Counter[str] = Counter()
        self._further_runs = 0

    def __len__(self) -> int:
        """How many prompts there are."""
        return len(self._prompts)

    def file(self, path: Path | str, unit: Unit) -> int:
        """The number of a file, which rows name as their own."""
        self._files.append((str(path), unit))
        return len(self._files) - 1

    def place(self, file: int, row: int) -> str:
        """Where a row is, as an error says it."""
        path, unit = self._files[file]
        return f"{path}:{row}" if unit == "line" else f"{path}: {unit} {row}"

    def skip(self, why: str, count: int = 1) -> None:
        """Count something that is passed over; `why` is a plural, such as 'decisions without an outcome'."""
        self._skipped[why] += count

    def prompt(
        self, prompt_id: str, text: str, file: int, row: int, source: str = "", task: str = "", key: str = ""
    ) -> int:
        """The index of a prompt; it may be given again, in the same words, and say what was left out before.

        Raises:
            DatasetError: the text is empty or not text, or the id has another text, source, task or key already.
        """
        prompt_id, source, task, key = (name_of(name) for name in (prompt_id, source, task, key))
        at = self._prompt_at.get(prompt_id)
        if at is not None:
            kept = self._prompts[at]
            for i, (name, value) in enumerate(zip(FIELDS, (text, source, task, key), strict=True), start=1):
                if value and kept[i] and kept[i] != value:
                    raise DatasetError(
                        f"{self.place(file, row)}: {name}: the prompt_id {prompt_id!r} had another {name} before. "
                        "Give each prompt an id of its own, and one value."
                    )
                kept[i] = kept[i] or value
            return at
        if not text or text.isspace():
            raise DatasetError(f"{self.place(file, row)}: prompt: it is empty. Leave the row out.")
        try:
            text.encode()
        except UnicodeEncodeError:
            raise DatasetError(
                f"{self.place(file, row)}: prompt: a lone surrogate is not valid Unicode. Mend the text."
            ) from None
        self._prompt_at[prompt_id] = at = len(self._prompts)
        self._prompts.append([prompt_id, text, source, task, key])
        return at

    def model(self, model_id: str) -> int:
        """The index of a model; blanks around its id mean nothing."""
        model_id = name_of(model_id)
        at = self._model_at.setdefault(model_id, len(self._models))
        if at == len(self._models):
            self._models.append(model_id)
        return at

    def response(
        self,
        prompt: int,
        model_id: str,
        score: float,
        file: int,
        row: int,
        weight: float = 1.0,
        cost_usd: float = np.nan,
        input_tokens: float = np.nan,
        output_tokens: float = np.nan,
    ) -> None:
        """Add one response; NaN is what is not known, and is refused for the score when all is read."""
        for name, whole in (("prompt", prompt), ("model", self.model(model_id)), ("file", file), ("row", row)):
            self._index[name].append(whole)
        for name, value in zip(NUMBERS, (score, weight, cost_usd, input_tokens, output_tokens), strict=True):
            self._number[name].append(value)

    def responses(self, prompt: Indices, model: Indices, file: int, first_row: int, numbers: dict[str, Floats]) -> None:
        """Add many responses of one file at once; a column that is left out is not known (weight: 1)."""
        count = len(prompt)
        rows = np.arange(first_row, first_row + count)
        for name, whole in (("prompt", prompt), ("model", model), ("file", np.full(count, file)), ("row", rows)):
            self._index[name].frombytes(np.ascontiguousarray(whole, dtype=np.int64).tobytes())
        for name in NUMBERS:
            column = numbers.get(name, np.full(count, 1.0 if name == "weight" else np.nan))
            self._number[name].frombytes(np.ascontiguousarray(column, dtype=np.float64).tobytes())

    def finish(
        self, name: str, path: Path, keep_files: Sequence[bool] | None = None, ordered: bool = False
    ) -> Collected:
        """Everything that was added, checked; rows of one prompt and model are runs, and become one.

        Args:
            keep_files: for each file, whether its rows count; all do where it is not given.
            ordered: sort prompts by id and rows by prompt and model, where the order of reading means nothing.

        Raises:
            DatasetError: nothing is left, or a row cannot be; names the file and line.
        """
        index = {key: np.frombuffer(column, dtype=np.int64).astype(np.intp) for key, column in self._index.items()}
        number = {key: np.frombuffer(column, dtype=np.float64).copy() for key, column in self._number.items()}
        if keep_files is not None:
            keep = np.array(keep_files, dtype=bool)[index["file"]]
            index, number = _only(index, keep), _only(number, keep)
        if not len(index["row"]):
            raise DatasetError(
                f"{path}: {self._reason_for_nothing()}there is no response to learn from. Check the path and the kind."
            )
        self._check_ranges(index, number)
        index, number = self._averaged(index, number)
        used = np.zeros(len(self._prompts), dtype=bool)
        used[index["prompt"]] = True
        if not used.all():
            self.skip("prompts without a response", int((~used).sum()))
        order = np.flatnonzero(used)
        if ordered:
            order = np.array(sorted(order, key=lambda i: self._prompts[i][0]), dtype=np.intp)
        place = np.full(len(used), -1, dtype=np.intp)
        place[order] = np.arange(len(order))
        index["prompt"] = place[index["prompt"]]
        if ordered:
            by_model = np.array(np.argsort(np.argsort(self._models)))[index["model"]]
            rows = np.lexsort((by_model, index["prompt"]))
            index, number = _only(index, rows), _only(number, rows)
        columns = [[self._prompts[i][field] for i in order] for field in range(5)]
        ids, texts, sources, tasks, keys = columns
        return Collected(
            ids,
            texts,
            sources,
            tasks,
            keys,
            list(self._models),
            index["prompt"],
            index["model"],
            number,
            (*self._notes(name), *_one_model_note(name, index)),
        )

    def _notes(self, name: str) -> list[str]:
        runs = self._further_runs
        averaged = [f"{name}: averaged {runs:,} further runs of a prompt and a model"] if runs else []
        return averaged + [f"{name}: passed over {count:,} {why}" for why, count in sorted(self._skipped.items())]

    def _reason_for_nothing(self) -> str:
        if not self._skipped:
            return ""
        return ", ".join(f"{count:,} {why}" for why, count in sorted(self._skipped.items())) + "; "

    def _check_ranges(self, index: dict[str, Indices], number: dict[str, Floats]) -> None:
        score = number["score"]
        with np.errstate(invalid="ignore"):
            faults = {
                "score": (~((score >= 0) & (score <= 1)), "a fraction from 0 to 1"),
                "weight": (~((number["weight"] > 0) & np.isfinite(number["weight"])), "a number above 0"),
                **{
                    name: (~np.isnan(number[name]) & ~((number[name] >= 0) & np.isfinite(number[name])), "at least 0")
                    for name in ("cost_usd", "input_tokens", "output_tokens")
                },
            }
        for name, (faulty, wanted) in faults.items():
            if faulty.any():
                first, count = int(np.argmax(faulty)), int(faulty.sum())
                value = number[name][first]
                found = "it is missing or not a number" if np.isnan(value) else f"{value:g} cannot be"
                others = f" ({count - 1:,} more rows have the same fault)" if count > 1 else ""
                raise DatasetError(
                    f"{self.place(index['file'][first], index['row'][first])}: {name}: {found}; expected {wanted}"
                    f"{others}. Mend the value or leave the row out."
                )

    def _averaged(
        self, index: dict[str, Indices], number: dict[str, Floats]
    ) -> tuple[dict[str, Indices], dict[str, Floats]]:
        """The runs of a prompt and a model as one row, in the place of the first: means by weight, the sum of weights.

        A cost or a count of tokens is the mean over the runs that have one.
        """
        pair = index["prompt"] * len(self._models) + index["model"]
        _, first, row = np.unique(pair, return_index=True, return_inverse=True)
        if len(first) == len(pair):
            return index, number
        self._further_runs = len(pair) - len(first)
        weight = number["weight"]
        merged: dict[str, Floats] = {"weight": np.bincount(row, weight).astype(np.float64)}
        for name in NUMBERS:
            if name != "weight":
                known = ~np.isnan(number[name])
                total = np.bincount(row[known], (weight * number[name])[known], len(first))
                with np.errstate(invalid="ignore"):
                    merged[name] = total / np.bincount(row[known], weight[known], len(first))
        order: NDArray[np.intp] = np.argsort(first)
        merged["score"] = np.clip(merged["score"], 0.0, 1.0)  # a mean of ones may round above one
        return _only(index, first[order]), _only(merged, order)


def _only(columns: dict[str, Any], rows: NDArray[Any]) -> dict[str, Any]:
    return {name: column[rows] for name, column in columns.items()}


def _one_model_note(name: str, index: dict[str, Indices]) -> list[str]:
    single = int((np.bincount(index["prompt"]) == 1).sum())
    if not single:
        return []
    return [
        f"{name}: {single:,} prompts have a response of one model only; they are kept, and tell little of difficulty"
    ]
