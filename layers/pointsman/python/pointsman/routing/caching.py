"""What providers' prompt caches keep of a conversation, and what that makes the next turn cost.

A cache serves the unchanged beginning of a request again, at the cached price, to the same model only. A conversation
that moves to another model begins there with a cold cache. The rules are providers' own, as published in 2026:

    openai     from 1,024 tokens, kept for ten minutes, by itself
    anthropic  from 4,096 tokens (the largest minimum of its models), five minutes or an hour, only what a body marks,
               and only at the same effort: changed thinking makes it void
    google     from 4,096 tokens, by itself; how long is not said, five minutes are assumed
    deepseek   from 64 tokens, kept for hours, by itself
    others     from 1,024 tokens, five minutes, by itself
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pointsman.registry import ModelAtEffort
from pointsman.routing.cost import Costs, Prices, costs_of, rounded

Floats = NDArray[np.float64]


class CacheRule(NamedTuple):
    """What a provider's cache keeps: from how many tokens, for how many seconds, and whether only what is marked."""

    least_tokens: int
    lifetime_s: int
    marked_only: bool = False


RULES: Mapping[str, CacheRule] = {
    "openai": CacheRule(1_024, 600),
    "anthropic": CacheRule(4_096, 300, marked_only=True),
    "google": CacheRule(4_096, 300),
    "deepseek": CacheRule(64, 7_200),
}
OTHERS = CacheRule(1_024, 300)
# How many turns a choice looks beyond its own: what makes a model the best of a turn seldom lasts longer, and looking
# further has cost more than it saved (`benchmarks/sessions.py`).
TURNS_AHEAD = 1


class Kept(NamedTuple):
    """The beginning of a conversation as a model's cache holds it: its tokens and characters, when, and their hash."""

    effort: str | None
    tokens: int
    chars: int
    digest: str
    at: float
    lifetime_s: int


@dataclass(frozen=True)
class Turn:
    """A request as the next turn of a conversation.

    `text` is the whole request in the order that caches have it; `marked_chars` how much of it the caller marked;
    `kept` what models' caches hold; `held` the candidate of the turn before; `turns` how many there were; `gap_s`
    seconds since the last; `grown` tokens that were new in it.
    """

    text: str
    tokens: int
    now: float
    marked_chars: int | None = None
    mark_s: int = 300
    kept: Mapping[str, Kept] | None = None
    held: str | None = None
    turns: int = 0
    gap_s: float = 0.0
    grown: int = 0

    def served(self, candidates: Sequence[ModelAtEffort]) -> Floats:
        """Tokens [k] that each candidate's cache will serve, as the embedder counts them."""
        served = np.zeros(len(candidates))
        valid = {model_id: kept for model_id, kept in (self.kept or {}).items() if self._holds(kept)}
        if valid:
            for place, one in enumerate(candidates):
                kept = valid.get(one.model_id)
                if kept is not None and not (rule_of(one).marked_only and kept.effort != one.effort):
                    served[place] = kept.tokens
        return served

    def put(self, candidates: Sequence[ModelAtEffort]) -> Floats:
        """Tokens [k] of this request that each candidate's cache will hold afterwards."""
        marked = 0 if self.marked_chars is None else self._tokens_of(self.marked_chars)
        put = np.array([float(marked if rule_of(one).marked_only else self.tokens) for one in candidates])
        put[put < [rule_of(one).least_tokens for one in candidates]] = 0.0
        return put

    def keeps(self, candidate: ModelAtEffort) -> Kept | None:
        """What the cache of a candidate holds once it has answered this turn; None where that is nothing."""
        rule = rule_of(candidate)
        chars = self.marked_chars if rule.marked_only else len(self.text)
        if chars is None or (tokens := self._tokens_of(chars)) < rule.least_tokens:
            return None
        lifetime = self.mark_s if rule.marked_only else rule.lifetime_s
        return Kept(candidate.effort, tokens, chars, digest_of(self.text[:chars]), round(self.now, 3), lifetime)

    def compared(
        self,
        candidates: Sequence[ModelAtEffort],
        costs: Costs,
        prices: Prices,
        tokens_in: Floats,
        tokens_out: Floats,
        factor: Floats,
        hysteresis_usd: float,
    ) -> Floats:
        """USD [k] a turn by which candidates are compared: this turn and the next, on the same model.

        What moving costs now is spread over the turns that it serves. Whoever is not the candidate of the turn
        before costs `hysteresis_usd` more. In the first turn this is the cost of the turn.
        """
        if self.held is None:
            return costs.total
        grown = np.maximum(1.0, np.rint(max(self.grown, 1) * factor))
        in_time = [self.gap_s <= self._lifetime(one) for one in candidates]
        warm = np.where(in_time, self.put(candidates) * factor, 0.0)
        later = costs_of(prices, tokens_in + grown, warm, tokens_out, self.put(candidates) * factor).total
        moving = np.array([one.candidate_id != self.held for one in candidates])
        return rounded((costs.total + TURNS_AHEAD * later) / (1 + TURNS_AHEAD) + np.where(moving, hysteresis_usd, 0.0))

    def _lifetime(self, candidate: ModelAtEffort) -> int:
        rule = rule_of(candidate)
        return self.mark_s if rule.marked_only else rule.lifetime_s

    def _holds(self, kept: Kept) -> bool:
        """Whether what a cache held is still there, and still the beginning of this request."""
        return (
            0 <= self.now - kept.at <= kept.lifetime_s
            and kept.chars <= len(self.text)
            and digest_of(self.text[: kept.chars]) == kept.digest
        )

    def _tokens_of(self, chars: int) -> int:
        return round(self.tokens * min(1.0, chars / max(1, len(self.text))))


def rule_of(candidate: ModelAtEffort) -> CacheRule:
    """The rule of a candidate's provider."""
    return RULES.get(candidate.provider, OTHERS)


def digest_of(text: str) -> str:
    """A hash of a text, short and without meaning to anybody else."""
    return blake2b(text.encode(errors="surrogatepass"), digest_size=12).hexdigest()
