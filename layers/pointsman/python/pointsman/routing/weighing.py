"""The candidates that can serve one request, weighed: P(complete), cost by part, tokens and seconds, as columns.

Cheapest first. Numbers are rounded here, before anything is compared, so that what a decision tells is what decided it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import isnan

import numpy as np
from numpy.typing import NDArray

from pointsman.decision import Candidates, CostParts, OutputTokens
from pointsman.routing.asked import Asked, Bars
from pointsman.routing.caching import Turn
from pointsman.routing.candidates import CandidatePool, Objects, excluded_from, input_tokens
from pointsman.routing.cost import Costs, costs_of
from pointsman.routing.forecast import Forecast, forecast
from pointsman.routing.image_tokens import Image, tokens_of
from pointsman.routing.images import TOKENS_AN_IMAGE
from pointsman.routing.predictor import Predictor, Reading

Floats = NDArray[np.float64]
Places = NDArray[np.intp]

# What is told: P to six decimals, far finer than what is known of it, sigma to four, seconds to two.
MU_STEPS, SIGMA_STEPS, SECONDS_DECIMALS = 1e6, 1e4, 2
PART_DECIMALS = 12


@dataclass(frozen=True)
class Weighed:
    """n candidates, cheapest first; every array is [n]. `order` are their places in the pool."""

    pool: CandidatePool
    order: Places
    ids: Objects
    mu: Floats
    sigma: Floats
    cost: Floats  # NaN: not known, and then of none of them
    compared: Floats  # what is compared in its place: the same, but in a conversation, where later turns count
    latency: Floats  # seconds, NaN: not known
    tokens_in: Floats
    forecast: Forecast  # [k], of the pool
    costs: Costs  # [k], of the pool
    served: Floats | None  # [k], of the pool: tokens that a cache serves; None outside of a conversation
    excluded: Mapping[int, str]

    def told(self) -> Candidates:
        """The candidates as a decision holds them."""
        order = self.order
        ids, effort, capability, capability_known = self.pool.told[:, order].tolist()
        latency: list[float | None] = [None] * len(ids)
        if self.pool.speed_known:
            latency = [None if isnan(seconds) else seconds for seconds in self.latency.tolist()]
        return Candidates(
            model_id=ids,
            effort=effort,
            mu=self.mu.tolist(),
            sigma=self.sigma.tolist(),
            cost=self.cost.tolist(),
            capability=capability,
            capability_known=capability_known,
            input_tokens=self.tokens_in.astype(np.int64).tolist(),
            output_tokens=self.forecast.expected[order].astype(np.int64).tolist(),
            latency_s=latency,
        )

    def parts(self, members: tuple[int, ...]) -> tuple[CostParts, OutputTokens]:
        """What the chosen cost by part, and what they will write, together."""
        at = [int(self.order[i]) for i in members]
        costs, written = self.costs, self.forecast
        read, kept, output = (
            round(float(sum(part[i] for i in at)), PART_DECIMALS) for part in (costs.input, costs.cached, costs.output)
        )
        total = float(sum(self.cost[i] for i in members))
        tokens = OutputTokens(*(int(sum(part[i] for i in at)) for part in (written.expected, written.p90)))
        return CostParts(read, kept, output, total), tokens


def weigh(
    pool: CandidatePool,
    predictor: Predictor,
    reading: Reading,
    counted: int,
    asked: Asked,
    bars: Bars,
    *,
    strict_supports: bool,
    barred: frozenset[str],
    now: datetime,
    images: Sequence[Image] = (),
    turn: Turn | None = None,
    hysteresis_usd: float = 0.0,
) -> Weighed:
    """The candidates of a pool for a request of `counted` tokens, without those that cannot serve it or may not.

    Args:
        images: those that are known one by one, beside the number that `asked` says.
        turn: the request as the turn of a conversation, whose caches are then costed; None: it stands alone.
        hysteresis_usd: what moving a conversation must be worth beyond its costs.
    """
    tokens_in = input_tokens(pool, counted + asked.images * TOKENS_AN_IMAGE) + _image_tokens(pool, images)
    length_factor = predictor.length_factor(float(reading.difficulty))
    written = forecast(pool.tokens, pool.typical_tokens, reading.work, length_factor, asked.max_output_tokens)
    prices = pool.prices_at(now)
    served: Floats | None = None
    if turn is None:
        costs = costs_of(prices, tokens_in, asked.cached_input_tokens, written.expected)
        compared = costs.total
    else:
        factor = pool.input_token_factor
        served = np.maximum(turn.served(pool.candidates) * factor, asked.cached_input_tokens)
        costs = costs_of(prices, tokens_in, served, written.expected, turn.put(pool.candidates) * factor)
        compared = turn.compared(pool.candidates, costs, prices, tokens_in, written.expected, factor, hysteresis_usd)
    latency = pool.first_token_s  # NaN, where the speed of none is known
    if pool.speed_known:
        latency = np.round(latency + pool.second_a_token * written.expected, SECONDS_DECIMALS)
    mu, sigma = predictor.complete(pool.features, reading)
    if written.fits is not None:
        mu, sigma = mu * written.fits, sigma * written.fits
    modalities = asked.preferred_input_modalities
    excluded = excluded_from(
        pool,
        tokens_in,
        written.expected,
        modalities=[*modalities, "image"] if (asked.images or images) and "image" not in modalities else modalities,
        supports=asked.supports,
        strict_supports=strict_supports,
        limit=asked.max_output_tokens,
        barred=barred,
    )
    _too_much(excluded, costs.total, bars.max_cost_usd, latency, bars.max_latency_s)
    if not prices.known.all():
        left = [i for i in range(len(pool.ids)) if i not in excluded]
        if bars.max_cost_usd is not None or any(prices.known[i] for i in left):
            excluded |= {i: "its price is not known" for i in left if not prices.known[i]}
    # A stable sort keeps candidates of equal cost in the order of the pool.
    order = np.argsort(costs.total, kind="stable")
    if excluded:
        left_in = np.ones(len(order), dtype=bool)
        left_in[list(excluded)] = False
        order = order[left_in[order]]
    return Weighed(
        pool=pool,
        order=order,
        ids=pool.told[0, order],
        mu=np.rint(mu[order] * MU_STEPS) / MU_STEPS,
        sigma=np.rint(sigma[order] * SIGMA_STEPS) / SIGMA_STEPS,
        cost=costs.total[order],
        compared=compared[order],
        latency=latency[order],
        tokens_in=tokens_in[order],
        forecast=written,
        costs=costs,
        served=served,
        excluded=excluded,
    )


def _image_tokens(pool: CandidatePool, images: Sequence[Image]) -> Floats | float:
    """Tokens [k] of images by the rule of each candidate's provider."""
    if not images:
        return 0.0
    by_provider = {name: tokens_of(images, name) for name in {one.provider for one in pool.candidates}}
    return np.array([float(by_provider[one.provider]) for one in pool.candidates])


def _too_much(
    excluded: dict[int, str], cost: Floats, most_usd: float | None, latency: Floats, most_s: float | None
) -> None:
    """Exclude what costs or takes more than is allowed; what is not known is no reason here."""
    if most_usd is not None:
        for i in np.flatnonzero(cost > most_usd).tolist():
            excluded.setdefault(i, f"costs ${cost[i]:.3g}, ${most_usd:g} is allowed")
    if most_s is not None:
        for i in np.flatnonzero(latency > most_s).tolist():
            excluded.setdefault(i, f"takes {latency[i]:.3g} s, {most_s:g} s are allowed")
