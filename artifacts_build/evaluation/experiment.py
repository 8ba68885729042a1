"""The laboratory: outcomes, embeddings and the held-out split, with fits that are made once however many ask.

Everything is fitted on training prompts, and estimated anew when a part, a model or a source is left out.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import click
import numpy as np
from numpy.typing import NDArray
from pointsman.artifact.load import Artifact
from pointsman.embedders import Embedder
from pointsman.routing.inputs import Inputs
from pointsman.routing.predictor import Predictor

from artifacts_build.datasets import held_out
from artifacts_build.datasets.outcomes import Floats, Indices, Outcomes
from artifacts_build.errors import BuildError
from artifacts_build.evaluation.measures import Measures, measure
from artifacts_build.training.fit import Fit, Parts, data_features, fit_variants
from artifacts_build.training.frame import Embedded
from artifacts_build.training.kinds import AGENT, work_of_task

Mask = NDArray[np.bool_]
AGENT_WORK, OTHER_WORK = "agent work", "other work"
PER_RESPONSE = (
    "response_prompt",
    "response_model",
    "score",
    "weight",
    "cost_usd",
    "input_tokens",
    "output_tokens",
)


@dataclass
class Experiment:
    """What every evaluation is given."""

    data: Outcomes
    embedded: Embedded
    seed: int
    test: Mask  # [n] held-out prompts
    # A predictor that was trained elsewhere on the same split; what is judged where nothing is left out.
    given: Predictor | None = None
    _fits: dict[tuple[object, ...], Fit] = field(default_factory=dict)

    @classmethod
    def of(cls, data: Outcomes, embedded: Embedded, seed: int, given: Predictor | None = None) -> "Experiment":
        """The laboratory with the split that training makes with the same seed."""
        return cls(data, embedded, seed, held_out(data.prompt_group, seed), given)

    @property
    def predictor(self) -> Predictor:
        """What is judged: the given one, or one trained on the training split."""
        return self.given or self.fit().predictor

    def fit(self, parts: Parts | None = None, sources: Collection[str] = (), models: Collection[str] = ()) -> Fit:
        """A fit on the training split, without the prompts of `sources` and without the base models `models`."""
        return self.fits([parts], sources, models)[0]

    def fits(
        self, variants: Sequence[Parts | None], sources: Collection[str] = (), models: Collection[str] = ()
    ) -> list[Fit]:
        """The same for several choices of parts, which are fitted together; None is all of them."""
        left_out = (tuple(sorted(sources)), tuple(sorted(models)))
        chosen = [parts or Parts() for parts in variants]
        if lacking := [parts for parts in chosen if (parts, *left_out) not in self._fits]:
            without = ", ".join(name for names in left_out for name in names)
            click.echo(f"fitting {f'without {without}' if without else 'on the training split'} ...", err=True)
            data, train = without_models(self.data, models), ~self.test & ~np.isin(self.data.prompt_source, left_out[0])
            made = fit_variants(data, self.embedded, train, self.seed, lacking)
            self._fits |= {(parts, *left_out): fit for parts, fit in zip(lacking, made, strict=True)}
        return [self._fits[parts, *left_out] for parts in chosen]

    @cached_property
    def agent_work(self) -> Mask:
        """[n]: prompts that are answered by steps with tools, such as an issue of a repository."""
        named = zip(self.data.prompt_source, self.data.prompt_task, strict=True)
        found: Mask = np.array([work_of_task(str(source), str(task)) == AGENT for source, task in named], dtype=bool)
        return found

    def by_work(self, rows: Mask) -> dict[str, Mask]:
        """The responses of the mask `rows` [r] to agent work, and to other work."""
        agent = self.agent_work[self.data.response_prompt]
        return {AGENT_WORK: rows & agent, OTHER_WORK: rows & ~agent}

    def measured_by_work(self, rows: Mask, mu: Floats) -> dict[str, Measures]:
        """The measures of predictions `mu` of the responses of the mask `rows` [r], of each kind of work among them."""
        return {
            work: measure(mu[own[rows]], self.data.score[own]) for work, own in self.by_work(rows).items() if own.any()
        }

    def held_out_rows(self, scored: bool = True) -> Mask:
        """[r]: the responses to held-out prompts; of models with published scores, or of all."""
        rows: Mask = self.test[self.data.response_prompt]
        return rows & self.data.scored() if scored else rows


def check_weights(weights: Artifact, embedder: Embedder, seed: int) -> None:
    """Raise BuildError where weights cannot be judged: of another embedder, or trained on other prompts."""
    folder, manifest = weights.folder, weights.manifest
    if manifest.embedder.fingerprint != embedder.fingerprint:
        raise BuildError(
            f"{folder}: trained for the embedder {manifest.embedder.name!r} with the fingerprint "
            f"{manifest.embedder.fingerprint[:12]}, not {embedder.fingerprint[:12]}. Name its folder with --embedder."
        )
    if manifest.training.get("fitted_to_everything"):
        raise BuildError(
            f"{folder}: fitted to every prompt, so none is left to judge it on. Leave --weights out: the same code is "
            "then trained on the training split and judged on the rest, as the figures of its card were."
        )
    split = manifest.training.get("split")
    trained = split.get("seed") if isinstance(split, dict) else None
    if trained != seed:
        raise BuildError(
            f"{folder}: trained with the split of seed {trained}, not {seed}: prompts it was trained on would be "
            f"taken for held out. Give --seed {trained}, or train it with --seed {seed}."
        )


def without_models(data: Outcomes, models: Collection[str]) -> Outcomes:
    """The outcomes without those of some base models, and of systems built on them."""
    if not models:
        return data
    out = np.isin(data.base_models, list(models))
    kept = ~out[data.response_model]
    return replace(data, **{name: getattr(data, name)[kept] for name in PER_RESPONSE})


def predict_matrix(
    predictor: Predictor, data: Outcomes, inputs: Inputs, prompts: Indices, models: Indices
) -> tuple[Floats, Floats]:
    """`mu` and `sigma` [n, k] of k models of the data on n of its prompts, as serving predicts them."""
    candidates = data_features(predictor, data)
    reading = predictor.read(inputs.rows(prompts))
    n, k = len(prompts), len(models)
    mu, sigma = predictor.complete(candidates.rows(np.tile(models, n)), reading.rows(np.repeat(np.arange(n), k)))
    return mu.reshape(n, k), sigma.reshape(n, k)
