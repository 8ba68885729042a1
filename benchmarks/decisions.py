"""A decision among 48 candidates, stage by stage, measured inside real decisions; one thread."""

import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
from pointsman import Router, RouterConfig
from pointsman.history.sqlite import SqliteHistory

from benchmarks.texts import ENGLISH, prompt_of
from benchmarks.timing import alternate, percentiles

TOKENS = (16, 64, 256, 1024)
ROUNDS = 300

# The stages of `Router.decide`, as it looks them up when it runs; what is in none of them is "the rest".
STAGES = {
    "tokenize": ("pointsman.embedders.onnx.OnnxEmbedder", "tokenize"),
    "view": ("pointsman.router", "select_view"),
    "embed": ("pointsman.embedders.onnx.OnnxEmbedder", "_run"),
    "difficulty and domains": ("pointsman.routing.predictor.Predictor", "read"),
    "filters": ("pointsman.router", "excluded_from"),
    "P(complete) and cost": ("pointsman.router", "candidates_of"),
    "policy": ("pointsman.router", "choose"),
    "keep the prompt": ("pointsman.router", "kept_prompt"),
    "to plain JSON types": ("pointsman.decision.Decision", "to_dict"),
    "record": ("pointsman.router", "record"),
}
READING = ("tokenize", "view", "embed")
RECORDING = ("to plain JSON types", "record")


def router_of_48(history: SqliteHistory | None = None) -> Router:
    """The default router with a config `all` of the first 48 models of the registry."""
    router = Router.load(history=history)
    every = RouterConfig(name="all", description="48 models", models=tuple(router.registry.models)[:48])
    router.registry = replace(router.registry, configs={**router.registry.configs, "all": every})
    return router


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
    """Print a table of stages for each length."""
    with tempfile.TemporaryDirectory() as folder:
        history = SqliteHistory(Path(folder) / "bench.db")
        router = router_of_48(history)
        text = ENGLISH * 40
        offsets = router.embedder.offsets(text)
        columns = {}
        for tokens in TOKENS:
            prompt = prompt_of(tokens - router.embedder.special_tokens, offsets, text)
            columns[tokens] = measured(router, prompt)
        history.close()
    print(f"| stage, p50 / p95 ms | {' | '.join(f'{tokens} tokens' for tokens in TOKENS)} |")
    print("|---|" + "--:|" * len(TOKENS))
    for name in columns[TOKENS[0]]:
        cells = (f"{p50:.3f} / {p95:.3f}" for p50, p95 in (columns[tokens][name] for tokens in TOKENS))
        print(f"| {name} | {' | '.join(cells)} |")
    p50, p95 = without_reading()
    print(
        f"\nA decision and its JSON where the embedding is given: {p50:.3f} / {p95:.3f} ms. In place it takes longer,"
    )
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
    models = list(router.registry.models.values())
    assert refined.refinement is not None
    names = [[name] for name in refined.refinement.model_ids[: len(models)]]
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


def without_reading() -> tuple[float, float]:
    """p50 and p95 of `decide` and its JSON with the embedding and its effect on the caches left out."""
    router = router_of_48()
    prompt = "What is the capital of France?"
    vectors = router.embedder.embed([prompt])
    with patch("pointsman.embedders.onnx.OnnxEmbedder.embed_tokens", lambda *_: vectors):
        return alternate({"decide": lambda: router.decide(prompt, "all").to_json()})["decide"]
