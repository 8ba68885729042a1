"""`POST /api/route`: which model should serve this prompt? Everything is loaded before the first request."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from aws_lambda_powertools.metrics import MetricUnit
from pointsman.api import create_app
from pointsman.artifact import load_artifact, load_embedder
from pointsman.registry import load_registry
from pointsman.router import Router
from pointsman.settings import load_settings

from functions.shared import annotations, caller_of, logger, metrics, opened_history, serve

if TYPE_CHECKING:
    from fastapi import FastAPI
    from pointsman.decision import Decision


def observe(decision: "Decision", stages: Mapping[str, float]) -> None:
    """A log line and metrics of a decision; nothing of its prompt."""
    logger.info(
        "decision",
        decision_id=decision.id,
        config=decision.config,
        selected=decision.selected,
        reason=decision.reason,
        recorded=decision.recorded,
        candidates=len(decision.candidates),
        expected_quality=decision.expected_quality,
        milliseconds={stage: round(ms, 3) for stage, ms in stages.items()},
    )
    annotations.update(decision_id=decision.id, config=decision.config, selected=" + ".join(decision.selected))
    metrics.add_metric("Decisions", MetricUnit.Count, 1)
    metrics.add_metric("HistoryWriteFailures", MetricUnit.Count, 0 if decision.recorded else 1)
    for stage, ms in stages.items():
        metrics.add_metric(f"{stage.title()}Time", MetricUnit.Milliseconds, ms)
    # A config of one model has no choice to be watched.
    if len(decision.candidates) > 1:
        priciest = max(candidate.cost for candidate in decision.candidates)
        chosen = any(c.cost == priciest for c in decision.candidates if c.model_id in decision.selected)
        metrics.add_metric("PriciestChosen", MetricUnit.Count, 1 if chosen else 0)


def build() -> "FastAPI":
    """The app that decides, warmed by one decision that is not recorded."""
    settings = load_settings()
    registry = load_registry(settings.registry)
    artifact = load_artifact(settings.artifact)
    embedder = load_embedder(artifact, settings.threads, settings.embedder)
    history = opened_history(settings)
    router = Router(registry, artifact, embedder, history, settings, observe)
    router.predict("Hello")
    return create_app(registry, artifact.manifest, artifact.digest, router=router, caller_of=caller_of)


handler = serve(build)
