"""Timing that is fair on a noisy machine: alternating turns, medians, and tails."""

import time
from collections.abc import Callable, Mapping

import numpy as np


def alternate(
    runs: Mapping[str, Callable[[], object]], turns: int = 15, in_a_turn: int = 20
) -> dict[str, tuple[float, float]]:
    """p50 and p95 in milliseconds of each run, taken in turns so that all see the same noise.

    Within a turn a run repeats, after one call that is not counted: caches are as warm as in steady service.
    """
    taken: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(turns):
        for name, run in runs.items():
            run()
            for _ in range(in_a_turn):
                start = time.perf_counter()
                run()
                taken[name].append(time.perf_counter() - start)
    return {name: percentiles(times) for name, times in taken.items()}


def percentiles(seconds: list[float]) -> tuple[float, float]:
    """p50 and p95 in milliseconds."""
    low, high = np.percentile(seconds, [50, 95]) * 1000
    return float(low), float(high)
