"""The candidates of a config as columns, so that a request is a few array operations.

Made once a config; nothing in it depends on a request. Models are in the order of their ids.
"""

import math
from collections.abc import Container, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from pointsman.decision import Candidate, Excluded
from pointsman.registry import Model
from pointsman.routing.predictor import CandidateFeatures, Predictor, Reading
from pointsman.routing.pricing import cost_usd, prices_at

DEFAULT_OUTPUT_TOKENS = 512

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True)
class CandidatePool:
    """k models; every array is [k]."""

    models: tuple[Model, ...]
    features: CandidateFeatures
    known: tuple[bool, ...]
    prices: Floats  # [2, k], USD per 1,000 input and output tokens, where no window is open
    timed: tuple[int, ...]  # places of the models with prices that change by the hour
    input_token_factor: Floats
    expected_output_tokens: Integers  # 0: not known
    context_length: Integers


def pool_of(models: Sequence[Model], predictor: Predictor) -> CandidatePool:
    """The pool of k >= 1 models, as this predictor knows them."""
    models = tuple(sorted(models, key=lambda model: model.model_id))
    return CandidatePool(
        models=models,
        features=predictor.features(models),
        known=tuple(model.capability is not None for model in models),
        prices=np.array([[math.inf] * 2 if (r := m.rates) is None else [r.input, r.output] for m in models]).T,
        timed=tuple(i for i, model in enumerate(models) if model.price_changes),
        input_token_factor=np.array([model.input_token_factor for model in models]),
        expected_output_tokens=np.array([model.expected_output_tokens or 0 for model in models]),
        context_length=np.array([model.context_length for model in models]),
    )


def input_tokens(pool: CandidatePool, counted: int) -> Integers:
    """Tokens each model is expected to count for a prompt of `counted` tokens of the embedder."""
    return np.maximum(1, np.rint(counted * pool.input_token_factor)).astype(np.int64)


def output_tokens(pool: CandidatePool, max_output_tokens: int | None, length_factor: float = 1.0) -> Integers:
    """Tokens each model is expected to write: its own expectation, else the request's limit, else 512.

    A model's own expectation is for a usual prompt; `length_factor` says how much longer this one's answer is.
    """
    expected = pool.expected_output_tokens
    scaled = np.maximum(1, np.rint(expected * length_factor)).astype(np.int64)
    return np.where(expected > 0, scaled, max_output_tokens or DEFAULT_OUTPUT_TOKENS)


def excluded_from(
    pool: CandidatePool, tokens_in: Integers, tokens_out: Integers, modalities: Sequence[str], supports: Sequence[str]
) -> dict[int, Excluded]:
    """The models that cannot serve a request, by place, each with the first reason."""
    excluded: dict[int, Excluded] = {}
    if modalities or supports:
        for i, model in enumerate(pool.models):
            if lacking := [name for name in modalities if name not in model.input_modalities]:
                excluded[i] = Excluded(model.model_id, f"does not take {', '.join(lacking)}")
            elif lacking := model.lacks(supports):
                excluded[i] = Excluded(model.model_id, f"does not support {', '.join(lacking)}")
    for i in np.flatnonzero(tokens_in + tokens_out > pool.context_length).tolist():
        why = f"needs {tokens_in[i] + tokens_out[i]:,} tokens, its context holds {pool.context_length[i]:,}"
        excluded.setdefault(i, Excluded(pool.models[i].model_id, why))
    return excluded


def priced_candidates(
    pool: CandidatePool,
    tokens_in: Integers,
    tokens_out: Integers,
    predictor: Predictor,
    reading: Reading,
    now: datetime,
    excluded: Container[int],
) -> list[Candidate]:
    """A candidate for every model that is not excluded, cheapest first, at the prices of one UTC instant."""
    mu, sigma = predictor.complete(pool.features, reading)
    prices = pool.prices
    if pool.timed:
        prices = prices.copy()
        for i in pool.timed:
            prices[:, i] = prices_at(pool.models[i], now)
    cost = cost_usd(prices, tokens_in, tokens_out)
    # A stable sort keeps models of equal cost in the order of their ids.
    order = [i for i in np.argsort(cost, kind="stable").tolist() if i not in excluded]
    columns = (column.tolist() for column in (mu, sigma, cost, pool.features.capability, tokens_in, tokens_out))
    p, p_sd, usd, capable, read, written = columns
    return [
        Candidate(
            pool.models[i].model_id,
            p[i],
            p_sd[i],
            usd[i],
            capable[i],
            pool.known[i],
            read[i],
            written[i],
            pool.models[i].latency_s,
        )
        for i in order
    ]
