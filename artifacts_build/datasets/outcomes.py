"""Outcomes of models on prompts, as arrays: what every reader makes and training, evaluation and plots read."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from artifacts_build.datasets.benchmarks import Benchmarks

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]
Strings = NDArray[Any]


@dataclass(frozen=True)
class Outcomes:
    """r responses of m models on n prompts, of one or many sources.

    Not a number (NaN) stands for what is not known, in `cost_usd`, the tokens, the scores and `capability`.
    A system (a model with its scaffold) has no capability: it tells how hard a prompt is and nothing else.
    """

    prompt_ids: list[str]  # [n], unique
    prompts: list[str]  # [n]
    prompt_source: Strings  # [n] the dataset it came from, which is what is left out and reported by
    prompt_task: Strings  # [n] "" where there is none
    prompt_group: Strings  # [n] prompts of one group are never split between training and test

    response_prompt: Indices  # [r]
    response_model: Indices  # [r]
    score: Floats  # [r] in [0, 1]
    weight: Floats  # [r] > 0; 1 unless the data or the command says otherwise
    cost_usd: Floats  # [r]
    input_tokens: Floats  # [r]
    output_tokens: Floats  # [r]

    model_ids: list[str]  # [m], sorted
    base_models: list[str]  # [m]
    gpqa_diamond: Floats  # [m] fraction
    livecodebench: Floats  # [m] fraction
    capability: Floats  # [m] mean of the two that are known

    benchmarks: Benchmarks = field(default_factory=Benchmarks)  # what else is published of models, these and others
    notes: tuple[str, ...] = ()  # what was passed over in reading, and how often

    def scored(self) -> NDArray[np.bool_]:
        """[r]: responses of models whose capability is published."""
        return ~np.isnan(self.capability[self.response_model])
