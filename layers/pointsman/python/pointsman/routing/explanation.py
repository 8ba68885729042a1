"""Why a choice was made, in a sentence or two that a manager understands."""

from collections.abc import Sequence
from math import floor
from typing import NamedTuple

from pointsman.routing.policy import Choice


class Beside(NamedTuple):
    """What a choice of one candidate is compared with: its model at the next effort up, else the strongest."""

    name: str  # a level of effort, or a candidate's id
    chosen_effort: str | None  # the level that was chosen, where `name` is another level of the same model
    mu: float
    cost: float


def explain(
    selected: Sequence[str],
    choice: Choice,
    threshold: float,
    margin: float,
    caution: float,
    n: int,
    *,
    within: float | None = None,
    worth_usd: float | None = None,
    beside: Beside | None = None,
    priced: bool = True,
    why: str | None = None,
) -> str:
    """Why this choice, among n candidates, and what more money would have bought.

    `why` is all there is to say where nothing was chosen; where something was, it is said besides.
    """
    names = " with ".join(selected)
    verb = "is" if len(selected) == 1 else "are together"
    among = f"of {n} candidates" if n > 1 else "of 1 candidate"
    expected = f"{choice.expected_quality:.0%} expected"
    if caution:
        expected += f", {choice.asked_quality:.0%} at a caution of {caution:g}"
    if choice.reason in ("session", "default", "observed"):
        return f"{names} {verb} taken: {why}"
    if choice.reason == "threshold":
        best = "the cheapest choice" if priced else "the choice, at a price that is not known,"
        said = (
            f"{names} {verb} {best} {among} that clears the completion threshold: {expected}, {threshold:.0%} asked for"
        )
    elif choice.reason == "value":
        said = f"{names} {verb} worth the most {among} where a completed request is worth ${worth_usd:g}: {expected}"
        said += f", {threshold:.0%} asked for" if threshold else ""
    else:
        taken = "the cheapest" if worth_usd is None else "worth the most"
        said = (
            f"No choice {among} clears the completion threshold of {threshold:.0%}; {names} {verb} {taken} "
            f"within {margin * 100:.3g} points of the best: {expected}"
        )
    if within is not None:
        said += f", at most {within * 100:.3g} points below the best candidate"
    return f"{said}.{_compared(choice, threshold, beside)}{f' {why}' if why else ''}"


def _compared(choice: Choice, threshold: float, beside: Beside | None) -> str:
    """What the next better choice would have cost for how much; nothing where there is none."""
    if beside is None or choice.cost <= 0:
        return ""
    ratio = _times(beside.cost / choice.cost)
    price = "as much" if ratio == "1" else f"{ratio} times as much"
    more = f"would cost {price} for {_points(beside, choice)}"
    effort = beside.chosen_effort
    if effort is None:
        return f" The strongest, {beside.name}, {more}."
    if choice.reason == "threshold":
        level = "Without reasoning it" if effort == "none" else f"{effort.capitalize()} effort"
        return f" {level} clears {threshold:.0%}; {beside.name} {more}."
    level = "without reasoning" if effort == "none" else f"at {effort} effort"
    return f" That is {level}; {beside.name} {more}."


def _times(ratio: float) -> str:
    """Two digits at most, rounded half up, so that any program comes to the same."""
    return f"{floor(ratio * 10 + 0.5) / 10:g}" if ratio < 10 else f"{floor(ratio + 0.5)}"


def _points(beside: Beside, choice: Choice) -> str:
    points = floor((beside.mu - choice.expected_quality) * 100 + 0.5)
    if points < 1:
        return "less than a point"
    return "1 point" if points == 1 else f"{points} points"
