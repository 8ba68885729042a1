"""The training prompts and their responses as arrays, with difficulty known as far as it is."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pointsman.routing.inputs import Inputs

from artifacts_build.datasets.outcomes import Outcomes
from artifacts_build.datasets.splits import folds
from artifacts_build.training.inputs import EmbeddedAnchors
from artifacts_build.training.rasch import RaschFit, fit_rasch

FOLDS = 5

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Embedded:
    """What is read of n prompts, of their stems where a prompt is multiple choice, and of the anchors."""

    prompts: Inputs  # [n]
    stems: Inputs  # [n], anything where there is none
    has_stem: Mask  # [n]
    anchors: EmbeddedAnchors | None = None


@dataclass(frozen=True)
class Training:
    """The training prompts and their responses, with difficulty known as far as it is."""

    inputs: Inputs  # [n]
    stem_inputs: Inputs  # [n]
    has_stem: Mask  # [n]
    fold: NDArray[np.intp]  # [n]
    source: NDArray[np.intp]  # [n]
    known: Floats  # [n] how well the difficulty is known, 0 to 1
    rasch: RaschFit
    prompt: NDArray[np.intp]  # [r]
    model: NDArray[np.intp]  # [r]
    score: Floats  # [r]
    weight: Floats  # [r]
    output_tokens: Floats  # [r] NaN where not known

    @property
    def vectors(self) -> NDArray[np.float32]:
        """[n, d]: embeddings of the prompts' views."""
        return self.inputs.whole

    @property
    def stems(self) -> NDArray[np.float32]:
        """[n, d]: embeddings of the stems' views."""
        return self.stem_inputs.whole


def training_of(data: Outcomes, embedded: Embedded, train: Mask, seed: int) -> Training:
    """The prompts of the mask `train` [n], with difficulty and ability fitted together."""
    rows = train[data.response_prompt]
    new_index = np.cumsum(train) - 1
    prompt, model = new_index[data.response_prompt[rows]], data.response_model[rows]
    score, weight = data.score[rows], data.weight[rows]
    _, source = np.unique(data.prompt_source[train], return_inverse=True)
    rasch = fit_rasch(prompt, model, score, source, len(data.model_ids), weight)
    # A difficulty known from two responses is mostly prior: it counts for what it tells beyond that.
    known = np.clip(1 - rasch.difficulty_variance / rasch.difficulty_sd**2, 0.01, 1)
    return Training(
        inputs=embedded.prompts.rows(train),
        stem_inputs=embedded.stems.rows(train),
        has_stem=embedded.has_stem[train],
        fold=folds(data.prompt_group[train], FOLDS, seed),
        source=source,
        known=known,
        rasch=rasch,
        prompt=prompt,
        model=model,
        score=score,
        weight=weight,
        output_tokens=data.output_tokens[rows],
    )
