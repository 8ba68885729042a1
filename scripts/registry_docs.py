"""`make docs`: what is known of the bundled models, in docs/registry.md, from their files: the two never disagree."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from pointsman.registry import CAPABILITY_BENCHMARKS, Model, ModelAtEffort, Registry, load_registry

from artifacts_build.markdown import head

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "docs/registry.md"
BEGIN, END = "<!-- coverage: written by make docs -->\n", "<!-- end of coverage -->\n"
AGENT_WORK = ("swe_bench", "terminal_bench", "tau2", "tau3", "deep_swe", "livebench_2026_06_agentic")

HEADER = (
    "model",
    "efforts (measured in bold, default marked *)",
    "GPQA",
    "agent work",
    "scores",
    "tokens",
    "tools, json, reasoning",
    "cache read, write",
    "long context",
    "limit",
)


def document() -> str:
    """The text of docs/registry.md with the coverage as it is now."""
    text = TARGET.read_text(encoding="utf-8")
    head, _, rest = text.partition(BEGIN)
    _, _, tail = rest.partition(END)
    return f"{head}{BEGIN}{coverage(load_registry(ROOT / 'registry'))}{END}{tail}"


def coverage(registry: Registry) -> str:
    """What is known of every model, as a table, and the thin ones by name."""
    models = [registry.models[model_id] for model_id in sorted(registry.models)]
    candidates = registry.expand(registry.models, "all")
    measured = [one for one in candidates if one.benchmarks]
    forecast = [one for one in candidates if one.output_tokens]
    lines = [
        f"{len(models)} models, {len(candidates)} candidates (a model at an effort). "
        f"At {len(measured)} of them something was measured (a score of unknown effort counts for the highest), and of "
        f"{len(forecast)} it is known how much they write. {len(_figures(models)):,} scores of "
        f"{len(set(_figures(models)))} benchmarks.",
        "",
        head(HEADER, "llrrrrlllr"),
        *(_row(model, registry) for model in models),
        "",
        *_thin("Neither GPQA Diamond nor LiveCodeBench", (m for m in models if not _has(m, *CAPABILITY_BENCHMARKS))),
        *_thin("No score of agent work", (m for m in models if not _has(m, *AGENT_WORK))),
        *_thin("No score at all", (m for m in models if not m.figures)),
        *_thin("No output tokens", (m for m in models if not any(c.output_tokens for c in _all(m, registry)))),
        *_thin("Default effort not published", (m for m in models if m.default_effort == "unknown")),
        *_thin("Answered by another model", (m for m in models if m.replaced_by)),
    ]
    return "\n".join(lines) + "\n"


def _figures(models: Sequence[Model]) -> list[str]:
    return [name for model in models for name, _, _ in model.figures]


def _all(model: Model, registry: Registry) -> tuple[ModelAtEffort, ...]:
    return registry.expand([model.model_id], "all")


def _has(model: Model, *benchmarks: str) -> bool:
    return any(name.startswith(benchmarks) for name, _, _ in model.figures)


def _row(model: Model, registry: Registry) -> str:
    candidates = _all(model, registry)
    levels = [
        f"{f'**{one.effort}**' if one.benchmarks else one.effort}{'*' if one.effort == model.default_effort else ''}"
        for one in candidates
        if one.effort
    ]
    features = [{True: "yes", False: "no", None: "?"}[model.feature(name)] for name in ("tools", "json", "reasoning")]
    known = (model.cached_input_cost_per_1k, model.cache_write_cost_per_1k)
    caches = ["?" if price is None else "yes" for price in known]
    gpqa = sum("gpqa_diamond" in one.benchmarks for one in candidates)
    agent = sum(any(name.startswith(AGENT_WORK) for name in one.benchmarks) for one in candidates)
    cells = [
        model.model_id,
        " ".join(levels) or "–",
        str(gpqa or "–"),
        str(agent or "–"),
        str(len(model.figures)),
        str(sum(len(one.output_tokens) for one in candidates) or "–"),
        " ".join(features),
        " ".join(caches),
        ", ".join(f"{tier.above:,}" for tier in model.long_context) or "–",
        f"{model.max_output_tokens:,}" if model.max_output_tokens else "?",
    ]
    return f"| {' | '.join(cells)} |"


def _thin(what: str, models: Iterator[Model]) -> list[str]:
    names = [model.model_id for model in models]
    return [f"- {what} ({len(names)}): {', '.join(names)}."] if names else []


def main() -> None:
    """Write the coverage anew."""
    TARGET.write_text(document(), encoding="utf-8")


if __name__ == "__main__":
    main()
