"""A small world whose truth is known: two sources, models of known strength, difficulty in the embedding."""

import numpy as np
from pointsman.routing.inputs import Inputs

from artifacts_build.datasets import Outcomes
from artifacts_build.datasets.outcomes import Floats
from artifacts_build.training.frame import Embedded

DIMENSIONS = 8


def outcomes(
    score: Floats, sources: list[str], model_ids: list[str], capability: list[float], base: list[str] | None = None
) -> Outcomes:
    """Outcomes of a table of scores [n, m], NaN where a model did not answer; half of the prompts are of task b."""
    prompt, model = np.nonzero(~np.isnan(score))
    nothing = np.full(len(prompt), np.nan)
    known = np.array(capability)
    return Outcomes(
        prompt_ids=[f"p{i}" for i in range(len(score))],
        prompts=[f"prompt {i}" for i in range(len(score))],
        prompt_source=np.array(sources),
        prompt_task=np.array(["ab"[i % 2] for i in range(len(score))]),
        prompt_group=np.array([f"g{i}" for i in range(len(score))]),
        response_prompt=prompt,
        response_model=model,
        score=score[prompt, model],
        weight=np.ones(len(prompt)),
        cost_usd=nothing,
        input_tokens=nothing,
        output_tokens=nothing,
        model_ids=model_ids,
        base_models=base or model_ids,
        gpqa_diamond=known,
        livecodebench=np.where(np.arange(len(known)) % 3 == 0, np.nan, known),
        capability=known,
    )


def world(prompts: int = 600, models: int = 12, seed: int = 1) -> tuple[Outcomes, Embedded]:
    """Prompts of the sources one and two; the last model is an agent of the first one."""
    rng = np.random.default_rng(seed)
    vectors = rng.normal(size=(prompts, DIMENSIONS)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    difficulty = vectors @ rng.normal(0, 4, DIMENSIONS)
    capability = np.linspace(0.2, 0.9, models)
    ability = np.append(6 * capability - 3, 0.0)
    p = 1 / (1 + np.exp(difficulty[:, None] - ability))
    score = (rng.random(p.shape) < p).astype(float)
    ids = [f"m{i:02}" for i in range(models)]
    data = outcomes(
        score,
        ["one" if i % 3 else "two" for i in range(prompts)],
        ["agent:x", *ids],
        [np.nan, *capability],
        [ids[0], *ids],
    )
    # The agent's column comes first, as ids are sorted.
    data = outcomes(
        np.concatenate([score[:, -1:], score[:, :-1]], axis=1),
        list(data.prompt_source),
        data.model_ids,
        list(data.capability),
        data.base_models,
    )
    return data, Embedded(
        Inputs.of_vectors(vectors), Inputs.of_vectors(np.zeros_like(vectors)), np.zeros(prompts, dtype=bool)
    )
