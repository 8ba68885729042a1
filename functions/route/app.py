"""`POST /api/route`: which model should serve this prompt? Everything is loaded before the first request."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from aws_lambda_powertools.metrics import MetricUnit
from pointsman.compose import open_app, open_router
from pointsman.settings import load_settings

from functions.shared import access_of, annotations, logger, metrics, opened_history, serve

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
    router = open_router(settings, opened_history(settings), observe)
    return open_app(settings, router=router, access_of=access_of)


handler = serve(build)
