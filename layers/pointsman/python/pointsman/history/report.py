"""What was spent and what it is compared with: decisions and their outcomes added up by config, model or day.

    chosen      what the policy chose: the decision's own choice or, in shadow mode, what it would have chosen
    own         what the caller called by itself, in shadow mode
    strongest   the candidate most likely to complete each request
    default     the default model of the config, where it has one that was a candidate
    reported    what outcomes say was really paid, for decisions that have any
    priced      what the tokens of outcomes that say no money cost by the registry's price list at that time

All but the last two are the costs that were expected when it was decided. The kinds are never mixed: a comparison with
`own` is over the decisions that have one, as `compared` counts them.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields
from math import isfinite
from typing import Any, Literal

from pointsman.history.outcomes import evidence_of

Record = Mapping[str, Any]
# What tokens cost: a model's name, when (as the decision says it), input, cached and output tokens; None: not known.
Pricer = Callable[[str, str, int, int, int], float | None]
By = Literal["config", "model", "day", "caller"]
GROUPS: tuple[By, ...] = ("config", "model", "day", "caller")
TOTAL = "total"


@dataclass
class Line:
    """One group of decisions. Money is USD; `…_usd` are sums, completions are sums of shares of 1."""

    group: str
    decisions: int = 0
    chosen_usd: float = 0.0
    strongest_usd: float = 0.0
    unpriced: int = 0  # decisions whose cost is not known; their money is in no sum
    compared: int = 0  # decisions in shadow mode
    own_usd: float = 0.0
    beside_own_usd: float = 0.0  # what was chosen in those
    with_default: int = 0
    default_usd: float = 0.0
    beside_default_usd: float = 0.0
    reported: int = 0  # decisions with a cost that was reported
    reported_usd: float = 0.0
    expected_usd: float = 0.0  # what was expected of those
    priced: int = 0  # decisions with tokens that were reported without a cost, and have a price
    priced_usd: float = 0.0
    expected_of_priced_usd: float = 0.0  # what was expected of those, but for the ones that are `reported`, too
    tokens_alone: int = 0  # decisions with tokens that have neither; their money is in no sum
    chosen_completion: float = 0.0
    own_completion: float = 0.0
    judged: int = 0
    judged_completion: float = 0.0
    expected_completion: float = 0.0  # what was expected of the judged

    def add(self, decision: Record, default: str | None, price: Pricer | None = None) -> None:
        """Count one decision with its outcomes."""
        self.decisions += 1
        shadow = decision.get("shadow")
        chosen = shadow if shadow is not None else decision
        self.chosen_completion += float(chosen["expected_quality"])
        self._outcomes(decision, price)
        cost, strongest = _usd(chosen["cost"]), _usd(decision["strongest"]["cost"])
        if cost is None or strongest is None:
            self.unpriced += 1
            return
        self.chosen_usd += cost
        self.strongest_usd += strongest
        own = None if shadow is None else _usd(decision["cost"])
        if own is not None:
            self.compared += 1
            self.own_usd += own
            self.beside_own_usd += cost
            self.own_completion += float(decision["expected_quality"])
        usual = _of_candidate(decision, default)
        if usual is not None:
            self.with_default += 1
            self.default_usd += usual
            self.beside_default_usd += cost

    def _outcomes(self, decision: Record, price: Pricer | None) -> None:
        outcomes = decision.get("outcomes") or ()
        paid = [usd for one in outcomes if (usd := _usd(one.get("cost_usd"))) is not None]
        unpaid = [one for one in outcomes if _usd(one.get("cost_usd")) is None and one.get("output_tokens") is not None]
        by_list = [_by_list(decision, one, price) for one in unpaid]
        priced = [usd for usd in by_list if usd is not None]
        expected = _usd(decision["cost"]) or 0.0
        if paid:
            self.reported += 1
            self.reported_usd += sum(paid)
            self.expected_usd += expected
        if priced:
            self.priced += 1
            self.priced_usd += sum(priced)
            self.expected_of_priced_usd += 0.0 if paid else expected
        if len(priced) < len(by_list):
            self.tokens_alone += 1
        judged = [found for one in outcomes if (found := evidence_of(one).completion) is not None]
        if judged:
            self.judged += 1
            self.judged_completion += max(judged)
            self.expected_completion += float(decision["expected_quality"])

    def told(self) -> dict[str, Any]:
        """The line as a document: the sums, and the shares that follow from them (None where there is nothing)."""
        sums = {one.name: getattr(self, one.name) for one in fields(self)}
        return {
            **{name: round(value, 9) if isinstance(value, float) else value for name, value in sums.items()},
            "saved_beside_strongest": _saved(self.chosen_usd, self.strongest_usd),
            "saved_beside_own": _saved(self.beside_own_usd, self.own_usd),
            "saved_beside_default": _saved(self.beside_default_usd, self.default_usd),
        }


def report(
    decisions: Iterable[Record],
    by: By,
    defaults: Mapping[str, str | None] | None = None,
    price: Pricer | None = None,
) -> list[Line]:
    """The lines of decisions with their outcomes, by group in the order of their names, and the total at the end.

    Reads one decision at a time: memory is bounded by the number of groups. `defaults` are the default candidates of
    configs, by name; `price` is what tokens cost that were reported without money.
    """
    lines: dict[str, Line] = {}
    total = Line(TOTAL)
    for decision in decisions:
        group = _group(decision, by)
        default = (defaults or {}).get(str(decision["config"]))
        lines.setdefault(group, Line(group)).add(decision, default, price)
        total.add(decision, default, price)
    return [*(lines[name] for name in sorted(lines)), total]


def _group(decision: Record, by: By) -> str:
    if by == "day":
        return str(decision["ts"])[:10]
    if by == "model":
        shadow = decision.get("shadow")
        return " + ".join((shadow if shadow is not None else decision)["selected"])
    return str(decision.get(by) or "(none)")


def _by_list(decision: Record, outcome: Record, price: Pricer | None) -> float | None:
    """USD of an outcome's tokens; None where their price is not known, or its input was not told."""
    read, written = outcome.get("input_tokens"), outcome["output_tokens"]
    if price is None or read is None:
        return None
    return price(str(outcome["model_id"]), str(decision["ts"]), read, outcome.get("cached_tokens") or 0, written)


def _of_candidate(decision: Record, candidate_id: str | None) -> float | None:
    if candidate_id is None:
        return None
    found = next((one for one in decision.get("candidates") or () if one["model_id"] == candidate_id), None)
    return None if found is None else _usd(found["cost"])


def _usd(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and isfinite(value) else None


def _saved(cost: float, beside: float) -> float | None:
    return round(1 - cost / beside, 6) if beside > 0 else None
