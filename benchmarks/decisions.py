"""A decision among 48 and among 160 candidates, stage by stage, measured inside real decisions; one thread."""

import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
from pointsman import Router, RouterConfig
from pointsman.history.sqlite import SqliteHistory

from artifacts_build.markdown import head
from benchmarks.texts import ENGLISH, prompt_of
from benchmarks.timing import alternate, percentiles

SIZES = (48, 160)
TOKENS = (64, 16, 256, 1024)  # the first with every number of candidates
ROUNDS = 300

# The stages of `Router.decide`, as it looks them up when it runs; what is in none of them is "the rest".
STAGES = {
    "tokenize": ("pointsman.embedders.onnx.OnnxEmbedder", "tokenize"),
    "view": ("pointsman.router", "select_view"),
    "embed": ("pointsman.embedders.onnx.OnnxEmbedder", "_run"),
    "difficulty and domains": ("pointsman.routing.predictor.Predictor", "read"),
    "P(complete)": ("pointsman.routing.predictor.Predictor", "complete"),
    "forecast": ("pointsman.routing.weighing", "forecast"),
    "cost": ("pointsman.routing.weighing", "costs_of"),
    "filters": ("pointsman.routing.weighing", "excluded_from"),
    "the rest of weighing": ("pointsman.router", "weigh"),
    "policy": ("pointsman.routing.deciding", "choose"),
    "fallbacks, but for the policy": ("pointsman.routing.deciding", "fallbacks"),
    "the rest of deciding": ("pointsman.router", "decided"),
    "keep the prompt": ("pointsman.router", "kept_prompt"),
    "serialize": ("pointsman.decision.Decision", "record"),
    "record": ("pointsman.router", "append_or_log"),
}
READING = ("tokenize", "view", "embed")
RECORDING = ("record",)


def router_of(size: int, history: SqliteHistory | None = None) -> Router:
    """The default router with a config `all` of `size` candidates: 48 models, or models at all their efforts."""
    router = Router.load(history=history)
    registry = router.registry
    every = registry.expand(registry.models, "default" if size <= len(registry.models) else "all")
    config = RouterConfig(name="all", description="all", models=tuple(one.candidate_id for one in every[:size]))
    router.registry = replace(registry, configs={**registry.configs, "all": config})
    return router


def router_of_48(history: SqliteHistory | None = None) -> Router:
    """The default router with a config `all` of the first 48 models of the registry."""
    return router_of(48, history)


@contextmanager
def stopwatches(spent: dict[str, float]) -> Iterator[None]:
    """Adds the seconds that each stage takes to `spent`; a stage within a stage counts for itself alone."""
    running: list[str] = []

    def timed(name: str, function: Any) -> Any:
        def call(*arguments: Any, **named: Any) -> Any:
            running.append(name)
            start = time.perf_counter()
            try:
                return function(*arguments, **named)
            finally:
                took = time.perf_counter() - start
                running.pop()
                spent[name] += took
                if running:
                    spent[running[-1]] -= took

        return call

    with ExitStack() as stack:
        for name, (owner, attribute) in STAGES.items():
            module, _, last = owner.rpartition(".")
            target = getattr(__import__(module, fromlist=[last]), last)
            stack.enter_context(patch.object(target, attribute, timed(name, getattr(target, attribute))))
        yield


def main() -> None:
    """Print a table of stages for each number of candidates and each length."""
    columns = {}
    with tempfile.TemporaryDirectory() as folder:
        history = SqliteHistory(Path(folder) / "bench.db")
        for size in SIZES:
            router = router_of(size, history)
            text = ENGLISH * 40
            offsets = router.embedder.offsets(text)
            for tokens in TOKENS if size == SIZES[0] else TOKENS[:1]:
                prompt = prompt_of(tokens - router.embedder.special_tokens, offsets, text)
                columns[size, tokens] = measured(router, prompt)
        history.close()
    print(head(["stage, p50 / p95 ms", *(f"{size} candidates, {tokens} tokens" for size, tokens in columns)]))
    for name in next(iter(columns.values())):
        cells = (f"{p50:.3f} / {p95:.3f}" for p50, p95 in (column[name] for column in columns.values()))
        print(f"| {name} | {' | '.join(cells)} |")
    print()
    for size in SIZES:
        decision = router_of(size).decide("What is the capital of France?", "all")
        whole, brief = len(decision.to_json()), len(decision.brief())
        print(f"{len(decision.candidates)} candidates: an answer of {whole:,} bytes, {brief:,} with ?detail=brief.")
    times = without_reading()
    told = ", ".join(f"{p50:.3f} / {p95:.3f} ms among {size}" for size, (p50, p95) in times.items())
    print(f"\nA decision and its JSON where the embedding is given: {told} (p50 / p95). In place it takes longer,")
    print("since an embedding sweeps the processor's caches.")
    refined, formula, with_outcomes = predicting()
    print(
        f"\nReading an embedding and predicting 48 candidates: formula {formula:.3f} ms, refined {refined:.3f} ms, "
        f"where all 48 have outcomes {with_outcomes:.3f} ms (p50)."
    )


def predicting() -> tuple[float, float, float]:
    """p50 in milliseconds of what the predictor does for a prompt: refined, the formula, refined with outcomes."""
    router = router_of_48()
    refined, formula = router.predictor, router.predictor.formula()
    vectors = router.embedder.embed(["What is the capital of France?"])
    models = router.registry.candidates("all")
    assert refined.learned is not None
    names = [[name] for name in refined.learned.hierarchy.model_ids[: len(models)]]
    unknown = refined.features(models)
    known = refined.features_of(np.full((len(names), 2), 0.5), names)
    times = alternate(
        {
            "refined": lambda: refined.complete(unknown, refined.read(vectors).row(0)),
            "formula": lambda: formula.complete(unknown, formula.read(vectors).row(0)),
            "with outcomes": lambda: refined.complete(known, refined.read(vectors).row(0)),
        }
    )
    return times["refined"][0], times["formula"][0], times["with outcomes"][0]


def measured(router: Router, prompt: str) -> dict[str, tuple[float, float]]:
    """p50 and p95 in milliseconds of every stage, of the whole, and of the sums that are aimed at."""
    taken: dict[str, list[float]] = {}
    spent = dict.fromkeys(STAGES, 0.0)
    with stopwatches(spent):
        for turn in range(ROUNDS + 20):
            spent.update(dict.fromkeys(STAGES, 0.0))
            start = time.perf_counter()
            decision = router.decide(prompt, "all")
            whole = time.perf_counter() - start
            decision.to_json()
            answered = time.perf_counter() - start
            if turn < 20:  # the first ones warm up
                continue
            reading = sum(spent[name] for name in READING)
            rows = {
                **spent,
                "the rest of decide": whole - sum(spent.values()),
                "the answer as JSON": answered - whole,
                "**all**": answered,
                "**all but reading the prompt**": answered - reading,
                "**all but reading and recording**": answered - reading - sum(spent[n] for n in RECORDING),
            }
            for name, seconds in rows.items():
                taken.setdefault(name, []).append(seconds)
    return {name: percentiles(times) for name, times in taken.items()}


def without_reading() -> dict[int, tuple[float, float]]:
    """p50 and p95 of `decide` and its JSON by number of candidates, side by side, with the embedding left out."""
    routers = {size: router_of(size) for size in SIZES}
    prompt = "What is the capital of France?"
    vectors = routers[SIZES[0]].embedder.embed([prompt])
    runs = {str(size): partial(_decide, router, prompt) for size, router in routers.items()}
    with patch("pointsman.embedders.onnx.OnnxEmbedder.embed_tokens", lambda *_: vectors):
        return {int(size): times for size, times in alternate(runs).items()}


def _decide(router: Router, prompt: str) -> bytes:
    return router.decide(prompt, "all").to_json()
