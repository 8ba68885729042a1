"""Capability: the one number that the formula knows of a model, the mean of two published benchmarks."""

import math

CAPABILITY_BENCHMARKS = ("gpqa_diamond", "livecodebench")


def capability_of(*scores: float | None) -> float | None:
    """The mean of those of the two, as fractions, that are known (neither None nor NaN); None where none is."""
    known = [score for score in scores if score is not None and not math.isnan(score)]
    return sum(known) / len(known) if known else None
