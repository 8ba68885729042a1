"""Published scores of models on benchmarks, at efforts: CSV files of model_id, benchmark, value and effort.

`model_id` is a model's id, or `base:` and a base model, which is then every model of that base; an id with a vendor in
front (`vendor/name`) is also the base model `name`. A file whose values go above 1 is in percent, any other holds
fractions; what is not between 0 and 1 then is an index or a rating, no score, and is passed over. `effort` may be a
level (none, minimal, low, medium, high, xhigh, max), or a name as the source writes it, with the level in brackets;
where it names none, the score is of the model's strongest.
"""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pointsman.routing.hierarchy import EFFORTS, PublishedScore

from artifacts_build.datasets.separated import read_table
from artifacts_build.errors import DatasetError

BASE = "base:"
COLUMNS = ("model_id", "benchmark", "value")
WITHOUT_THINKING = re.compile(r"non-?\s?reasoning|no[ -]thinking|thinking off|\bnothink\b")
WITH_THINKING = re.compile(r"reasoning|thinking")
# The longer name first: `xhigh` holds `high`.
LEVELS = re.compile(r"\b(xhigh|minimal|medium|high|low|max|none)\b")
PERCENT_ABOVE = 1.0


@dataclass(frozen=True)
class Benchmarks:
    """Published scores by the name they were published under: a model's id, or `base:` and a base model."""

    by_name: Mapping[str, Sequence[PublishedScore]] = field(default_factory=dict)

    def of(self, model_id: str, base_model: str) -> tuple[PublishedScore, ...]:
        """Every score of a model: its own, and its base model's."""
        names = dict.fromkeys((model_id, BASE + model_id, BASE + base_model))
        return tuple(dict.fromkeys(score for name in names for score in self.by_name.get(name, ())))

    def with_two(
        self, model_id: str, base_model: str, gpqa_diamond: float, livecodebench: float
    ) -> tuple[PublishedScore, ...]:
        """The same, with the formula's two scores (fractions, NaN for none) where the files do not have them."""
        scores = self.of(model_id, base_model)
        have = {name for name, _, _ in scores}
        two = {"gpqa_diamond": gpqa_diamond, "livecodebench": livecodebench}
        return (*scores, *((n, None, float(x)) for n, x in two.items() if n not in have and not math.isnan(x)))

    def __bool__(self) -> bool:
        return bool(self.by_name)


def read_benchmarks(paths: Iterable[Path]) -> Benchmarks:
    """The scores of several files.

    Raises:
        DatasetError: a file cannot be read, lacks a column, or holds a value that is no number; names the line.
    """
    found: dict[str, list[PublishedScore]] = {}
    for path in paths:
        rows = _read(path)
        unit = 100.0 if any(value > PERCENT_ABOVE for *_, value in rows) else 1.0
        for model_id, benchmark, effort, value in rows:
            if 0 < value / unit <= 1:
                score = (benchmark, effort, value / unit)
                for name in _names(model_id):
                    found.setdefault(name, []).append(score)
    return Benchmarks({name: tuple(scores) for name, scores in found.items()})


def effort_of(text: str) -> str | None:
    """The level that a source's own words name; None where they name none."""
    words = text.strip().lower()
    if WITHOUT_THINKING.search(words):
        return EFFORTS[0]
    named = LEVELS.findall(words)
    if named:
        return str(named[-1])
    return "high" if WITH_THINKING.search(words) else None


def _names(model_id: str) -> list[str]:
    """The names that a row's model is known by."""
    if model_id.startswith(BASE) or "/" not in model_id:
        return [model_id]
    return [model_id, BASE + model_id.rsplit("/", 1)[1]]


def _read(path: Path) -> list[tuple[str, str, str | None, float]]:
    rows = []
    for place, row in read_table(path, COLUMNS, filled=COLUMNS[:2]):
        try:
            value = float(row["value"])
        except (TypeError, ValueError):
            raise DatasetError(
                f"{place}: value: {row['value']!r} is not a number. Mend it or leave the line out."
            ) from None
        rows.append((row["model_id"].strip(), row["benchmark"].strip(), effort_of(row.get("effort") or ""), value))
    return rows
