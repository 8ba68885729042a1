"""From weighed candidates to a decision: the policy, its fallbacks, the words, the record."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, NamedTuple

import numpy as np

from pointsman.decision import Call, Decision, Fallback, Strongest
from pointsman.history.base import model_of
from pointsman.history.ids import timestamp
from pointsman.history.prompts import KeptPrompt
from pointsman.registry import WORK, RouterConfig
from pointsman.routing.asked import NOTHING, Asked, Bars
from pointsman.routing.candidates import told_excluded
from pointsman.routing.explanation import Beside, explain
from pointsman.routing.fallbacks import Mask, fallbacks
from pointsman.routing.policy import Choice, Reason, choose
from pointsman.routing.predictor import Reading
from pointsman.routing.weighing import Weighed


class Given(NamedTuple):
    """A candidate that is taken without choosing, what the decision calls that, and why, in words.

    `otherwise` is added to the words where it is not among the candidates, and one is chosen all the same.
    """

    candidate_id: str | None
    reason: Reason
    why: str
    otherwise: str = ""
    # It is the caller's own model: what the policy would choose among the candidates `among` is told beside it.
    among: frozenset[str] | None = None


# How much of a reading a decision keeps: enough to learn from it without its prompt.
KEPT_DOMAINS = 4
LEAST_WORK = 0.005


def decided(
    weighed: Weighed,
    reading: Reading,
    asked: Asked,
    bars: Bars,
    config: RouterConfig,
    prompt: KeptPrompt,
    *,
    decision_id: str,
    now: datetime,
    caller: str | None,
    artifact: str,
    given: Given | None = None,
    session: Mapping[str, Any] | None = None,
) -> Decision:
    """The decision among n >= 1 weighed candidates; not recorded yet.

    `given` is a candidate that is taken without choosing, as long as it is among them; `session` what is told of the
    conversation, to which the choice is added.
    """
    # What is not priced is not chosen by its price: there, all cost the same.
    priced = not np.isnan(weighed.cost).any()
    cost = weighed.compared if priced else np.zeros(len(weighed.cost))

    def choose_among(among: Mask | None, max_k: int, holding: int | None = None) -> Choice:
        return choose(
            weighed.ids,
            weighed.mu,
            cost,
            weighed.latency,
            completion_threshold=bars.completion_threshold,
            fallback_quality_margin=config.fallback_quality_margin,
            max_k=max_k,
            caution=config.caution,
            sigma=weighed.sigma,
            within=bars.within,
            worth_usd=bars.worth_usd,
            worth_of_a_second=bars.worth_of_a_second,
            max_cost_usd=bars.max_cost_usd,
            among=among,
            holding=holding,
        )

    place = None if given is None else _place_of(given.candidate_id, weighed.ids.tolist())
    if given is not None and place is not None:
        alone = np.arange(len(weighed.ids)) == place
        choice = replace(choose_among(alone, 1), reason=given.reason)
    else:
        choice = choose_among(None, config.max_k, _held(session, weighed))
    shadow = None
    if given is not None and given.among is not None:
        among = np.isin(weighed.ids, list(given.among))
        shadow = _shadow(weighed, choose_among(among, config.max_k, _held(session, weighed)))
    members = choice.members
    # Who is observed is left to its own devices.
    next_ones = (
        ()
        if shadow is not None
        else fallbacks(
            lambda among: choose_among(among, 1),
            members,
            weighed.pool.model_numbers[weighed.order],
            weighed.pool.provider_numbers[weighed.order],
        )
    )
    costs, tokens = weighed.parts(members)
    usd = costs.total
    # What was compared may count later turns; what is told is what this one costs.
    choice = replace(choice, cost=usd)
    seconds = choice.latency or 0.0
    # Candidates are cheapest first, so this is the cheapest of equally strong ones.
    best = int(weighed.mu.argmax())
    selected = tuple(str(weighed.ids[i]) for i in members)
    return Decision(
        id=decision_id,
        ts=timestamp(now),
        caller=caller,
        config=config.name,
        policy=bars.policy,
        completion_threshold=bars.completion_threshold,
        fallback_quality_margin=config.fallback_quality_margin,
        within=bars.within,
        worth_usd=bars.worth_usd,
        worth_of_a_second=bars.worth_of_a_second,
        max_cost_usd=bars.max_cost_usd,
        max_k=config.max_k,
        caution=config.caution,
        prompt=prompt.prompt,
        prompt_bytes=prompt.prompt_bytes,
        prompt_sha256=prompt.prompt_sha256,
        task=asked.task,
        selected=selected,
        calls=tuple(_call(weighed, i) for i in members),
        fallbacks=tuple(_fallback(weighed, i, found) for i, found in next_ones),
        candidates=weighed.told(),
        excluded=told_excluded(weighed.pool, weighed.excluded),
        difficulty=float(reading.difficulty),
        difficulty_sd=round(float(reading.difficulty_sd), 6),
        domains=_domains(reading),
        work=_work(reading),
        expected_quality=choice.expected_quality,
        cost=usd,
        costs=costs,
        tokens=tokens,
        latency=choice.latency,
        utility=choice.expected_quality - config.lambda_cost * usd - config.lambda_latency * seconds,
        value=None
        if bars.worth_usd is None
        else bars.worth_usd * choice.expected_quality - usd - bars.worth_of_a_second * seconds,
        strongest=Strongest(str(weighed.ids[best]), float(weighed.cost[best])),
        reason=choice.reason,
        explanation=explain(
            selected,
            choice,
            bars.completion_threshold,
            config.fallback_quality_margin,
            config.caution,
            len(weighed.ids),
            within=bars.within,
            worth_usd=bars.worth_usd,
            beside=_beside(weighed, members, best) if priced else None,
            priced=priced,
            why=None
            if given is None
            else given.otherwise
            if place is None
            else given.why + _beside_own(choice, shadow),
        ),
        session=None if session is None else _in_session(session, weighed, members),
        shadow=shadow,
        asked={} if asked is NOTHING else asked.given(),
        artifact=artifact,
    )


def _place_of(candidate_id: str | None, ids: Sequence[str]) -> int | None:
    """Where a candidate is, or one of its model at another effort; None where neither is."""
    if candidate_id is None:
        return None
    if candidate_id in ids:
        return ids.index(candidate_id)
    model = model_of(candidate_id)
    return next((i for i, one in enumerate(ids) if model_of(one) == model), None)


def _held(session: Mapping[str, Any] | None, weighed: Weighed) -> int | None:
    """Where the candidate is that holds the conversation; None where none does."""
    held = [] if session is None else np.flatnonzero(weighed.ids == session["held"]).tolist()
    return held[0] if held else None


def _shadow(weighed: Weighed, choice: Choice) -> dict[str, Any]:
    """What would have been chosen, and at what cost."""
    costs, _ = weighed.parts(choice.members)
    return {
        "selected": [str(weighed.ids[i]) for i in choice.members],
        "expected_quality": choice.expected_quality,
        "cost": costs.total,
        "reason": choice.reason,
    }


def _beside_own(own: Choice, shadow: Mapping[str, Any] | None) -> str:
    """What is expected of the caller's own model and of what would have been chosen, in words."""
    if shadow is None:
        return ""
    chosen = " with ".join(shadow["selected"])
    then = f"{shadow['expected_quality']:.0%} {_at(shadow['cost'])}"
    return f" {own.expected_quality:.0%} expected {_at(own.cost)}. {chosen} would have been chosen: {then}."


def _at(usd: float) -> str:
    return f"at ${usd:.3g}" if usd == usd else "at a price that is not known"


def _in_session(session: Mapping[str, Any], weighed: Weighed, members: tuple[int, ...]) -> dict[str, Any]:
    """What a decision tells of its conversation: who held it, whether it stays, and what a cache serves of it."""
    selected, held = [str(weighed.ids[i]) for i in members], session["held"]
    served = weighed.served
    return {
        **session,
        "stayed": held is not None and held in selected,
        "switched": held is not None and held not in selected,
        "cached_tokens": 0 if served is None else int(served[weighed.order[list(members)]].sum()),
    }


def _call(weighed: Weighed, place: int) -> Call:
    one = weighed.pool.candidates[weighed.order[place]]
    return Call(one.model_id, one.effort, one.request)


def _fallback(weighed: Weighed, place: int, choice: Choice) -> Fallback:
    one = weighed.pool.candidates[weighed.order[place]]
    return Fallback(
        one.model_id, one.effort, one.request, choice.expected_quality, float(weighed.cost[place]), choice.reason
    )


def _beside(weighed: Weighed, members: tuple[int, ...], best: int) -> Beside | None:
    """What a choice of one is compared with: the same model at the next effort up, else the strongest."""
    if len(members) > 1:
        return None
    pool, place = weighed.pool, int(weighed.order[members[0]])
    own = pool.model_numbers[place]
    chosen = pool.candidates[place]
    # A pool has the efforts of a model one after the other, from the least.
    above = place + 1
    while above < len(pool.ids) and pool.model_numbers[above] == own:
        if above not in weighed.excluded:
            i = int(np.flatnonzero(weighed.order == above)[0])
            name = pool.candidates[above].effort or ""
            return Beside(name, chosen.effort, float(weighed.mu[i]), float(weighed.cost[i]))
        above += 1
    if best == members[0]:
        return None
    return Beside(str(weighed.ids[best]), None, float(weighed.mu[best]), float(weighed.cost[best]))


def _domains(reading: Reading) -> tuple[tuple[int, float], ...]:
    """The domains that a prompt belongs to most, with its shares."""
    shares = reading.memberships
    largest = (
        shares.argpartition(-KEPT_DOMAINS)[-KEPT_DOMAINS:] if len(shares) > KEPT_DOMAINS else np.arange(len(shares))
    )
    told = ((round(float(shares[place]), 4), place) for place in largest.tolist())
    return tuple((place, share) for share, place in sorted(told, reverse=True))


def _work(reading: Reading) -> Mapping[str, float] | None:
    """The kinds of work in a prompt, with their shares; None where the artifact does not know."""
    if reading.work is None:
        return None
    shares = zip(WORK, np.round(reading.work, 4).tolist(), strict=True)
    return {kind: share for kind, share in shares if share >= LEAST_WORK}
