"""Outcomes of models on prompts: the tables that training reads, and what is left out of them.

A data folder holds `prompts.parquet` (prompt_id, source, task, prompt, dedup_key), `responses.parquet`
(prompt_id, model_id, score in [0, 1]) and `models.csv` (model_id, base_model, gpqa_diamond, livecodebench
in percent). Rows are split by `dedup_key`, never by prompt: question stems recur across sources.
"""

import hashlib
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from artifacts_build.datasets.outcomes import Outcomes

# Systems (a model with its scaffold): they tell how hard a prompt is, not what a model's scores predict.
SYSTEM_PREFIX = "agent:"
# Scores that contradict every neighbour of the model and its other benchmark; see the model card.
DISTRUSTED_SCORES = {("claude-opus-4", "livecodebench")}
HELD_OUT_SHARE = 0.2

# The options of a multiple-choice question, from the first lettered line to the end.
OPTIONS = re.compile(r"\n\(?A[.)] .*", re.DOTALL)
SHORTEST_STEM = 16

Array = NDArray[Any]


def load_outcomes(folder: Path) -> Outcomes:
    """Read a data folder.

    Raises:
        OSError: a file is missing.
        ValueError: a table lacks a column or holds a score outside [0, 1].
    """
    prompts = pd.read_parquet(folder / "prompts.parquet").reset_index(drop=True)
    responses = pd.read_parquet(folder / "responses.parquet")
    models = pd.read_csv(folder / "models.csv").set_index("model_id")
    if not responses.score.between(0, 1).all():
        raise ValueError(f"{folder / 'responses.parquet'}: score: a value is outside [0, 1]. Rescale the scores.")
    model_ids = sorted(responses.model_id.unique())
    prompt_index = pd.Index(prompts.prompt_id)
    positions = prompt_index.get_indexer(responses.prompt_id)
    if (positions < 0).any():
        raise ValueError(f"{folder / 'responses.parquet'}: prompt_id: a response has no prompt. Add the prompt.")
    known = models.reindex(model_ids)
    base_models = [str(base) for base in known.base_model]
    gpqa_diamond, livecodebench = (_published(known, benchmark) for benchmark in ("gpqa_diamond", "livecodebench"))
    rows = len(responses)

    def optional(column: str) -> NDArray[np.float64]:
        if column not in responses:
            return np.full(rows, np.nan)
        values: NDArray[np.float64] = responses[column].astype("float64").to_numpy(dtype=float, na_value=np.nan)
        return values

    return Outcomes(
        prompt_ids=prompts.prompt_id.tolist(),
        prompts=prompts.prompt.tolist(),
        prompt_source=prompts.source.to_numpy(dtype=str),
        prompt_task=prompts.task.to_numpy(dtype=str),
        prompt_group=prompts.dedup_key.to_numpy(dtype=str),
        response_prompt=positions,
        response_model=pd.Index(model_ids).get_indexer(responses.model_id),
        score=responses.score.to_numpy(dtype=float),
        weight=np.ones(rows),
        cost_usd=optional("cost_usd"),
        input_tokens=optional("input_tokens"),
        output_tokens=optional("output_tokens"),
        model_ids=model_ids,
        base_models=base_models,
        gpqa_diamond=gpqa_diamond,
        livecodebench=livecodebench,
        capability=_capability(gpqa_diamond, livecodebench),
    )


def _published(known: pd.DataFrame, benchmark: str) -> NDArray[np.float64]:
    """[m] fractions, NaN for systems and for scores that are not published or not believed."""
    score: NDArray[np.float64] = known[benchmark].to_numpy(dtype=float) / 100
    system = known.index.str.startswith(SYSTEM_PREFIX)
    distrusted = [(base, benchmark) in DISTRUSTED_SCORES for base in known.base_model]
    return np.where(system | np.array(distrusted), np.nan, score)


def _capability(*scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """[m]: the mean of the known scores, NaN where there is none."""
    table = np.stack(scores)
    count = (~np.isnan(table)).sum(axis=0)
    return np.where(count > 0, np.nansum(table, axis=0) / np.maximum(count, 1), np.nan)


def held_out(groups: Array, seed: int, share: float = HELD_OUT_SHARE) -> NDArray[np.bool_]:
    """[n]: prompts of the held-out split: a hash of the seed and the group, so order and size do not matter."""
    keys = {group: _unit(f"{seed}:{group}") < share for group in np.unique(groups)}
    return np.array([keys[group] for group in groups])


def folds(groups: Array, count: int, seed: int) -> NDArray[np.intp]:
    """[n]: the fold of every prompt, 0..count-1; a group is never split."""
    keys = {group: int(_unit(f"fold:{seed}:{group}") * count) for group in np.unique(groups)}
    return np.array([keys[group] for group in groups], dtype=np.intp)


def stem_of(prompt: str) -> str | None:
    """A multiple-choice prompt without its options; None for any other prompt."""
    stem = OPTIONS.sub("", prompt).strip()
    return stem if len(stem) >= SHORTEST_STEM and stem != prompt.strip() else None


def _unit(text: str) -> float:
    """A number in [0, 1) that depends on the text alone."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8]) / 2**64
