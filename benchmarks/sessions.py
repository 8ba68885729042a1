"""Sessions: what 200 conversations cost that never switch, always follow the scorer, or weigh what caches keep.

The conversations are made up, by a fixed seed, in three shapes (chats, agents with tools, questions to a long document)
of 2 to 40 turns; each turn has a difficulty, a domain, tokens that are new, and a pause before it. Candidates, prices
and forecasts are the registry's, of ten models that agents are run on. P(complete) is the published formula's at the
turn's difficulty, plus what a model is better or worse at in the turn's domain: 0.6 logits, as outcomes of real models
vary. What is paid is counted here, apart from what the router expects: every model has its own cache, kept as long as
its provider keeps it, and nothing is forgotten when a conversation moves.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from pointsman import Router
from pointsman.history.expiring import MemoryExpiring
from pointsman.registry import WORK, RouterConfig
from pointsman.routing.asked import Asked, Bars, bars_of
from pointsman.routing.caching import OTHERS, RULES, Turn
from pointsman.routing.candidates import CandidatePool, pool_of
from pointsman.routing.forecast import fit_lengths
from pointsman.routing.policy import choose
from pointsman.routing.predictor import CandidateFeatures, Predictor, Reading
from pointsman.routing.sessions import Conversation, Sessions
from pointsman.routing.weighing import Weighed, weigh

Floats = NDArray[np.float64]

SEED, SESSIONS = 14, 200
NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)
DOMAINS, DOMAIN_SD, DOMAIN_STAYS = 8, 0.6, 0.75
TURN_SD, TURN_CARRIES = 0.7, 0.5
MODELS = (
    "anthropic/claude-opus-5",
    "anthropic/claude-sonnet-5",
    "anthropic/claude-sonnet-5.5",
    "deepseek/deepseek-v4-pro",
    "google/gemini-3.8-flash",
    "moonshotai/kimi-k3",
    "openai/gpt-5.6-sol",
    "openai/gpt-5.6-terra",
    "x-ai/grok-4.6",
    "z-ai/glm-5.3",
)
EFFORTS = ("none", "low", "medium")
THRESHOLDS, WORTHS = (0.6, 0.7, 0.8), (0.05, 0.2, 0.8)
WAYS = ("never", "always", "economic")


class Exchange(NamedTuple):
    """One turn: its difficulty in logits, domain, kind of work, tokens of the whole request, seconds before it."""

    difficulty: float
    domain: int
    work: str
    tokens: int
    gap_s: float


@dataclass(frozen=True)
class Shape:
    """A kind of conversation; tokens and pauses are log-normal (median, sigma), difficulty is normal (mean, sd)."""

    share: float
    work: str
    before: tuple[float, float]  # tokens before the first turn: system, tools, a document
    added: tuple[float, float]  # tokens a turn
    gap_s: tuple[float, float]
    difficulty: tuple[float, float]
    most_turns: int


SHAPES = (
    Shape(0.3, "chat", (1_200, 0.8), (500, 0.7), (45, 1.1), (0.5, 0.8), 16),
    Shape(0.5, "instruction", (22_000, 0.35), (1_200, 0.9), (20, 0.9), (1.8, 0.8), 40),
    Shape(0.2, "long_context", (60_000, 0.6), (500, 0.6), (60, 1.0), (1.0, 0.7), 16),
)


def conversations(rng: np.random.Generator, n: int = SESSIONS) -> Iterator[list[Exchange]]:
    """n conversations of 2 to 40 turns; a turn is about as hard as the one before it, and mostly of its domain."""
    for kind in rng.choice(len(SHAPES), n, p=[one.share for one in SHAPES]):
        shape, made = SHAPES[kind], []
        mean, off = rng.normal(*shape.difficulty), rng.normal(0, TURN_SD)
        tokens, domain = rng.lognormal(np.log(shape.before[0]), shape.before[1]), int(rng.integers(DOMAINS))
        for _ in range(int(rng.integers(2, shape.most_turns + 1))):
            domain = domain if rng.random() < DOMAIN_STAYS else int(rng.integers(DOMAINS))
            tokens += rng.lognormal(np.log(shape.added[0]), shape.added[1])
            gap = rng.lognormal(np.log(shape.gap_s[0]), shape.gap_s[1])
            made.append(Exchange(float(mean + off), domain, shape.work, int(tokens), float(gap)))
            off = TURN_CARRIES * off + rng.normal(0, TURN_SD * np.sqrt(1 - TURN_CARRIES**2))
        yield made


class Caches:
    """What the providers' caches hold of one conversation, and so the money that is really paid."""

    def __init__(self, pool: CandidatePool) -> None:
        self.pool = pool
        self.held: dict[tuple[str, str | None], tuple[int, float]] = {}

    def paid(self, place: int, tokens: int, output: float, now: float) -> float:
        """USD of a call of so many tokens in and out; the cache then holds its input."""
        one = self.pool.candidates[place]
        rule = RULES.get(one.provider, OTHERS)
        key = (one.model_id, one.effort if rule.marked_only else None)
        tokens = round(tokens * one.model.input_token_factor)
        prices = one.model.prices_at(NOON)
        assert prices is not None
        rates = prices.rates_for(tokens)
        held, at = self.held.get(key, (0, -1e9))
        served = min(held, tokens) if now - at <= rule.lifetime_s else 0
        cached = rates.input if rates.cached_input is None else rates.cached_input
        write = rates.input if rates.cache_write is None else rates.cache_write
        kept = tokens if tokens >= rule.least_tokens else 0
        self.held[key] = (kept, now)
        new = tokens - served
        return (served * cached + new * (write if kept else rates.input) + output * rates.output) / 1000.0


@dataclass(frozen=True)
class Judge:
    """The formula, and what each model is better or worse at by domain."""

    formula: Predictor
    by_domain: Floats  # [k, domains], logits

    def complete(self, features: CandidateFeatures, reading: Reading) -> tuple[Floats, Floats]:
        """P(complete) [k] of one turn."""
        mu, sigma = self.formula.complete(features, reading)
        return 1.0 / (1.0 + (1.0 - mu) / mu * np.exp(-self.by_domain @ reading.memberships)), sigma

    def length_factor(self, _: float) -> float:
        """Forecasts are taken as they are."""
        return 1.0


def judge_of(pool: CandidatePool, formula: Predictor, rng: np.random.Generator) -> Judge:
    """A judge of a pool; the efforts of a model are better and worse at the same."""
    of_models = rng.normal(0, DOMAIN_SD, (int(pool.model_numbers.max()) + 1, DOMAINS))
    return Judge(formula, of_models[pool.model_numbers])


@dataclass(frozen=True)
class World:
    """What stays the same through a replay."""

    pool: CandidatePool
    judge: Judge
    config: RouterConfig
    bars: Bars

    def weighed(self, exchange: Exchange, turn: Turn | None) -> Weighed:
        """The candidates of a turn, alone or in its conversation."""
        work = np.eye(len(WORK))[WORK.index(exchange.work)]
        domain = np.eye(DOMAINS)[exchange.domain]
        return weigh(
            self.pool,
            self.judge,  # type: ignore[arg-type]  # what `weigh` asks of a predictor, it has
            Reading(np.array(exchange.difficulty), np.array(1.0), domain, work),
            exchange.tokens,
            Asked(),
            self.bars,
            strict_supports=False,
            barred=frozenset(),
            now=NOON,
            turn=turn,
        )

    def chosen(self, weighed: Weighed, holding: str | None) -> int:
        """The place among the weighed that the policy takes."""
        return choose(
            weighed.ids,
            weighed.mu,
            weighed.compared,
            weighed.latency,
            completion_threshold=self.bars.completion_threshold,
            fallback_quality_margin=self.config.fallback_quality_margin,
            max_k=1,
            worth_usd=self.bars.worth_usd,
            holding=weighed.ids.tolist().index(holding) if holding in weighed.ids else None,
        ).members[0]


def replay(world: World, exchanges: list[Exchange], way: str) -> tuple[float, float, int]:
    """USD paid, completions expected and switches of one conversation."""
    caches, now = Caches(world.pool), 0.0
    usd = completed = 0.0
    switches, held = 0, None
    sessions = Sessions(MemoryExpiring(), b"benchmark", 86_400)
    for exchange in exchanges:
        now += exchange.gap_s
        turn = conversation = None
        if way == "economic":
            conversation = Conversation(sessions, "one", None, "economic", sessions.recall("one"))
            turn = _turn(conversation, exchange, now)
        weighed = world.weighed(exchange, turn)
        if way == "never" and held in weighed.ids:
            i = weighed.ids.tolist().index(held)
        else:
            i = world.chosen(weighed, held if way == "economic" else None)
        place = int(weighed.order[i])
        switches += held is not None and held != weighed.ids[i]
        held = weighed.ids[i]
        usd += caches.paid(place, exchange.tokens, float(weighed.forecast.expected[place]), now)
        completed += float(weighed.mu[i])
        if conversation is not None and turn is not None:
            conversation.remember(turn, world.pool.candidates[place])
    return usd, completed, switches


def _turn(conversation: Conversation, exchange: Exchange, now: float) -> Turn:
    """A turn whose every token is one letter, and whose whole text is marked to be cached."""
    text = "x" * exchange.tokens
    known = conversation.known
    begun = Turn(text, exchange.tokens, now, marked_chars=len(text))
    if known is None:
        return begun
    gap, grown = now - known.at, exchange.tokens - known.tokens
    return replace(begun, kept=known.kept, held=known.held, turns=known.turns, gap_s=gap, grown=grown)


def main() -> None:
    """Print what each way pays, switches and completes under six policies, and what ours saves for no less."""
    router = Router.load()
    registry, formula = router.registry, router.predictor.formula()
    config = registry.config("auto")
    lengths = fit_lengths(registry.expand(registry.models, "all"))
    pool = pool_of(registry.expand(MODELS, EFFORTS), formula, lengths)
    judge = judge_of(pool, formula, np.random.default_rng(SEED + 1))
    made = list(conversations(np.random.default_rng(SEED)))
    turns = sum(map(len, made))
    print(
        f"{len(made)} conversations, {turns} turns, the longest of {max(map(len, made))}; {len(pool.ids)} candidates\n"
    )
    print("| policy | way | USD | beside never | beside always | completion | switches a session |")
    print("|---|---|--:|--:|--:|--:|--:|")
    asked = {f"threshold {one:g}": Asked(threshold=one) for one in THRESHOLDS}
    asked |= {f"worth ${one:g}": Asked(worth_usd=one) for one in WORTHS}
    found: dict[str, dict[str, tuple[float, float]]] = {way: {} for way in WAYS}
    for policy, one in asked.items():
        world = World(pool, judge, config, bars_of(one, config))
        sums = {way: np.array([replay(world, exchanges, way) for exchanges in made]).sum(axis=0) for way in WAYS}
        for way, (usd, completed, switches) in sums.items():
            found[way][policy] = (usd, completed / turns)
            beside = [f"{usd / sums[other][0] - 1:+.0%}" for other in ("never", "always")]
            print(
                f"| {policy} | {way} | {usd:.2f} | {beside[0]} | {beside[1]} | {completed / turns:.3f} | "
                f"{switches / len(made):.1f} |"
            )
    print("\nThe cheapest of our policies that completes no less:\n")
    print("| beside | USD | completion | ours | USD | completion | saved |\n|---|--:|--:|---|--:|--:|--:|")
    for way in ("never", "always"):
        for policy, (usd, completion) in found[way].items():
            enough = {name: one for name, one in found["economic"].items() if one[1] >= completion}
            if enough:
                name, (ours, reached) = min(enough.items(), key=lambda item: item[1][0])
                print(
                    f"| {way}, {policy} | {usd:.2f} | {completion:.3f} | {name} | {ours:.2f} | {reached:.3f} | "
                    f"{1 - ours / usd:.0%} |"
                )


if __name__ == "__main__":
    main()
