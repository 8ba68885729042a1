"""What is published about the models of a dataset: base model, GPQA Diamond and LiveCodeBench.

From the registry's models, by id and alias, and from a `models.csv` (model_id, base_model, gpqa_diamond,
livecodebench in percent; empty where nothing is published), which wins where both know a model. Scores are
fractions here.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pointsman.registry import CAPABILITY_BENCHMARKS, load_registry

from artifacts_build.datasets.separated import read_table
from artifacts_build.errors import DatasetError

# Systems (a model with its scaffold): they tell how hard a prompt is, not what a model's scores predict.
SYSTEM_PREFIX = "agent:"
# Scores that contradict every neighbour of the model and its other benchmark; see the model card.
DISTRUSTED_SCORES = {("claude-opus-4", "livecodebench")}
COLUMNS = ("model_id", *CAPABILITY_BENCHMARKS)


@dataclass(frozen=True)
class Profile:
    """What is published about one model; scores are fractions, NaN where there is none."""

    base_model: str
    gpqa_diamond: float = math.nan
    livecodebench: float = math.nan


@dataclass(frozen=True)
class Profiles:
    """Profiles by model id."""

    by_id: Mapping[str, Profile] = field(default_factory=dict)

    def of(self, model_id: str) -> Profile:
        """The profile of a model; without scores for a system, and for a model nobody knows."""
        known = self.by_id.get(model_id, Profile(model_id))
        return Profile(known.base_model) if model_id.startswith(SYSTEM_PREFIX) else known

    def or_else(self, others: "Profiles") -> "Profiles":
        """These profiles, and those of `others` for models that are not among them."""
        return Profiles({**others.by_id, **self.by_id})


def read_profiles(registry: Path | None, models_csv: Path | None) -> Profiles:
    """The profiles of a registry folder and of a models.csv; either may be left out.

    Raises:
        RegistryError: the registry has faults.
        DatasetError: the CSV cannot be read, lacks a column, or holds a score that cannot be; names the line.
    """
    from_csv = _read_csv(models_csv) if models_csv else Profiles()
    return from_csv.or_else(_read_registry(registry)) if registry else from_csv


def _read_registry(folder: Path) -> Profiles:
    profiles: dict[str, Profile] = {}
    for model in load_registry(folder).models.values():
        # Outcomes do not say at which effort; what is published is mostly of the highest one, and so are they.
        scores = model.base_scores(model.levels[-1] if model.levels else None)
        for model_id in (model.model_id, *model.aliases):
            profiles[model_id] = Profile(model.model_id, **scores)
    return Profiles(profiles)


def _read_csv(path: Path) -> Profiles:
    profiles: dict[str, Profile] = {}
    for place, row in read_table(path, COLUMNS, filled=COLUMNS[:1], once="model_id"):
        base = row.get("base_model") or row["model_id"]
        scores = {name: _fraction(row[name], f"{place}: {name}") for name in CAPABILITY_BENCHMARKS}
        believed = {name: math.nan if (base, name) in DISTRUSTED_SCORES else scores[name] for name in scores}
        profiles[row["model_id"]] = Profile(base, **believed)
    return Profiles(profiles)


def _fraction(percent: str | None, place: str) -> float:
    if not (percent or "").strip():
        return math.nan
    try:
        value = float(str(percent))
    except ValueError:
        value = math.nan
    if not 0 <= value <= 100:
        raise DatasetError(f"{place}: {percent!r} is not a percentage from 0 to 100. Mend it or leave it empty.")
    return value / 100
