"""The candidates of a request as columns, so that a request is a few array operations.

A pool is made once for a choice of candidates and kept; nothing in it depends on a request. Candidates are models at an
effort, in the order of their model ids and then from least effort to most.
"""

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from pointsman.decision import Excluded
from pointsman.registry import ModelAtEffort
from pointsman.routing.cost import Prices, minute_of, prices_of
from pointsman.routing.forecast import Lengths
from pointsman.routing.predictor import CandidateFeatures, Predictor

Floats = NDArray[np.float64]
Places = NDArray[np.intp]
Objects = NDArray[np.object_]


@dataclass(frozen=True)
class CandidatePool:
    """k candidates; every array is [k] where it does not say otherwise."""

    candidates: tuple[ModelAtEffort, ...]
    ids: tuple[str, ...]
    features: CandidateFeatures
    told: Objects  # [4, k], what a decision tells of each: id, effort, capability, and whether that is known
    tokens: Floats  # [W, k], output tokens by kind of work
    typical_tokens: Floats  # their geometric means over the kinds
    input_token_factor: Floats
    context_length: Floats
    max_output_tokens: Floats  # infinite: not known
    first_token_s: Floats  # seconds before anything is written; NaN where its speed is not known
    second_a_token: Floats
    speed_known: bool  # of any of them
    model_numbers: Places  # the same for candidates of one model
    provider_numbers: Places
    price_moves: bool
    # What was found out for requests and may be asked again: prices by minute, lacks by what is needed.
    _prices: dict[int, Prices] = field(default_factory=dict, repr=False)
    _lacking: dict[tuple[object, ...], Mapping[int, str]] = field(default_factory=dict, repr=False)

    def prices_at(self, instant: datetime) -> Prices:
        """The prices of an instant (UTC)."""
        minute = minute_of(instant) if self.price_moves else 0
        found = self._prices.get(minute)
        if found is None:
            found = prices_of(self.candidates, instant)
            self._prices.clear()
            self._prices[minute] = found
        return found

    def lacking(self, modalities: Sequence[str], supports: Sequence[str], strict: bool) -> Mapping[int, str]:
        """What candidates cannot take or do, by place: known not to, or with `strict` not known to."""
        if not modalities and not supports:
            return {}
        key = (*modalities, None, *supports, strict)
        if (found := self._lacking.get(key)) is None:
            found = {
                place: why
                for place, one in enumerate(self.candidates)
                if (why := _lacks(one, modalities, supports, strict))
            }
            if len(self._lacking) < 64:
                self._lacking[key] = found
        return found


def pool_of(candidates: Sequence[ModelAtEffort], predictor: Predictor, lengths: Lengths) -> CandidatePool:
    """The pool of k >= 1 candidates, as this predictor knows them."""
    candidates = tuple(candidates)
    models = [one.model for one in candidates]
    features = predictor.features(candidates)
    tokens = lengths.table(candidates)
    first, later = ([_seconds(one, written) for one in candidates] for written in (0.0, 1000.0))
    return CandidatePool(
        candidates=candidates,
        ids=tuple(one.candidate_id for one in candidates),
        features=features,
        told=_objects(
            [one.candidate_id for one in candidates],
            [one.effort for one in candidates],
            np.round(features.capability, 4).tolist(),
            [one.capability is not None for one in candidates],
        ),
        tokens=tokens,
        typical_tokens=_typical(candidates, tokens),
        input_token_factor=np.array([model.input_token_factor for model in models]),
        context_length=np.array([float(model.context_length) for model in models]),
        max_output_tokens=np.array([float(model.max_output_tokens or np.inf) for model in models]),
        first_token_s=np.array(first),
        second_a_token=(np.array(later) - np.array(first)) / 1000.0,
        speed_known=not np.isnan(first).all(),
        model_numbers=_numbers([model.model_id for model in models]),
        provider_numbers=_numbers([model.provider for model in models]),
        price_moves=any(model.price_changes for model in models),
    )


def input_tokens(pool: CandidatePool, counted: int) -> Floats:
    """Tokens each model is expected to count for a request of `counted` tokens of the embedder; at least 1."""
    return np.maximum(1.0, np.rint(counted * pool.input_token_factor))


def excluded_from(
    pool: CandidatePool,
    tokens_in: Floats,
    tokens_out: Floats,
    *,
    modalities: Sequence[str] = (),
    supports: Sequence[str] = (),
    strict_supports: bool = False,
    limit: int | None = None,
    barred: Container[str] = (),
) -> dict[int, str]:
    """Why candidates cannot serve a request, by place, each with the first reason.

    Args:
        tokens_in: [k]; tokens_out: [k], what is expected to be written.
        limit: the output tokens that the request asks for; whoever cannot write so many is left out.
        barred: ids of models and candidates that the request rules out.
    """
    excluded: dict[int, str] = {}
    if barred:
        for place, one in enumerate(pool.candidates):
            if one.model_id in barred or one.candidate_id in barred:
                excluded[place] = "is excluded by the request"
    for place, why in pool.lacking(modalities, supports, strict_supports).items():
        excluded.setdefault(place, why)
    if limit is not None:
        for place in np.flatnonzero(pool.max_output_tokens < limit).tolist():
            most = int(pool.max_output_tokens[place])
            excluded.setdefault(place, f"writes at most {most:,} tokens, {limit:,} are asked for")
    # Without a limit, room for an answer as long as it and half the context allow: a whole task is many answers.
    room = np.minimum(tokens_out, pool.context_length // 2) if limit is None else float(limit)
    needed = tokens_in + room
    for place in np.flatnonzero(needed > pool.context_length).tolist():
        why = f"needs {int(needed[place]):,} tokens, its context holds {int(pool.context_length[place]):,}"
        excluded.setdefault(place, why)
    return excluded


def told_excluded(pool: CandidatePool, excluded: Mapping[int, str]) -> tuple[Excluded, ...]:
    """The excluded candidates as a decision tells them, in the order of the pool."""
    return tuple(Excluded(pool.ids[place], excluded[place]) for place in sorted(excluded))


def _objects(*columns: Sequence[object]) -> Objects:
    """[c, k] columns of anything, so that one index sorts them all."""
    objects = np.empty((len(columns), len(columns[0])), dtype=object)
    for place, column in enumerate(columns):
        objects[place] = column
    return objects


def _numbers(names: Sequence[str]) -> Places:
    """[k] a number for each name, the same for the same one."""
    return np.unique(names, return_inverse=True)[1].astype(np.intp)


def _typical(candidates: Sequence[ModelAtEffort], tokens: Floats) -> Floats:
    """[k] what each writes where the kind of work is not known: its file's own figure, else over all kinds."""
    own = np.array([float(one.model.expected_output_tokens or np.nan) for one in candidates])
    typical: Floats = np.where(np.isnan(own), np.exp(np.log(tokens).mean(axis=0)), own)
    return typical


def _lacks(one: ModelAtEffort, modalities: Sequence[str], supports: Sequence[str], strict: bool) -> str | None:
    if lacking := [name for name in modalities if name not in one.model.input_modalities]:
        return f"does not take {', '.join(lacking)}"
    if lacking := one.model.lacks(supports, strict):
        known = "is not known to support" if strict else "does not support"
        return f"{known} {', '.join(lacking)}"
    return None


def _seconds(one: ModelAtEffort, tokens: float) -> float:
    seconds = one.latency(tokens)
    return np.nan if seconds is None else seconds
