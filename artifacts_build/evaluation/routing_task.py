"""A routing task: one source's held-out prompts, its priced models, what each scored and what each would have cost.

Every model of an routing answered every prompt of it, so that any choice of a router has a known outcome.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from artifacts_build.datasets.outcomes import Floats, Indices, Outcomes, Strings
from artifacts_build.evaluation.experiment import Mask
from artifacts_build.evaluation.prices import Price, Prices

FEWEST_MODELS = 5
# What the published formula takes every answer to have.
PUBLISHED_OUTPUT_TOKENS = 512


@dataclass(frozen=True)
class RoutingTask:
    """k models on n held-out prompts of one source, and on its t training prompts."""

    source: str
    scored_only: bool  # whether only models with a published score play
    models: Indices  # [k] places in the data
    prompts: Indices  # [n]
    score: Floats  # [n, k]
    cost: Floats  # [n, k] USD, simulated
    cost_at_one_length: Floats  # [n, k] as the published formula believes
    task: Strings  # [n]
    training_prompts: Indices  # [t]
    training_score: Floats  # [t, k], NaN where a model did not answer
    training_cost: Floats  # [t, k]
    training_task: Strings  # [t]


def routing_tasks(data: Outcomes, test: Mask, tokens: Floats, prices: Prices) -> list[RoutingTask]:
    """The routing tasks of all sources where at least FEWEST_MODELS priced models answered.

    Models with a published score play where there are enough of them, since the published formula can tell only
    those apart; else all priced ones. `tokens` [n]: input tokens of each prompt.
    """
    priced = np.array([name in prices.by_model for name in data.model_ids])
    known = ~np.isnan(data.capability)
    found = []
    for source in np.unique(data.prompt_source):
        inside = data.prompt_source == source
        for scored_only in (True, False):
            allowed = priced & known if scored_only else priced
            routing = _routing_task(
                data, str(source), inside & test, inside & ~test, allowed, tokens, prices, scored_only
            )
            if routing is not None:
                found.append(routing)
                break
    return found


def _routing_task(
    data: Outcomes, source: str, held: Mask, training: Mask, allowed: Mask, tokens: Floats, prices: Prices, scored: bool
) -> RoutingTask | None:
    table = _table(data, held, allowed)
    models = _players(~np.isnan(table))
    if len(models) < FEWEST_MODELS:
        return None
    complete = ~np.isnan(table[:, models]).any(axis=1)
    prompts, training_prompts = np.flatnonzero(held)[complete], np.flatnonzero(training)
    places = np.flatnonzero(allowed)[models]
    of = [prices.by_model[data.model_ids[m]] for m in places]
    return RoutingTask(
        source=source,
        scored_only=scored,
        models=places,
        prompts=prompts,
        score=table[complete][:, models],
        cost=_cost(tokens[prompts], of),
        cost_at_one_length=_cost(tokens[prompts], [_at_one_length(price) for price in of]),
        task=data.prompt_task[prompts],
        training_prompts=training_prompts,
        training_score=_table(data, training, allowed)[:, models],
        training_cost=_cost(tokens[training_prompts], of),
        training_task=data.prompt_task[training_prompts],
    )


def _players(answered: Mask) -> Indices:
    """The models, best covered first, whose number times the prompts that all of them answered is largest."""
    share = answered.sum(axis=0)
    order = np.argsort(-share, kind="stable")
    together = np.cumprod(answered[:, order], axis=1).sum(axis=0)
    size = together * np.arange(1, len(order) + 1)
    size[: FEWEST_MODELS - 1] = 0
    if not len(size) or size.max() == 0:
        return np.empty(0, dtype=np.intp)
    # The last of equals: more models on fewer prompts.
    best = len(size) - int(np.argmax(size[::-1]))
    return np.sort(order[:best])


def _table(data: Outcomes, prompts: Mask, models: Mask) -> Floats:
    """Scores [prompts, models], NaN where there is no response; the mean of several."""
    row, column = np.cumsum(prompts) - 1, np.cumsum(models) - 1
    inside = prompts[data.response_prompt] & models[data.response_model]
    shape = int(prompts.sum()), int(models.sum())
    at = np.ravel_multi_index((row[data.response_prompt[inside]], column[data.response_model[inside]]), shape)
    size = shape[0] * shape[1]
    total = np.bincount(at, data.score[inside] * data.weight[inside], size)
    weight = np.bincount(at, data.weight[inside], size)
    return np.where(weight > 0, total / np.where(weight > 0, weight, 1), np.nan).reshape(shape)


def _cost(tokens: Floats, prices: Sequence[Price]) -> Floats:
    """USD [n, k]."""
    each = np.array([[p.input_cost_per_1k, p.output_cost_per_1k * p.output_tokens] for p in prices])
    cost: Floats = (tokens[:, None] * each[:, 0] + each[:, 1]) / 1000
    return cost


def _at_one_length(price: Price) -> Price:
    return Price(price.input_cost_per_1k, price.output_cost_per_1k, PUBLISHED_OUTPUT_TOKENS)
